"""How refusals and errors reach a person: one sentence, or a page with a reference; never a traceback."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, flash, redirect, render_template, request
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from models.base import db
from models.words import N_, STALE, Refusal
from portal.language import came_from
from views.asking import Misasked
from views.words import say

log = logging.getLogger("portal")


def init_app(app: Flask) -> None:
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(StaleDataError, lambda error: _refused(Refusal(STALE)))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _refused(refusal: Refusal):
    """Back to the page the form was on, with the sentence on top; a page of its own where there is none."""
    db.session.rollback()
    back = came_from()
    if request.method == "POST" and back:
        flash(say(refusal), "error")
        return redirect(back)
    return render_template("refusal.html", title=say(refusal), reference=None), 409


def _http(error: HTTPException):
    sentence = error.description if isinstance(error, Misasked) else _SENTENCES.get(error.code, error.name)
    allow = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else {}
    return render_template("refusal.html", title=say(sentence), reference=None), error.code, allow


def _bug(error: Exception):
    db.session.rollback()
    reference = secrets.token_hex(4)
    log.exception("error %s at %s %s", reference, request.method, request.path)
    return render_template("refusal.html", title=say(N_("Something went wrong; nothing was changed.")),
                           reference=reference), 500


_SENTENCES = {
    400: N_("The form is incomplete or was open too long: go back, load the page again and send it once more."),
    403: N_("This is not open to your post."),
    404: N_("There is no such page, or not in your area."),
    405: N_("This address does not take that kind of request."),
    413: N_("The file is larger than 32 MB."),
}
