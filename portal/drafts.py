"""Nothing typed is lost with the session: a form that came too late is kept, shown after signing in, and sent on.

A form is kept only if its token was valid for the cookie that sent it, so that
no other site can put one there; and only for the person whose session it was.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from models import draft, realtime, scope
from models.base import db
from models.signin import CLOCK, ELSEWHERE, TOO_OLD, UNUSED, SignIn
from models.words import N_
from portal.language import came_from
from portal.once import FIELD, MARK
from views.draftwords import words
from views.words import say

# Ends after which a person comes back to their work; after the others somebody wanted it to stop.
RETURNING = {UNUSED, TOO_OLD, CLOCK, ELSEWHERE}
_SECRET = re.compile(r"password|secret|otp|one_time|totp|^code$", re.IGNORECASE)
# Passwords are typed on the one, whatever the fields are called; people are looked for with the other, again and again.
_NEVER = ("/admin/account/", "/admin/find/")


def keep(row: SignIn, now: datetime) -> bool:
    """Keep the form of this request for the person whose session has ended; whether it was kept."""
    why = row.over(now)
    if why not in RETURNING or not row.user.in_force(now) or not _whole(row, now):
        return False
    with scope.everything("keeping a form"):
        row.end(why, now)
        kept = _says_something() and draft.keep(
            row.user, request.full_path.rstrip("?"), came_from(), _fields(), _has_files(), now)
        db.session.commit()
    return kept


def _whole(row: SignIn, now: datetime) -> bool:
    """An address of the office's own, a session that ended today, and a token of its own forms."""
    kept = request.path.startswith("/admin/") and not request.path.startswith(_NEVER)
    if request.url_rule is None or not kept or now - row.seen_at >= draft.KEPT_FOR:
        return False
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    return True


def _fields() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.form.items(multi=True)
            if name not in ("csrf_token", MARK) and not _SECRET.search(name)]


def _says_something() -> bool:
    """Not a mere button, such as what fetches a file: that is simply pressed again."""
    return any(name != FIELD for name, _ in _fields()) or _has_files()


def _has_files() -> bool:
    return any(file.filename for file in request.files.values())


def typed() -> dict[str, Any]:
    """What the form of this request says, for a page that sends it once more; {} if it is none of the office's."""
    if request.url_rule is None or not request.path.startswith("/admin/") or request.path.startswith(_NEVER):
        return {}
    fields = [field for field in _fields() if field[0] != FIELD]
    return {"fields": fields, "shown": words(fields), "files": _has_files(), "back": came_from(), "key": request.form.get(FIELD)}


def page() -> Response | str:
    """What is kept, in words, and a button that sends it."""
    kept = draft.of(g.signin.user, realtime.now())
    if kept is None:
        return redirect(url_for("admin.index"))
    fields = [field for field in kept.fields if field[0] != FIELD]
    return render_template("draft.html", title=say(N_("What you typed is kept")), kept=kept, fields=fields, shown=words(fields),
                           key=dict(kept.fields).get(FIELD), mark=MARK)


def drop() -> Response:
    """The person does not want it any more."""
    _forget()
    flash(say(N_("What was kept is gone.")), "success")
    return redirect(url_for("admin.index"))


def forget_what_arrived(response: Response) -> Response:
    """A kept form that was sent again is forgotten once a screen took it, or shows it again with what is wrong."""
    if g.get("signin") and request.method == "POST" and MARK in request.form and _arrived(response):
        db.session.rollback()  # what a screen left undone stays undone
        _forget()
    return response


def _arrived(response: Response) -> bool:
    sent_back = response.status_code == 302 and response.location == url_for("draft")
    return not sent_back and (response.status_code < 400 or response.status_code == 422)


def _forget() -> None:
    kept = draft.of(g.signin.user, realtime.now())
    if kept is not None:
        db.session.delete(kept)
        db.session.commit()
