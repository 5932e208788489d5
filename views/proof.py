"""The code from the phone once more, before money is approved or full numbers leave the portal (ASVS 5.0 7.5.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from flask import current_app, g, request
from flask_login import current_user
from sqlalchemy.orm.exc import StaleDataError

from models import audit, formkey, realtime, secondfactor, signin
from models.base import db
from models.passwords import password_fits
from models.schema import to_write
from models.user import User
from models.words import N_, Refusal

MONEY = ("approve",)  # steps that let money go
HOLDS = timedelta(minutes=5)
WRONG = N_("This needs a fresh code from your phone: it is missing, wrong, or was used already.")


def applies() -> bool:
    """Whether codes are asked of this person at all."""
    return current_app.config["SECOND_FACTOR"] and secondfactor.asked(current_user)


def needed() -> bool:
    """Whether a form has to ask for a code now: not within five minutes of the last proof in this session."""
    proved_at = g.signin.proved_at
    return applies() and not (proved_at and realtime.within(proved_at, realtime.now(), HOLDS))


def proved() -> None:
    """Take the code of the form's field `code`, if one is needed. Raises Refusal otherwise.

    Call it before anything is changed: it commits, so that a code counts as used
    and a wrong one as a try whatever becomes of the rest.
    """
    if needed():
        take_code()


def take_code() -> None:
    """Take the code of the form's field `code` once. Raises Refusal if it is missing, wrong or used."""
    code = request.form.get("code", "").strip()
    if not code:
        raise Refusal(WRONG)
    user, now = _locked(), realtime.now()
    if not secondfactor.take(user, code, now, current_app.secret_key):
        _wrong(user, "code", WRONG)
    user.failures, g.signin.proved_at = 0, now
    if not _noted("proved", user, proof="code"):
        raise Refusal(WRONG)


def take_password(typed: str) -> None:
    """Raises Refusal if it is not the password of the person signed in. Fitting, it is part of what the form does."""
    user = _locked()
    if not password_fits(user, typed):
        _wrong(user, "password", N_("The present password is wrong."))


def _locked() -> User:
    to_write()
    user = current_user._get_current_object()
    db.session.refresh(user, with_for_update=True)
    return user


def _wrong(user: User, what: str, sentence: str) -> NoReturn:
    """A try that failed; the fifth locks the login and ends its sessions. That is the one entry of this form."""
    now = realtime.now()
    if user.fails(now):
        signin.end_all(user.id, signin.BY_ADMIN, now)
    g.told = _noted("proof_refused", user, result=audit.REFUSED, why=sentence, proof=what, form=request.endpoint)
    raise Refusal(sentence)


def _noted(act: str, user: User, **details: Any) -> bool:
    """Commit it, with its entry; not where the same code came twice at once, and the other was quicker."""
    try:
        audit.record(act, "portal_user", user.area_code, row_id=user.id, **details)
        formkey.aside()
        db.session.commit()
    except StaleDataError:
        db.session.rollback()
        return False
    return True
