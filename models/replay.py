"""A case rebuilt from the trail alone (一人一档), to be held against its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect, select

from models.audit import AuditEntry
from models.base import Instant, db
from models.case import Case
from models.folding import columns, shown

State = dict[tuple[str, int], dict[str, Any]]  # {(table, id): {column: value}}, without what is null


def rebuilt(entries: Iterable[AuditEntry]) -> State:
    """What the rows are after all that *entries* tell, oldest first."""
    state: State = {}
    for entry in entries:
        for row in entry.changed:
            _apply(state, row)
    return state


def _apply(state: State, row: dict[str, Any]) -> None:
    key = (row["subject"], row["row_id"])
    if row["change"] == "delete":
        state.pop(key, None)
        return
    now = state.setdefault(key, {})
    for column, (_before, after) in row["values"].items():
        if after is None:
            now.pop(column, None)
        else:
            now[column] = after


def of_case(case: Case) -> State:
    """The case and all that hangs on it, rebuilt from its part of the trail."""
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.case_id == case.id).order_by(AuditEntry.id))
    wanted = set(present(case))
    return {key: _in_one_zone(key[0], values) for key, values in rebuilt(entries).items()
            if key in wanted or key[0] not in ("person", "benefit", "series", "handout")}


def present(case: Case) -> State:
    """The same, as the rows are now."""
    person = [case.person, *filter(None, [case.person.benefit])]
    receipts = [receipt for settlement in case.settlements for receipt in settlement.receipts]
    rows = [*person, case, *case.steps, *case.milestones, *case.certificates, *case.settlements, *receipts, *case.documents]
    return {(row.__tablename__, row.id): _in_one_zone(row.__tablename__, {
        key: shown(row, key, getattr(row, key)) for key in columns(row) if getattr(row, key) is not None}) for row in rows}


def _in_one_zone(table: str, values: dict[str, Any]) -> dict[str, Any]:
    """Instants in UTC, in whatever zone they were recorded."""
    cls = next(mapper.class_ for mapper in db.Model.registry.mappers if mapper.class_.__tablename__ == table)
    instants = {key for key in values if isinstance(inspect(cls).attrs[key].columns[0].type, Instant)}
    return {key: datetime.fromisoformat(value).astimezone(UTC).isoformat() if key in instants else value
            for key, value in values.items()}


def differences(case: Case) -> list[str]:
    """Where the trail and the rows say different things of a case, as `table id column: trail, row`; none is right."""
    told, there = of_case(case), present(case)
    return [f"{table} {id} {column}: {told.get((table, id), {}).get(column)!r}, {there.get((table, id), {}).get(column)!r}"
            for table, id in sorted(told.keys() | there.keys())
            for column in sorted(told.get((table, id), {}).keys() | there.get((table, id), {}).keys())
            if told.get((table, id), {}).get(column) != there.get((table, id), {}).get(column)]
