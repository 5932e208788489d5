"""Who comes second sees the difference: each field when the form was opened, as it is now and by whom, and as it was typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select
from wtforms import Field, Form

from models.audit import AuditEntry
from models.base import db
from models.folding import shown
from views import trailwords
from views.people import person
from views.words import moment, say

MOST = 5000  # acts that are looked through; more come about in no form's life

Change = tuple[Any, AuditEntry]  # what a column held at first, and the last act that changed it


@dataclass(frozen=True)
class Line:
    """One field that differs, in words; `by` says who changed it and when, if anybody did."""

    label: str
    opened: str
    now: str
    typed: str
    by: str


def of_form(form: Form, rows: Sequence[Any], since: int) -> list[Line]:
    """The fields of a form in which what was there, what is there and what was typed are not all the same."""
    changed = _changed(rows, since)
    found = ((field, row, changed.get((row.__tablename__, row.id, field.name))) for field in form for row in rows
             if field.name in inspect(type(row)).column_attrs)
    return [_line(field, row, change) for field, row, change in found if change or _blank(field.data) != _now(row, field.name)]


def of_row(row: Any, since: int, typed: Mapping[str, str], names: Collection[str]) -> list[Line]:
    """What was changed in these columns of a row; *typed* is what stands against it, if anything does."""
    return [Line(say(trailwords.COLUMNS.get(name, name)), trailwords.shown(name, before),
                 trailwords.shown(name, shown(row, name, getattr(row, name))), typed.get(name, ""), _by(entry))
            for (_, _, name), (before, entry) in _changed([row], since).items() if name in names]


def _changed(rows: Sequence[Any], since: int) -> dict[tuple[str, int, str], Change]:
    """What the trail tells of these rows since then, by table, id and column."""
    about, found = {(row.__tablename__, row.id) for row in rows}, {}
    for entry in _entries(since):
        for told in entry.changed:
            for name, (before, _) in told["values"].items() if (told["subject"], told["row_id"]) in about else ():
                key = (told["subject"], told["row_id"], name)
                found[key] = (found[key][0] if key in found else before, entry)
    return found


def _entries(since: int) -> Iterable[AuditEntry]:
    return db.session.scalars(select(AuditEntry).where(AuditEntry.id > since).order_by(AuditEntry.id).limit(MOST))


def _line(field: Field, row: Any, change: Change | None) -> Line:
    """Numbers are masked in all three, by the trail's own hand."""
    now = shown(row, field.name, getattr(row, field.name))
    typed = field.raw_data[0] if field.process_errors and field.raw_data else shown(row, field.name, field.data)
    opened, entry = change or (now, None)
    return Line(field.label.text, *(_said(field, value) for value in (opened, now, typed)), _by(entry) if entry else "")


def _said(field: Field, stored: Any) -> str:
    """A value by its title, where it is one of a choice."""
    return str(dict(getattr(field, "choices", None) or ()).get(stored) or trailwords.shown(field.name, stored))


def _now(row: Any, name: str) -> Any:
    return _blank(getattr(row, name))


def _blank(value: Any) -> Any:
    return None if value == "" else value


def _by(entry: AuditEntry) -> str:
    return f"{person(entry.actor)} {moment(entry.at)}"
