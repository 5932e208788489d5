"""The code from the phone once more, before money is approved or full numbers leave the portal (ASVS 5.0 7.5.3)."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, g, request
from flask_login import current_user
from sqlalchemy.orm.exc import StaleDataError

from models import audit, realtime, secondfactor, signin
from models.base import db
from models.passwords import password_fits
from models.words import N_, Refusal

MONEY = ("approve",)  # steps that let money go
HOLDS = timedelta(minutes=5)
WRONG = N_("This needs a fresh code from your phone: it is missing, wrong, or was used already.")


def applies() -> bool:
    """Whether codes are asked of this person at all."""
    return current_app.config["SECOND_FACTOR"] and secondfactor.asked(current_user)


def needed() -> bool:
    """Whether a form has to ask for a code now: not within five minutes of the last proof in this session."""
    return applies() and (g.signin.proved_at is None or realtime.now() - g.signin.proved_at >= HOLDS)


def proved() -> None:
    """Take the code of the form's field `code`, if one is needed. Raises Refusal otherwise.

    Call it before anything is changed: it commits, so that a code counts as used
    and a wrong one as a try whatever becomes of the rest.
    """
    if needed():
        take_code()
        g.signin.proved_at = realtime.now()


def take_code() -> None:
    """Take the code of the form's field `code` once. Raises Refusal if it is missing, wrong or used."""
    code = request.form.get("code", "").strip()
    if not code:
        raise Refusal(WRONG)
    _try(lambda user: secondfactor.take(user, code, realtime.now(), current_app.secret_key), "code", WRONG)


def take_password(typed: str) -> None:
    """Raises Refusal if it is not the password of the person signed in."""
    _try(lambda user: password_fits(user, typed), "password", N_("The present password is wrong."))


def _try(fits, what: str, sentence: str) -> None:
    """One try at what only the person knows; the fifth wrong one locks the login and ends its sessions."""
    user, now = current_user._get_current_object(), realtime.now()
    db.session.refresh(user, with_for_update=True)
    right = fits(user)
    if right:
        user.failures = 0
    elif user.fails(now):
        signin.end_all(user.id, signin.BY_ADMIN, now)
    audit.record("proved" if right else "proof_refused", "portal_user", user.area_code, row_id=user.id, proof=what)
    try:
        db.session.commit()
    except StaleDataError:  # the same code came twice at once, and the other was quicker
        db.session.rollback()
        right = False
    if not right:
        raise Refusal(sentence)
