"""Saving a form: refused with all that is wrong, or with the difference where somebody else was quicker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request

from models.base import db
from models.races import Stale, noticed
from models.words import N_, Refusal
from views import difference, seen
from views.formfields import OfficeForm
from views.words import say, undone

KEPT = N_("Somebody else changed this meanwhile. What you typed is kept below: compare, then send it again.")
Rows = Callable[[], Sequence[Any]]  # what a form is about, asked anew once a transaction is over


def save(form: OfficeForm, rows: Rows, put: Callable[[], Any]) -> tuple[list[tuple[str, str]], int]:
    """Put what was typed and commit; else (field id, sentence) of all that is wrong, and the status that says so."""
    if not seen.fresh(*rows()):
        return [("", say(KEPT))], 409
    if not form.validate():
        return form.problems(), 422
    try:
        with noticed():
            put()
            db.session.commit()
    except Stale as stale:
        undone(stale)
        return [("", say(KEPT))], 409
    except Refusal as refusal:
        undone(refusal)
        return [("", say(refusal))], 422
    return [], 200


def marks(form: OfficeForm, rows: Rows, status: int) -> dict[str, Any]:
    """What the page of a form carries and shows of its rows. One sent back for what is wrong in it stays as old as it was;
    one that came too late is told the difference and is new: sent again, it is meant."""
    if status == 422:
        return {"version": request.form.get("version", seen.NOTHING), "seen": seen.since(), "difference": []}
    known = [row for row in rows() if row is not None]
    told = difference.of_form(form, known, seen.since()) if status == 409 else []
    return {"version": seen.token(*known), "seen": seen.newest(), "difference": told}
