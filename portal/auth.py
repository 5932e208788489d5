"""Signing in, and what every request carries from it: the scope, the actor, the way in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from flask import Flask, abort, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import CSRFProtect
from sqlalchemy import select

from models import audit, scope
from models.base import db
from models.idnumber import masked
from models.schema import writing
from models.user import User, password_fits
from portal import clock
from portal.language import came_from, local

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
TRIES, LOCKED = 5, timedelta(minutes=15)
# Everything else needs a signed-in person.
OPEN = {"login", "static", "healthz", "language"}


def init_app(app: Flask) -> None:
    CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None  # the user's session key in the cookie does this, and survives a proxy
    login.user_loader(_load)
    app.before_request(_open_request)
    app.teardown_request(_close_request)
    app.add_url_rule("/login", "login", sign_in, methods=["GET", "POST"])
    app.add_url_rule("/logout", "logout", sign_out, methods=["POST"])
    app.add_url_rule("/", "root", lambda: redirect(url_for("admin.index")))


def _load(identity: str) -> User | None:
    """The user of a cookie, if the cookie's session is the live one and not too old."""
    with scope.everything("sign-in"):
        user = db.session.get(User, int(identity))
    if user is None or not user.active or session.get("key") != user.session_key or _too_old():
        return None
    return user


def _too_old() -> bool:
    now = datetime.now(UTC).timestamp()
    since, seen = session.get("since", 0), session.get("seen", 0)
    return now - since > ABSOLUTE.total_seconds() or now - seen > IDLE.total_seconds()


def _open_request():
    """Set scope, actor and kind of transaction; send strangers to the sign-in page."""
    g.contexts = []
    _enter(_set(writing, request.method not in ("GET", "HEAD", "OPTIONS")))
    if any("\0" in text for text in request.form.values()):
        abort(400)  # no browser sends it, and a database may choke on it
    if request.endpoint in OPEN or (request.endpoint or "").endswith(".static"):
        return None
    if not current_user.is_authenticated:
        # A form that came too late cannot be asked for by its address: back to the page it was on.
        here = request.full_path.rstrip("?") if request.method == "GET" else came_from()
        return redirect(url_for("login", next=here))
    session["seen"] = datetime.now(UTC).timestamp()
    _enter(current_user.sight())
    _enter(audit.acting_as(current_user.username, "screen", clock.now))
    return None


def _enter(context) -> None:
    context.__enter__()
    g.contexts.append(context)


class _set:
    """A context variable set for the length of a request."""

    def __init__(self, variable, value):
        self.variable, self.value = variable, value

    def __enter__(self):
        self.token = self.variable.set(self.value)

    def __exit__(self, *error):
        self.variable.reset(self.token)


def _close_request(error: BaseException | None) -> None:
    for context in reversed(g.pop("contexts", [])):
        context.__exit__(None, None, None)


def sign_in():
    """The sign-in page; five wrong passwords lock the name for 15 minutes."""
    if request.method == "POST":
        name = request.form.get("username", "").strip()
        with scope.everything("sign-in"), audit.acting_as(_told(name), "screen", clock.now):
            user = _try(name, request.form.get("password", ""))
        if user:
            return redirect(local(request.args.get("next")) or url_for("admin.index"))
        flash(gettext("The user name or the password is wrong, or the name is locked for 15 minutes after five "
                      "wrong tries."), "error")
    tried = request.method == "POST"
    return render_template("login.html", title=gettext("Sign in"), problems=tried), 401 if tried else 200


def _told(name: str) -> str:
    """Who tried, as the trail keeps it: an ID number typed for a user name stays out of it."""
    return masked(name) if re.fullmatch(r"\d{14,17}[\dXx]", name, re.ASCII) else name[:64] or "?"


def _try(name: str, password: str) -> User | None:
    """The user if the password fits and the name is not locked; the try is in the trail either way."""
    user = db.session.scalar(select(User).where(User.username == name))
    now = datetime.now(UTC)
    locked = user and user.locked_until and user.locked_until > now
    fits = password_fits(user, password) and user.active and not locked
    if fits:
        _begin(user)
    elif user and not locked:
        user.failures += 1
        if user.failures >= TRIES:
            user.failures, user.locked_until = 0, now + LOCKED
    audit.record("sign_in" if fits else "sign_in_refused", "portal_user", user.area_code if user else "",
                 row_id=user.id if user else None)
    db.session.commit()
    return user if fits else None


def _begin(user: User) -> None:
    """One live session per person: the new key ends every older cookie."""
    user.failures, user.locked_until = 0, None
    user.end_sessions()
    db.session.flush()
    session.clear()
    session["key"] = user.session_key
    session["since"] = session["seen"] = datetime.now(UTC).timestamp()
    login_user(user)


def sign_out():
    current_user.end_sessions()
    audit.record("sign_out", "portal_user", current_user.area_code, row_id=current_user.id)
    db.session.commit()
    logout_user()
    session.clear()
    return redirect(url_for("login"))
