"""What the address of a list may ask: a page, an order or a filter that the list does not have is refused, not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import request
from werkzeug.exceptions import BadRequest

from models.words import N_


class Misasked(BadRequest):
    """400, with one sentence. An empty value asks for nothing; a page behind the last one is the last one, for rows go."""

    description = N_("This address asks the list for a page, an order or a filter it does not have: open the list from "
                     "the menu and choose again.")


def number(name: str) -> int | None:
    """The whole number an argument holds, None without one. Raises Misasked."""
    text = request.args.get(name, "")
    if text and not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise Misasked
    return int(text) if text else None


def one_of(name: str, offered: Iterable[int]) -> int | None:
    """The number an argument holds, if it is one of *offered*. Raises Misasked."""
    asked = number(name)
    if asked is not None and asked not in offered:
        raise Misasked
    return asked


def only(keys: Iterable[str]) -> None:
    """Raises Misasked for a filter that is none of *keys*; filters stand in an address as flt<number>_<key>."""
    known = re.compile(rf"flt\d{{0,3}}_({'|'.join(map(re.escape, keys))})", re.ASCII)
    if any(name.startswith("flt") and not known.fullmatch(name) for name in request.args):
        raise Misasked
