"""What became of the rows of a list, in verbs and sentences, as the check page and the result show it."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import inspect

from exports.intake import Brought
from models import idnumber
from models.imports import NEW, UPDATED, RowOutcome
from models.listing import Problem
from models.words import N_
from views.words import said, say

LIST_TITLES = {"roster": N_("Suspension list"), "benefits": N_("Benefit records")}
SHOWN = 20       # refused rows on the page; the file has them all
MOST_LINKS = 200

# outcome -> (before confirming, after it)
VERBS = {
    "new": (N_("{n} would be added"), N_("{n} added")), "updated": (N_("{n} would be updated"), N_("{n} updated")),
    "unchanged": (N_("{n} stay as they are"), N_("{n} stayed as they were")),
    "refused": (N_("{n} are refused"), N_("{n} refused"))}

FRESH = {NEW: N_("added"), UPDATED: N_("updated")}


def seal(brought: Brought) -> str:
    """What a check page showed, in a few signs: every outcome, and the version of every row that it rests on."""
    shown = [(row.row, row.outcome, _rests_on(row)) for row in brought.result.outcomes]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _rests_on(row: RowOutcome) -> list[int]:
    """The benefit record only where the list has looked at it."""
    if row.outcome == NEW or row.case is None:
        return []
    person = row.case.person
    return [part.version for part in (row.case, person, inspect(person).dict.get("benefit")) if part is not None]


def outcomes(brought: Brought) -> dict[str, Any]:
    """Counts in verbs, the first refused rows, warnings and the new cases of a list, as plain text."""
    result = brought.result
    warned = [row for row in result.outcomes if row.problems and row.outcome != "refused"]
    fresh = [row for row in result.outcomes if row.outcome in (NEW, UPDATED) and row.case is not None]
    return {"counts": result.counts, "sheet": brought.table.sheet, "verbs": [
                (key, *(said(words, n=result.counts[key]) for words in VERBS[key])) for key in VERBS],
            "refused": _problems(result.refused[:SHOWN]), "refused_rows": len(result.refused), "shown": SHOWN,
            "warned": _problems(warned[:SHOWN]), "warned_rows": len(warned),
            "fresh": [(row.row, row.case.id, row.case.person.name, say(FRESH[row.outcome]))
                      for row in fresh[:MOST_LINKS]], "fresh_rows": len(fresh)}


def _problems(rows: list[RowOutcome]) -> list[tuple[int, str, str]]:
    """(Excel's row number, column, sentence); a column's line breaks are none of the reader's."""
    return [(row.row, " ".join(problem.column.split()), _sentence(problem)) for row in rows for problem in row.problems]


def _sentence(problem: Problem) -> str:
    """The reason, with no number in it that belongs to a person."""
    return idnumber.masked_within(say(problem.message))


def counted(counts: dict[str, int]) -> str:
    """{"new": 3, …} of a past run, in words."""
    return "，".join(said(VERBS[key][1], n=counts[key]) for key in VERBS if counts.get(key)) or "–"
