"""Filters of lists: selects over what can be asked, and the search by prefix on one column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import request
from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, false

from models import idnumber
from models.prefix import after
from views.asking import Misasked

Choices = Iterable[tuple[str, str]]  # (value, message id or name)


class Pick(BaseSQLAFilter):
    """One select: *choices* are asked when the page is drawn, *where* makes a condition of the value picked.

    *elsewhere* is the pattern of values that were on offer on another page, or to another post: not asked here.
    """

    def __init__(self, key: str, title: str, choices: Choices | Callable[[], Choices],
                 where: Callable[[str], ColumnElement[bool]], by_link: bool = False, elsewhere: str | None = None):
        super().__init__(None, lazy_gettext(title))
        self.key, self.choices, self.where = key, choices, where
        self.by_link, self.elsewhere = by_link, elsewhere  # by_link: asked by tabs and tiles, not by a select of its own

    def offered(self) -> list[tuple[str, str]]:
        return list(self.choices() if callable(self.choices) else self.choices)

    def picked(self) -> str | None:
        """The value the address asks for, as flt<number>_<key>. Raises Misasked if it is not on offer."""
        pattern = re.compile(rf"flt\d{{0,3}}_{self.key}")
        asked = next((value for name, value in request.args.items() if pattern.fullmatch(name) and value), None)
        if not asked or asked in dict(self.offered()):
            return asked
        if self.elsewhere and re.fullmatch(self.elsewhere, asked, re.ASCII):
            return None
        raise Misasked

    def apply(self, query: Any, value: str, alias: Any = None) -> Any:
        return query.filter(self.where(value))

    def operation(self) -> str:
        return "="


def equals(key: str, title: str, column: Any, choices: Choices | Callable[[], Choices], elsewhere: str | None = None) -> Pick:
    """A select over the values of one column."""
    return Pick(key, title, choices, lambda value: column == value, elsewhere=elsewhere)


def titled(titles: dict[Any, str]) -> list[tuple[str, str]]:
    """(value, title) of a table of titles."""
    return [(str(value), title) for value, title in titles.items()]


def prefix(column: Any, text: str) -> ColumnElement[bool]:
    """Rows whose *column* (of the kind `by_bytes`) starts with *text*: an index range."""
    return and_(column >= text, column < after(text))


_SYLLABLE = re.compile(r"(?:[zcs]h|[bpmfdtnlgkhjqxzcsryw])?[aeiouv]+(?:ng?(?![aeiouv])|r(?![aeiouv]))?")


def _spelled(text: str) -> list[str]:
    """wangguilan -> wang, gui, lan; wgl -> w, g, l."""
    letters = text.lower().replace("ü", "v")
    syllables = [part for word in letters.split() for part in _SYLLABLE.findall(word)]
    whole = "".join(syllables) == "".join(letters.split())
    return syllables if whole and syllables else list("".join(letters.split()))


def person_matches(person: Any, text: str) -> ColumnElement[bool]:
    """The people a search means, by its shape: a name in Han, an ID number, its beginning or tail, or pinyin."""
    number = idnumber.tidy(text)
    if re.fullmatch(r"\d{0,3}[\dX]", number, re.ASCII):
        return person.id_tail == number if len(number) == 4 else prefix(person.id_tail, number)
    if re.fullmatch(r"\d{17}[\dX]", number, re.ASCII):
        return person.id_number == number
    if re.fullmatch(r"\d{5,17}", number, re.ASCII):
        return prefix(person.id_number, number)
    if re.fullmatch(r"[A-Za-zÜü ]{1,40}", text.strip()):
        parts = _spelled(text)
        return and_(prefix(person.name_key, parts[0]), person.name_key.like("% ".join(parts) + "%"))
    return prefix(person.name, number) if number else false()
