"""A person's own page: who they are here, their password, their code generator."""

from __future__ import annotations

from typing import Any

import segno
from flask import abort, current_app, flash, redirect, request, session, url_for
from flask_admin import expose
from flask_login import current_user

from models import audit, passwords, realtime, secondfactor
from models.base import db
from models.user import ROLE_TITLES, Role
from models.words import N_, Refusal
from views import proof
from views.base import OfficePage
from views.places import names
from views.words import moment, say, undone

SETS_UP = N_("Your post signs in with a code from a phone as well: set the generator up, then everything is open to you.")
CHOOSES = N_("Choose a password of your own first, then everything is open to you.")
TOO_OLD = N_("Your password is older than 90 days: choose another first, then everything is open to you.")
SETUP_LIVES = 900  # seconds to scan and confirm


class AccountPage(OfficePage):
    """Open to everybody; also to who owes a password or a generator, and then nothing else is."""

    title, at, hidden = N_("My account"), "account", True

    def is_accessible(self) -> bool:
        return current_user.is_authenticated

    @expose("/")
    def index(self) -> str:
        return self._page()

    @expose("/password", methods=("POST",))
    def password(self) -> Any:
        """Another password; it ends every session and begins one anew here."""
        new, again = request.form.get("new", ""), request.form.get("again", "")
        try:
            proof.take_password(request.form.get("old", ""))
        except Refusal as refusal:
            return self._refused("old", refusal)
        user = current_user._get_current_object()
        try:
            if new != again:
                raise Refusal(N_("The two new passwords differ."))
            user.set_password(new)
        except Refusal as refusal:
            return self._refused("again" if new != again else "new", refusal)
        audit.record("password_change", "portal_user", user.area_code, row_id=user.id)
        db.session.flush()
        current_app.extensions["begin_session"](user)
        db.session.commit()
        flash(say(N_("The new password counts from now on.")), "success")
        return redirect(url_for("admin.index"))

    @expose("/generator", methods=("POST",))
    def generator(self) -> Any:
        """The picture to scan, once; nothing counts before it is confirmed."""
        self._second_factor_or_404()
        for field, taken in (("password", _take_password), ("code", _take_code)):
            try:
                taken()
            except Refusal as refusal:
                return self._refused(field, refusal)
        user = current_user._get_current_object()
        audit.record(None, "portal_user", user.area_code, row_id=user.id)
        db.session.commit()
        secret = secondfactor.new_secret()
        session["new_secret"] = [secondfactor.seal(secret, current_app.secret_key), realtime.now().timestamp()]
        return self._picture(secret)

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> Any:
        """The first code shows that the phone has the secret; from now on its codes are asked for."""
        self._second_factor_or_404()
        secret = _pending()
        if secret is None:
            return self._refused("password", Refusal(N_("Setting up took too long: begin again.")))
        user, now = current_user._get_current_object(), realtime.now()
        step = secondfactor.step_of(secret, request.form.get("code", ""), now)
        if step is None:
            wrong = [("code", say(N_("This is not the code of the last half minute: is the phone’s clock right?")))]
            return self._picture(secret, wrong), 422
        secondfactor.keep(user, secret, step, current_app.secret_key)
        audit.record("generator_set", "portal_user", user.area_code, row_id=user.id)
        db.session.commit()
        session.pop("new_secret")
        flash(say(N_("The code generator is set up: the next sign-in asks for its code.")), "success")
        return redirect(url_for("admin.index"))

    def _second_factor_or_404(self) -> None:
        if not current_app.config["SECOND_FACTOR"]:
            abort(404)

    def _picture(self, secret: str, problems: Any = ()) -> str:
        picture = segno.make_qr(secondfactor.address(secret, current_user.username), error="m")
        return self.render("admin/generator.html", title=say(N_("Set up the code generator")), problems=problems, owed=_owed(),
                           picture=picture.svg_data_uri(scale=5, border=4), typed=" ".join(_fours(secret)))

    def _refused(self, field: str, refusal: Refusal) -> Any:
        return self._page([(field, say(undone(refusal)))]), 422

    def _page(self, problems: Any = ()) -> str:
        owed = _owed()
        facts = [(N_("User name"), current_user.username), (N_("Name"), current_user.name),
                 (N_("Post"), say(ROLE_TITLES[Role(current_user.role)])), (N_("Area"), _area()),
                 (N_("Password chosen at"), moment(current_user.password_set_at) or "–"),
                 (N_("Login ends after"), current_user.ends_on or "–")]
        return self.render("admin/account.html", problems=problems, owed=owed, reason=_reason(owed), asked=proof.applies(),
                           facts=[(say(label), text) for label, text in facts], left=days_left(),
                           generator=current_app.config["SECOND_FACTOR"])


def _take_password() -> None:
    proof.take_password(request.form.get("password", ""))


def _take_code() -> None:
    """A generator is replaced by whoever holds the old one; without it, an administrator resets it."""
    if proof.applies():
        proof.take_code()


def days_left() -> int | None:
    """Days until the password has to be changed, once they are few; never in the demo."""
    return None if current_app.config["PORTAL"].demo else passwords.days_left(current_user, realtime.now())


def _owed() -> str | None:
    return current_app.extensions["owed"]()


def _reason(owed: str | None) -> str:
    if owed == secondfactor.PASSWORD:
        return say(TOO_OLD if current_user.password_set_at else CHOOSES)
    return say(SETS_UP) if owed else ""


def _area() -> str:
    code = current_user.area_code
    return names().township(code) if len(code) == 9 else say(N_("Whole county"))


def _pending() -> str | None:
    """The secret that waits for its first code, unless it waits too long."""
    sealed, at = session.get("new_secret") or ("", 0)
    fresh = 0 <= realtime.now().timestamp() - at < SETUP_LIVES
    return secondfactor.unseal(sealed, current_app.secret_key) if fresh else None


def _fours(secret: str) -> list[str]:
    return [secret[at:at + 4] for at in range(0, len(secret), 4)]
