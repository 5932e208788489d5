"""What a list is searched for: the text stays on this side, and the address carries a ticket to it."""

from __future__ import annotations

import re

from flask import abort, request
from flask_login import current_user

from models import idnumber, realtime, seek

MOST_DIGITS = 10  # more in a row may be somebody's phone, card or ID number: no address carries them


def tidy(text: str) -> str:
    return text.replace("\0", "").strip()[:seek.LONGEST]


def ticket(text: str) -> str:
    """The ticket of a text for whoever is signed in."""
    return seek.keep(text, current_user._get_current_object(), realtime.now())


def sought() -> str:
    """The text of the ticket in the address; 404 for one that is not, or no longer, one's own.

    A short text may stand in the address itself. A number of somebody answers 400, so that nobody builds such links.
    """
    given = request.args.get("seek")
    if given is not None:
        return seek.text_of(given, current_user._get_current_object(), realtime.now()) or abort(404)
    text = request.args.get("search", "")
    return abort(400) if re.search(rf"\d{{{MOST_DIGITS + 1}}}", idnumber.tidy(text)) else tidy(text)


def again(text: str | None) -> dict[str, str | None]:
    """The argument that asks for the same search again."""
    return {"seek": request.args["seek"]} if "seek" in request.args else {"search": text}
