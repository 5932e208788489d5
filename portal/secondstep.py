"""The page after the right password: a code from the phone, before anything is open."""

from __future__ import annotations

import hashlib

from flask import Flask, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from models import audit, realtime, scope, secondfactor
from models.base import db
from models.user import User
from portal import clock
from portal.language import local

PATIENCE = 300  # seconds between password and code


def init_app(app: Flask) -> None:
    settings = app.config["PORTAL"]
    app.config["SECOND_FACTOR"] = settings.second_factor and not settings.demo
    app.add_url_rule("/login/code", "login_code", page, methods=["GET", "POST"])


def wanted(user: User) -> bool:
    return current_app.config["SECOND_FACTOR"] and secondfactor.asked(user)


def wait(user: User) -> None:
    """Remember in the cookie who gave the right password and when; it opens nothing but the page of the code."""
    session["half"] = [user.id, realtime.now().timestamp(), _mark(user)]


def waiting() -> bool:
    return "half" in session


def _mark(user: User) -> str:
    """Another password makes what waits worthless."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def _who() -> User | None:
    """Whoever waits; a code that comes locks the row, so that two at once are taken one after the other."""
    id, at, mark = session.get("half") or (0, 0, "")
    now, found = realtime.now(), select(User).where(User.id == id)
    user = db.session.scalar(found.with_for_update() if request.method == "POST" else found)
    fresh = user is not None and 0 <= now.timestamp() - at < PATIENCE and mark == _mark(user)
    return user if fresh and user.in_force(now) and not user.locked(now) and secondfactor.asked(user) else None


def page():
    """Ask for the code; a wrong one counts as a wrong password does."""
    onward = local(request.args.get("next"))
    with scope.everything("sign-in"):
        user = _who()
        if user is None:
            session.pop("half", None)
            return redirect(url_for("login", next=onward))
        if request.method == "POST":
            with audit.acting_as(user.username, "screen", clock.now, address=request.remote_addr):
                if _taken(user):
                    return redirect(current_app.extensions["after_sign_in"](user))
    wrong = gettext("The code is wrong, or was used already; after five wrong tries the name is locked for 15 minutes.")
    problems = [("code", wrong)] if request.method == "POST" else []
    return render_template("code.html", title=gettext("Code from the phone"), problems=problems), 401 if problems else 200


def _taken(user: User) -> bool:
    now = realtime.now()
    fits = secondfactor.take(user, request.form.get("code", ""), now, current_app.secret_key)
    if not fits:
        user.fails(now)
    audit.record("sign_in" if fits else "code_refused", "portal_user", user.area_code, row_id=user.id,
                 result=audit.DONE if fits else audit.REFUSED)
    try:
        if fits:
            current_app.extensions["begin_session"](user)
        db.session.commit()
    except StaleDataError:  # the same code came twice at once, and the other was quicker
        db.session.rollback()
        session.clear()
        return False
    return fits
