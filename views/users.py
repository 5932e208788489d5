"""People who sign in: added with a one-time code, disabled, never deleted."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.orm import selectinload
from wtforms import DateField
from wtforms.validators import Optional

from models import audit, grants, realtime, secondfactor
from models.base import db
from models.grants import GRANTED
from models.months import parse_date
from models.races import Stale, noticed
from models.signin import BY_ADMIN, end_all
from models.user import ROLE_TITLES, Right, Role, User, new_user
from models.words import N_, Refusal
from views import difference, posts, seen
from views.base import OfficeView
from views.cases import cell, toned
from views.filters import Pick, equals, prefix, titled
from views.frame import now
from views.posts import NameForm, PostForm, PostVerbs
from views.stepform import tidy
from views.words import moment, said, say, undone


class UserForm(NameForm, PostForm):
    """A new person, and the post asked for. A code that signs in once is made, shown once, and told in person."""

    ends_on = DateField(_l("Login ends after"), [Optional()], description=_l("The last day of a post that ends; may stay empty"))


STALE = N_("Somebody else changed this user meanwhile: look again, then decide.")
USE = Pick("use", N_("In use"), (("yes", N_("In use")), ("no", N_("Not in use")), ("locked", N_("Locked"))),
           lambda use: User.locked_at(realtime.now()) if use == "locked" else User.active == (use == "yes"))


class UserView(PostVerbs, OfficeView):
    title, at, row, needs = N_("Users"), "user", User, Right.SEE_USERS
    can_create, changes, form = True, Right.CHANGE_USERS, UserForm
    details_template = "admin/user.html"
    search_hint = N_("User name or name")
    column_list = column_details_list = ("username", "name", "role", "area_code", "posts", "active", "locked_until",
                                         "last_seen_on", "ends_on")
    column_labels = {"username": N_("User name"), "name": N_("Name"), "role": N_("Post"), "area_code": N_("Area"),
                     "posts": N_("Grant"), "active": N_("In use"), "locked_until": N_("Locked until"),
                     "last_seen_on": N_("Last sign-in"), "ends_on": N_("Login ends after")}
    column_formatters = column_formatters_detail = {
        "role": cell(lambda user: say(ROLE_TITLES[Role(user.role)])),
        "locked_until": cell(lambda user: moment(user.locked_until)), "last_seen_on": cell(lambda user: _seen(user)),
        "area_code": cell(lambda user: posts.place(user.area_code)), "posts": cell(posts.state)}
    column_default_sort = [("area_code", False), ("username", False)]
    column_filters = (equals("role", N_("Post"), User.role, titled(ROLE_TITLES)), posts.WAITING, USE)

    def searched(self, text: str) -> Any:
        return prefix(User.username if text.isascii() else User.name, text)

    def get_query(self) -> Any:
        return super().get_query().options(selectinload(User.posts))

    def render(self, template: str, **facts: Any) -> str:
        row = facts.get("row")
        facts = {"seen": seen.newest(), "difference": []} | facts if row else facts
        return super().render(template, posts=posts.history(row) if row else [], grants=current_user.may(Right.GRANT_POSTS),
                              **facts)

    def page_title(self, row: User) -> str:
        return f"{row.name} {row.username}"

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new person: the code appears on the page that follows, and nowhere else."""
        if not self.may_change():
            abort(403)
        form, problems = self.create_form(), []
        if request.method == "POST":
            problems = form.problems() if not form.validate() else self._add(form)
            if not problems:
                return redirect(url_for(".index_view"))
        page = self.render(self.create_template, title=say(N_("Add a user")), form=form, row=None, problems=problems)
        return page, 422 if problems else 200

    def _add(self, form: UserForm) -> list[tuple[str, str]]:
        try:
            if db.session.query(User).filter_by(username=form.username.data).first() is not None:
                raise Refusal(N_("There already is a user {name}."), name=form.username.data)
            user = new_user(form.username.data, form.name.data, form.role.data, form.area(), None)
            user.ends_on, code = form.ends_on.data, user.give_code()
            with noticed():
                grants.ask(user, form.role.data, form.area(), form.basis.data, current_user._get_current_object(), now(),
                           namesake=form.namesake.data)
                db.session.commit()
        except Refusal as refusal:
            undone(refusal)
            return [("username", say(refusal))]
        _tell(form.username.data, code)
        flash(said(N_("The post of {name} waits to be granted by the security administrator."), name=user.name), "success")
        return []

    @expose("/<id>/password", methods=("POST",))
    def password(self, id: str) -> Any:
        """A new one-time code; every session of the person ends."""
        user = self._other(id)
        code = user.give_code()
        audit.record("one_time_code", "portal_user", user.area_code, row_id=user.id)
        return self._done(user, lambda: _tell(user.username, code))

    @expose("/<id>/generator", methods=("POST",))
    def generator(self, id: str) -> Any:
        """The phone is lost: sessions end, and the next sign-in sets a code generator up anew.

        The security administrator's, since whoever makes one-time codes could otherwise sign in as anybody.
        """
        user = self._other(id, Right.GRANT_POSTS)
        secondfactor.reset(user)
        end_all(user.id, BY_ADMIN, realtime.now())
        audit.record("generator_reset", "portal_user", user.area_code, row_id=user.id)
        return self._done(user, lambda: flash(said(N_("{name} sets up a code generator at the next sign-in."), name=user.name),
                                              "success"))

    @expose("/<id>/ends", methods=("POST",))
    def ends(self, id: str) -> Any:
        """The last day of a login, or none."""
        user = self._other(id)
        text = request.form.get("ends_on", "").strip()
        user.ends_on = _day(text) if text else None
        return self._done(user, lambda: flash(say(N_("Saved.")), "success"))

    @expose("/<id>/sessions", methods=("POST",))
    def sessions(self, id: str) -> Any:
        """End every session of a person."""
        user = self._other(id)
        end_all(user.id, BY_ADMIN, realtime.now())
        audit.record("end_sessions", "portal_user", user.area_code, row_id=user.id)
        return self._done(user, lambda: flash(say(N_("Every session of this person has ended.")), "success"))

    @expose("/<id>/active", methods=("POST",))
    def active(self, id: str) -> Any:
        """Disable a person, or let them in again."""
        user = self._other(id)
        if not user.active and grants.in_state(user, GRANTED) is None:
            raise Refusal(N_("{name} holds no granted post: ask for one first."), name=user.name)
        user.active = not user.active
        words = N_("{name} may sign in again.") if user.active else N_("{name} can no longer sign in.")
        return self._done(user, lambda: flash(said(words, name=user.name), "success"))

    def _other(self, id: str, right: Right = Right.CHANGE_USERS) -> User:
        user = self.get_one(id)
        if not current_user.may(right):
            abort(403)
        if user.id == current_user.id:
            raise Refusal(N_("Nobody changes their own login here."))
        return user if seen.fresh(user) else abort(self._late(user))

    def _late(self, user: User) -> Any:
        """The page of the user as it is now, with what was changed since it was looked at."""
        undone(Refusal(STALE))
        told = difference.of_row(user, seen.since(), request.form, self.column_details_list)
        return make_response(self.page(user, problems=[("", say(STALE))], difference=told), 409)

    def _done(self, user: User, tell: Any) -> Any:
        try:
            with noticed():
                db.session.commit()
        except Stale:
            return self._late(user)
        tell()
        return redirect(url_for(".details_view", id=user.id))


def _day(text: str) -> date:
    try:
        return parse_date(tidy("date", text))
    except Refusal:
        raise Refusal(N_("“{text}” is not a date such as 2021-09-19."), text=text[:20]) from None


def _tell(username: str, code: str) -> None:
    flash(said(N_("One-time code of {user}, valid 24 hours; the first sign-in asks for a password of one’s own (shown only "
                  "once): {code}"), user=username, code=code), "success")


def _seen(user: User) -> Any:
    """The day of the last sign-in; marked where nobody has used the login for 90 days."""
    if not user.unused(realtime.now()):
        return user.last_seen_on
    return toned("is-soon", said(N_("{day}, unused for 90 days"), day=user.last_seen_on))
