"""Sentences on screens, in the language of the request."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from flask_babel import gettext
from markupsafe import Markup

from models.base import db
from models.words import Message, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")


def say(words: str | Message | Refusal | None) -> str:
    """A message id, a Message or a Refusal in the language of the request."""
    if not words:
        return ""
    return words.say(_translate) if isinstance(words, Message | Refusal) else _translate(words)


def said(message: str, **values: Any) -> str:
    """A message id with its values, said at once."""
    return say(Message(message, values))


def undone(refusal: Refusal) -> Refusal:
    """Take back what a refused verb has done so far; the sentence goes into the trail when the request ends."""
    db.session.rollback()
    g.refused = refusal.message.id
    return refusal


def _translate(message: str) -> str:
    # gettext formats with %, and ours are formatted by Message: so a bare lookup.
    return gettext(message) if message else ""


def moment(at: datetime | None) -> str:
    """An instant as clerks read it: 2021-09-19 08:30, Asia/Shanghai."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""


def value(of: Any) -> str:
    """Any stored value as a cell shows it."""
    if of is None or of == "":
        return "–"
    if isinstance(of, Markup):
        return of
    if isinstance(of, bool):
        return gettext("Yes") if of else gettext("No")
    if isinstance(of, datetime):
        return moment(of if of.tzinfo else of.replace(tzinfo=UTC))
    return of.isoformat() if isinstance(of, date) else str(of)
