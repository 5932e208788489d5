"""The one-time key of a form: drawn with its token, asked for before the screen is, and answered as the first time.

A form that changes something is carried out once. Sent again by a double click, a reload or the back button, it is
answered as it was the first time; with other content it is refused. What the first was answered is kept for 48 hours,
readable for nobody but whoever has the form.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import time
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from models import formkey, realtime, signin
from models.base import db
from models.formkey import Claim, FormKey, Repeated, Secret
from models.schema import to_write
from models.words import N_
from portal.drawing import reading
from portal.language import came_from
from portal.machine_faults import note
from views.words import say

log = logging.getLogger("portal")

FIELD = "once"
MARK = "kept_draft"  # the field by which a kept form is known when it is sent again
# Forms that may be sent as often as one likes, and why; every other one needs a key. A star is any screen.
REPEATABLE = MappingProxyType({
    "logout": "the second time there is nobody to sign out",
    "stay": "says that somebody is at work",
    "draft_dropped": "the second time there is nothing to drop",
    "find.find": "leads to a list",
    "*.action_view": "leads to the check page of a deed, or fetches",
    "roster.check": "shows what a list would do",
    "handing.villages": "fetches a file, or leads to the task that makes it, which is not ordered twice",
    "case.number": "shows a number, and is told in the trail each time",
    **dict.fromkeys((
        "certificate.download", "document.download", "task.zip", "task.file", "handing.plan_file", "handing.village",
        "handing.export", "settlement.export_sheet", "ranking.workbook", "ranking.download", "roster.errors", "policy.posts",
    ), "fetches a file, and is told in the trail each time"),
})
HEADERS = ("Location", "Content-Type", "Content-Disposition")
TRIES, PAUSE = 60, 0.05  # seconds; an answer is kept a moment after the act

OTHER = N_("This form was sent before, with other content: load the page again, then send it once more.")
BROKEN = N_("This form was sent before and is not carried out, or not yet: load the page again and look.")
DONE = N_("This was already carried out.")


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(tokens=tokens)
    app.register_error_handler(Repeated, _again)
    app.after_request(_keep)


def tokens(key: str | None = None) -> Markup:
    """What stands in every form to post: the token of the session, and a key (a new one, if none is handed in).

    A browser that brings back what a form held before a reload would bring back the used key as well.
    """
    return Markup('<input type="hidden" name="csrf_token" value="{}"><input type="hidden" name="{}" value="{}" '
                  'autocomplete="off">').format(generate_csrf(), FIELD, key or secrets.token_urlsafe(16))


def repeatable(endpoint: str) -> bool:
    return endpoint in REPEATABLE or f"*.{endpoint.rpartition('.')[2]}" in REPEATABLE


def claimed() -> AbstractContextManager[None]:
    """Take the key of this request's form, if it has to have one: 400 without. Raises Repeated on entering."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None or repeatable(request.endpoint):
        return nullcontext()
    return formkey.claiming(_claim(_key() or abort(400)))


def _key() -> str | None:
    key = request.form.get(FIELD, "")
    return key if re.fullmatch(r"[\w-]{22}", key, re.ASCII) else None


def _claim(key: str) -> Claim:
    user = g.signin.user
    return Claim({"key_hash": formkey.hashed(key), "user_id": user.id, "area_code": user.area_code, "endpoint": request.endpoint,
                  "digest": _secret(key).digest(_content()), "made_at": realtime.now()})


def _secret(key: str) -> Secret:
    return Secret(key, current_app.secret_key)


def _content() -> bytes:
    """All that a form says: its address, its fields, and what its files hold."""
    fields = sorted(pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", FIELD, MARK))
    files = sorted((name, file.filename or "", _checksum(file.stream)) for name, file in request.files.items(multi=True))
    return json.dumps([request.endpoint, request.full_path, fields, files]).encode()


def _checksum(stream: Any) -> str:
    found = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    return found


def _keep(answer: Response) -> Response:
    """Keep what the first is answered, in a small transaction of its own: whatever becomes of it, the act is done.

    A repeat that a screen refused while it only looked, for the first was committed meanwhile, is answered as the first.
    """
    claim = formkey.over()
    if claim is not None and claim.stands is None and ("refused" in g or 400 <= answer.status_code < 500):
        return _if_quicker(claim) or answer
    if claim is not None and claim.stands is not None and answer.status_code < 500:
        try:
            db.session.rollback()
            to_write()
            formkey.answered(claim, _secret(_key()).seal(_packed(answer)))
            db.session.commit()
        except SQLAlchemyError as error:
            note(log, error, "the answer of %s is not kept", request.endpoint)
            db.session.rollback()
    return answer


def _if_quicker(claim: Claim) -> Response | None:
    db.session.rollback()  # the key of this request, which is not committed
    with reading():
        there = formkey.first(claim)
    if there is None:
        return None
    session.pop("_flashes", None)  # what the screen said of it
    return current_app.make_response(_again(Repeated(claim)))


def _packed(answer: Response) -> bytes:
    head = {"status": answer.status_code, "flashes": session.get("_flashes", []),
            "headers": {name: answer.headers[name] for name in HEADERS if name in answer.headers}}
    return json.dumps(head).encode() + b"\n" + answer.get_data()


def _again(error: Repeated) -> Any:
    """The form came before: what the first was answered, and nothing done."""
    error.claim.over = True
    g.pop("refused", None)  # by a screen that did not know
    db.session.rollback()
    row = signin.find(session.get("token", ""))
    if row is None or row.over(realtime.now()):  # by the first of them, which changed the password
        return redirect(url_for("login", next=came_from()))
    first, sent = _first(error.claim), error.claim.values
    if first is None or (first.user_id, first.digest) != (sent["user_id"], sent["digest"]):
        return _refused(OTHER)
    answer = first.answer and _secret(_key()).unseal(first.answer)
    if answer:
        return _unpacked(answer)
    if not first.done:
        return _refused(BROKEN)
    flash(say(DONE), "success")
    return redirect(came_from() or url_for("admin.index"))


def _first(claim: Claim) -> FormKey | None:
    """What became of the first, whose answer may still be on its way."""
    for _ in range(TRIES):
        with reading():
            found = formkey.first(claim)
        if found is None or found.answer:
            break
        time.sleep(PAUSE)
    return found


def _refused(sentence: str) -> tuple[str, int]:
    g.refused = sentence
    return render_template("refusal.html", title=say(sentence), reference=None), 409


def _unpacked(answer: bytes) -> Response:
    """The first answer. It was told in the trail, if it was a refusal, and is not told again."""
    head, _, body = answer.partition(b"\n")
    told = json.loads(head)
    g.told = True
    flashes = [tuple(flashed) for flashed in told["flashes"]]
    if flashes:
        session["_flashes"] = [*(flashed for flashed in session.get("_flashes", []) if flashed not in flashes), *flashes]
    return Response(body, told["status"], told["headers"])
