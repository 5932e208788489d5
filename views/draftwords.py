"""A kept form in words: what each field is called and what was chosen, as its own screen says it."""

from __future__ import annotations

from exports.notices import NOTICES
from models.rates import ITEMS
from models.words import N_
from views import trailwords
from views.outcomes import LIST_TITLES
from views.words import say

# What a form carries for the program alone.
_SILENT = {"version", "ids", "row", "rowid", "sha256", "seen", "then", "handout", "stage", "deed", "action", "all", "next"}
_OWN = {"on": N_("Happened on"), "person": N_("Received by"), "day": N_("As of"), "township": N_("Township"),
        "category": N_("Category")}
_CHOICES = {"item": ITEMS, "kind": LIST_TITLES | {notice.key: notice.title for notice in NOTICES.values()}}


def words(fields: list[list[str]]) -> list[tuple[str, str]]:
    """(what it is called, what was typed) of the fields that say something to people."""
    return [_said(name, value) for name, value in fields if value.strip() and name not in _SILENT]


def _said(name: str, value: str) -> tuple[str, str]:
    if name.startswith("fact-"):
        return trailwords.facts({name.removeprefix("fact-"): value})[0]
    label = _OWN.get(name) or trailwords.COLUMNS.get(name) or N_("Entry")
    return say(label), say(_CHOICES.get(name, {}).get(value)) or trailwords.shown(name, value)
