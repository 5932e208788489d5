"""What every request carries: whose session it is, the scope, the actor, the way in; strangers go to the sign-in page.

A session lives in a row of the server (models/signin.py). The cookie holds its
token, the secret of the forms' tokens and the language, and nothing else.
"""

from __future__ import annotations

from datetime import datetime

from flask import Flask, Request, Response, abort, current_app, g, redirect, request, session, url_for
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from models import audit, realtime, scope, signin
from models.base import db
from models.schema import to_read, writing
from models.signin import SignIn
from models.user import User
from portal import clock, drafts, gate, once, secondstep
from portal.language import came_from
from portal.signin import begin, onwards, sign_in, sign_out

# Everything else needs a signed-in person.
OPEN = {"login", "login_code", "static", "healthz", "language"}


def init_app(app: Flask) -> None:
    CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None  # the row does this, and survives a proxy
    login.request_loader(_person)
    app.before_request(_open_request)
    app.after_request(drafts.forget_what_arrived)
    app.teardown_request(_close_request)
    app.add_url_rule("/login", "login", sign_in, methods=["GET", "POST"])
    secondstep.init_app(app)
    app.extensions.update(begin_session=begin, after_sign_in=onwards, owed=gate.owed)  # for the page of the code and one's own
    app.add_url_rule("/logout", "logout", sign_out, methods=["POST"])
    app.add_url_rule("/stay", "stay", stay, methods=["POST"])
    app.add_url_rule("/draft", "draft", drafts.page, methods=["GET"])
    app.add_url_rule("/draft/drop", "draft_dropped", drafts.drop, methods=["POST"])
    app.add_url_rule("/", "root", lambda: redirect(url_for("admin.index")))
    app.jinja_env.globals.update(session_left=_left)


def _open_request():
    """Set clock, scope, actor and kind of transaction; send strangers to the sign-in page."""
    g.contexts, g.signin = [], None
    if "real_now" in current_app.extensions:  # a test's own clock
        _enter(realtime.ticking(current_app.extensions["real_now"]))
    _enter(_set(writing, request.method not in ("GET", "HEAD", "OPTIONS")))
    if any("\0" in text for text in request.form.values()):
        abort(400)  # no browser sends it, and a database may choke on it
    if request.endpoint in OPEN or (request.endpoint or "").endswith(".static"):
        return None
    row, now = signin.find(session.get("token", "")), realtime.now()
    if row is None or row.over(now):
        return _to_sign_in(row, now)
    _seen(row, now)
    g.signin = row  # views may ask it when a one-time code was last given
    _enter(row.user.sight())
    _enter(acting())
    if getattr(current_app.view_functions.get(request.endpoint), "reads_first", False):
        to_read()
    stopped = gate.stop()
    if stopped is None:
        _enter(once.claimed())
    return stopped


def _person(_request: Request) -> User | None:
    """Who is signed in; nobody where a request was refused before anybody asked."""
    return g.signin.user if g.get("signin") else None


def known() -> bool:
    """Whether somebody signed in sent this, also where it was refused before anybody asked: a form without its token."""
    if not g.get("signin"):
        row = signin.find(session.get("token", ""))
        g.signin = None if row is None or row.over(realtime.now()) else row
    return g.signin is not None


def _to_sign_in(row: SignIn | None, now: datetime) -> Response:
    # A form that came too late cannot be asked for by its address: back to the page it was on.
    here = request.full_path.rstrip("?") if request.method == "GET" else came_from()
    if row is not None and request.method == "POST" and drafts.keep(row, now):
        here = url_for("draft")
    return redirect(url_for("login", next=here))


def _seen(row: SignIn, now: datetime) -> None:
    """Note at most once a minute that the session was used."""
    if now - row.seen_at < signin.SEEN_EVERY:
        return
    id, engine = row.id, db.engine
    with scope.everything("sign-in"):
        db.session.rollback()  # on SQLite the lock of a form's own transaction would be in the way
        signin.touch(engine, id, now)
        db.session.refresh(row)


def stay() -> dict[str, int]:
    """The page says that somebody is at work who sends nothing yet: the session goes on."""
    g.signin.seen_at = realtime.now()
    db.session.commit()
    return _left()


def _left() -> dict[str, int]:
    idle, life = g.signin.left(realtime.now())
    return {"idle": idle, "life": life}


def acting():
    """The person signed in, as the trail tells of them; an act that nobody names is called by its address."""
    user = g.signin.user
    return audit.acting_as(user.username, "screen", clock.now, role=user.role, address=request.remote_addr,
                           session_id=g.signin.id, act=request.endpoint)


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
