"""How refusals and errors reach a person: one sentence, or a page with a reference; never a traceback."""

from __future__ import annotations

import logging
import re
import secrets
from contextlib import suppress
from typing import Any

from flask import Flask, Response, flash, g, redirect, render_template, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from models import audit, formkey, scope
from models.base import db
from models.races import lost
from models.schema import to_write
from models.words import N_, STALE, Refusal
from portal import drafts, machine_faults
from portal.auth import OPEN, acting, known
from portal.language import came_from
from portal.machine_faults import Fault, fault_of, note
from views.asking import Misasked
from views.words import say, undone

log = logging.getLogger("portal")


def init_app(app: Flask) -> None:
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(StaleDataError, _lost)
    app.register_error_handler(DBAPIError, _lost)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)
    app.after_request(_told)


def _refused(refusal: Refusal):
    """Back to the page the form was on, with the sentence on top; a page of its own where there is none."""
    undone(refusal)
    back = came_from()
    if request.method == "POST" and back:
        flash(say(refusal), "error")
        return redirect(back)
    return render_template("refusal.html", title=say(refusal), reference=None), 409


def _lost(error: StaleDataError | DBAPIError):
    """Somebody else was quicker, and no screen said more about it; or a bug after all."""
    return _refused(Refusal(STALE)) if lost(error) else _bug(error)


def _http(error: HTTPException):
    if getattr(error, "original_exception", None):  # raised behind the screen, after its answer
        return _bug(error.original_exception)
    sentence = error.description if isinstance(error, Misasked) else _SENTENCES.get(error.code, error.name)
    allow = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else {}
    return render_template("refusal.html", title=say(sentence), reference=None), error.code, allow


def _bug(error: Exception):
    with suppress(DBAPIError):  # a database that is away cannot even roll back; what it was told is gone with the line
        db.session.rollback()
    fault = fault_of(error)
    if fault:
        return _broken_ground(error, fault)
    reference = secrets.token_hex(4)
    log.exception("error %s at %s %s", reference, request.method, request.path)
    return render_template("refusal.html", title=say(N_("Something went wrong; nothing was changed.")),
                           reference=reference), 500


def _broken_ground(error: Exception, fault: Fault):
    """What is the matter with the machine, and a button that sends what was typed once more."""
    note(log, error, "%s %s", request.method, request.path)
    g.told = True  # nobody was refused, and the trail may have no place left
    claim = formkey.over()
    if claim is not None and claim.stands:  # it met the fault behind its commit
        page = _page(fault, machine_faults.SAVED)
    elif request.method == "POST":
        page = _page(fault, machine_faults.SENT, address=request.full_path.rstrip("?"), **_typed())
    else:
        page = _page(fault, machine_faults.ASKED)
    return page, fault.status, {"Retry-After": str(machine_faults.AGAIN_AFTER)}


def _page(fault: Fault, frame: str, **typed: Any) -> str:
    return render_template("fault.html", title=say(machine_faults.sentence(fault, frame)), **typed)


def warm_up(app: Flask) -> None:
    """Load what the page of a fault is made of: where no file can be opened any more it is too late for that."""
    with app.test_request_context():
        _page(machine_faults.HANDLES, machine_faults.ASKED)


def _typed() -> dict[str, Any]:
    """What the form said; nothing where that cannot be told: a large form lies on the same disk."""
    try:
        return drafts.typed()
    except (OSError, ValueError):
        return {}


def _told(answer: Response) -> Response:
    """Whatever a person sends that is refused, by a verb or by its status, is one refused act in the trail.

    But for a wrong proof, which has its own entry (views/proof.py).
    """
    why = g.get("refused") or _SENTENCES.get(answer.status_code, N_("Something went wrong; nothing was changed."))
    refused = ("refused" in g or answer.status_code >= 400) and not g.get("told")
    if refused and request.method == "POST" and request.endpoint not in (None, *OPEN) and known():
        with scope.seeing(g.signin.area_code), acting():
            _tell(why)
    return answer


def _tell(why: str) -> None:
    try:
        _write(why)
    except Exception as error:
        if fault_of(error) is None:
            raise
        note(log, error, "a refused act could not be told in the trail (%s)", why)
        db.session.rollback()


def _write(why: str) -> None:
    view, named = request.endpoint.partition(".")[0], str((request.view_args or {}).get("id", ""))
    id = int(named) if re.fullmatch(r"[0-9]{1,18}", named, re.ASCII) else None
    subject = _SUBJECTS.get(view, view)
    db.session.rollback()
    to_write()
    audit.record(None, subject[:32], scope.current() or "", id, id if view == "case" else None, result=audit.REFUSED, why=why)
    db.session.commit()


# The table that a screen is about, where it has another name.
_SUBJECTS = {"case": "pension_case", "user": "portal_user", "handing": "handout", "roster": "import_run"}
_SENTENCES = {
    400: N_("The form is incomplete or was open too long: go back, load the page again and send it once more."),
    403: N_("This is not open to your post."),
    404: N_("There is no such page, or not in your area."),
    405: N_("This address does not take that kind of request."),
    409: STALE,
    413: N_("The file is larger than 32 MB."),
    422: N_("The form is incomplete, or something in it cannot be."),
}
