"""The sign-in page and signing out. Wrong passwords lock the name, and slow down the address they come from."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Response, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from sqlalchemy import select

from models import addresstry, audit, draft, realtime, scope, signin
from models.base import db
from models.idnumber import masked
from models.passwords import password_fits
from models.schema import to_read, to_write
from models.user import User
from models.words import N_
from portal import clock, drafts, secondstep
from portal.language import local
from views.words import said, say


def sign_in() -> Response:
    """The page, or what comes of a try: the same words whether the name exists, is locked, or the password is wrong."""
    if request.method != "POST":
        return _page(_why_here(), 200)
    name = request.form.get("username", "").strip()
    with scope.everything("sign-in"), audit.acting_as(_told(name), "screen", clock.now, address=_address()):
        to_read()
        seconds, proven = addresstry.wait(_address(), realtime.now()), None
        if not seconds:  # before anything is looked up, so that nothing is told
            proven = _proven(name, request.form.get("password", ""))
            to_write()
            seconds = addresstry.wait(_address(), realtime.now())  # others may have tried meanwhile
        if seconds:
            return _page([said(N_("Too many wrong tries: wait {seconds} seconds, then try again."), seconds=seconds)], 429,
                         {"Retry-After": str(seconds)})
        user = _try(name, proven)
        if user and secondstep.waiting():
            return redirect(url_for("login_code", next=local(request.args.get("next"))))
        if user:
            return redirect(onwards(user))
    return _page([gettext("The user name or the password is wrong, or the name is locked for 15 minutes after five "
                          "wrong tries.")], 401)


def _page(told: list[str], status: int, headers: dict[str, str] | None = None) -> Response:
    page = render_template("login.html", title=gettext("Sign in"), told=told, problems=status >= 400)
    return make_response(page, status, headers or {})


def _why_here() -> list[str]:
    """What became of the session that this browser still has the cookie of."""
    with scope.everything("sign-in"):
        row, now = signin.find(session.get("token", "")), realtime.now()
        why = row and row.over(now)
        if not why:
            return []
        told = [signin.ENDS[why]]
        if why in drafts.RETURNING and draft.of(row.user, now):
            told.append(N_("What you typed is kept: sign in again, then go on with it."))
        return [say(words) for words in told]


def onwards(user: User) -> str:
    """What was kept comes first; else the page that was asked for; else what is to do."""
    if draft.of(user, realtime.now()):
        return url_for("draft")
    return local(request.args.get("next")) or url_for("admin.index")


def _told(name: str) -> str:
    """Who tried, as the trail keeps it: an ID number typed for a user name stays out of it."""
    return masked(name) if re.fullmatch(r"\d{14,17}[\dXx]", name, re.ASCII) else name[:64] or "?"


def _address() -> str:
    return request.remote_addr or "?"


def _proven(name: str, password: str) -> str | None:
    """The kept hash that the password fits, looked at while nobody has to wait for it: that takes its time."""
    user = db.session.scalar(select(User).where(User.username == name))
    return user.password_hash if password_fits(user, password) else None


def _try(name: str, proven: str | None) -> User | None:
    """The user if it is still their password that fits and the name is not locked; the try is in the trail either way."""
    user = db.session.scalar(select(User).where(User.username == name).with_for_update())
    now = realtime.now()
    fits = user is not None and user.password_hash == proven and _may_enter(user, now)
    half = fits and secondstep.wanted(user)
    if fits:
        (secondstep.wait if half else begin)(user)
    else:
        _failed(user, now)
    act = "password_accepted" if half else "sign_in" if fits else "sign_in_refused"
    audit.record(act, "portal_user", user.area_code if user else "", row_id=user.id if user else None,
                 result=audit.DONE if fits else audit.REFUSED)
    db.session.commit()
    return user if fits else None


def _may_enter(user: User, now: datetime) -> bool:
    """In the demo a password alone signs in, also one that was to be used once."""
    exercise = current_app.config["PORTAL"].demo
    return not user.locked(now) and (user.in_force(now) if exercise else user.may_enter(now))


def _failed(user: User | None, now: datetime) -> None:
    """A try slows down the address it came from, and counts towards locking the name."""
    addresstry.failed(_address(), now)
    if user and not user.locked(now):
        user.fails(now)


def begin(user: User) -> None:
    """A new session for this browser; every older one of the person ends. The caller commits."""
    user.enters(realtime.now())
    addresstry.succeeded(_address())
    draft.purge(realtime.now())
    kept = {name: session[name] for name in ("locale", *_forms_of(user)) if name in session}
    session.clear()
    session.update(kept, token=signin.begin(user, _address(), request.user_agent.string, realtime.now()))


def _forms_of(user: User) -> tuple[str, ...]:
    """Forms in the other tabs of who was signed out for a while stay valid, as long as the same person comes back."""
    row = signin.find(session.get("token", ""))
    back = row is not None and row.user_id == user.id and row.over(realtime.now()) in drafts.RETURNING
    return ("csrf_token",) if back else ()


def sign_out() -> Response:
    g.signin.end(signin.SIGNED_OUT, realtime.now())
    audit.record("sign_out", "portal_user", g.signin.area_code, row_id=g.signin.user_id)
    db.session.commit()
    session.clear()
    return redirect(url_for("login"))
