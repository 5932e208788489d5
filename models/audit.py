"""The trail: who did what, when, from where, in the same transaction, chained by hashes.

Rows are only ever added. Each entry carries the hash of the one before it, so
that a changed, removed, added or swapped entry is found by `verify`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, String, event, insert, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import AreaCode, BigId, Instant, Json, Row, Sensitive, db
from models.idnumber import masked
from models.months import Month
from models.scope import Placed, Shared, current, formerly
from models.words import N_, Refusal

GENESIS = "0" * 64
_PENDING, _MARKS = "trail", "trail_marks"
# ID and card numbers that stand in some text, such as a remark or the facts of a notice.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{11,15}(?=\d{3}[\dXx](?![0-9A-Za-z]))")


class AuditEntry(db.Model, Row, Placed):
    """One change of one row, or one act (a sign-in, an import, a download)."""

    __tablename__ = "audit_entry"

    at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    actor: Mapped[str] = mapped_column(String(64), nullable=False, index=True)
    origin: Mapped[str] = mapped_column(String(16), nullable=False)  # screen, command, job
    act: Mapped[str] = mapped_column(String(32), nullable=False)  # insert, update, delete, or an act's name
    subject: Mapped[str] = mapped_column(String(32), nullable=False)  # the table
    row_id: Mapped[int | None] = mapped_column(BigId)
    case_id: Mapped[int | None] = mapped_column(BigId, index=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    changes: Mapped[dict] = mapped_column(Json, nullable=False)  # {column: [before, after]}, numbers masked
    previous: Mapped[str] = mapped_column(String(64), nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)


class AuditHead(db.Model, Shared):
    """The newest hash and how many there are: taken under a lock, and what shows that the tail was cut."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    hash: Mapped[str] = mapped_column(String(64), nullable=False, default=GENESIS)


@dataclass(frozen=True)
class Actor:
    """Who is acting: user name or 'system', the way in, and the moment (business clock)."""

    name: str
    origin: str
    now: Any  # a function that gives the aware moment


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def acting_as(name: str, origin: str, now: Any) -> Iterator[None]:
    """Name who is acting inside; without it nothing can be written."""
    token = _actor.set(Actor(name, origin, now))
    try:
        yield
    finally:
        _actor.reset(token)


def record(act: str, subject: str, area_code: str, row_id: int | None = None, case_id: int | None = None,
           **details: Any) -> None:
    """Add one act that changes no row (sign-in, export, refusal) to the current transaction."""
    db.session.info.setdefault(_PENDING, []).append(
        dict(act=act, subject=subject, area_code=area_code, row_id=row_id, case_id=case_id,
             changes={name: [None, _plain(value)] for name, value in details.items()}))
    db.session.connection()  # so that a commit with nothing else to write still opens a transaction


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | Month):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value


def _shown(row: Any, key: str, value: Any) -> Any:
    if value is None:
        return None
    column = inspect(type(row)).attrs[key].columns[0]
    if key in getattr(row, "__unrecorded__", ()):
        return value and "•••"
    if key in getattr(row, "__digested__", ()):  # long frozen facts: their hash tells a change as well
        return value and hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    return masked(value) if isinstance(column.type, Sensitive) and value else _plain(value)


def _changes(session: Session, row: Any, act: str) -> dict[str, list]:
    changes = {}
    for key in (attribute.key for attribute in inspect(type(row)).column_attrs):
        if key in ("id", "version") or (act == "update" and not inspect(row).attrs[key].history.has_changes()):
            continue
        now = None if act == "delete" else getattr(row, key)
        before = _before(row, key, act, session)
        if act == "update" or (before, now) != (None, None):
            changes[key] = [_shown(row, key, before), _shown(row, key, now)]
    return changes


def _before(row: Any, key: str, act: str, session: Session) -> Any:
    if act == "insert":
        return None
    return getattr(row, key) if act == "delete" else formerly(row, key, session)


def _untraced(row: Any) -> bool:
    return getattr(row, "__untraced__", False) or isinstance(row, AuditEntry | AuditHead)


@event.listens_for(Session, "before_flush")
def _collect(session: Session, context: Any, instances: Any) -> None:
    pending = session.info.setdefault(_PENDING, [])
    for act, rows in (("insert", session.new), ("update", session.dirty), ("delete", session.deleted)):
        for row in rows:
            changes = {} if _untraced(row) else _changes(session, row, act)
            if changes:
                pending.append(dict(act=act, subject=row.__tablename__, row=row, changes=changes))


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_writes(state: Any) -> None:
    """Bulk writes would slip past the trail; only the outbox, whose lease is one, may use them."""
    if state.is_insert or state.is_update or state.is_delete:
        cls = state.bind_mapper and state.bind_mapper.class_
        if not getattr(cls, "__bulk_writable__", False):
            raise RuntimeError(f"bulk write to {state.statement.table} would leave no trail")


def _place(entry: dict) -> dict:
    """Fill in what only a flushed row knows: its id, its case, its area."""
    row = entry.pop("row", None)
    if row is not None:
        holders = (row, getattr(row, "case", None), getattr(row, "settlement", None))
        entry["row_id"] = getattr(row, "id", None)
        entry["case_id"] = row.id if row.__tablename__ == "pension_case" else _first(holders, "case_id")
        entry["area_code"] = _first(holders, "area_code") or current() or ""
    return entry


def _first(holders: tuple, name: str) -> Any:
    return next((found for found in (getattr(holder, name, None) for holder in holders) if found), None)


def digest(previous: str, entry: dict) -> str:
    """The hash of an entry behind *previous*; every stored field but the hashes and the id goes in."""
    body = {key: entry[key] for key in ("at", "actor", "origin", "act", "subject", "row_id", "case_id",
                                        "area_code", "changes")}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256((previous + text).encode()).hexdigest()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: its entries are written, or forgotten, with the whole
    session.flush()
    pending = session.info.pop(_PENDING, [])
    if not pending:
        return
    actor = _actor.get()
    if actor is None:
        raise RuntimeError("a change without an actor cannot be recorded, so it is not made")
    connection = session.connection()
    head = connection.execute(select(AuditHead.__table__).with_for_update()).one()
    previous, at = head.hash, actor.now()
    rows = []
    for entry in map(_place, pending):
        entry |= dict(at=at, actor=actor.name, origin=actor.origin, previous=previous,
                      changes=json.loads(_hidden(json.dumps(entry["changes"], ensure_ascii=False, default=_plain))))
        entry["hash"] = previous = digest(previous, entry | {"at": _stamp(at)})
        rows.append(entry)
    connection.execute(insert(AuditEntry.__table__), rows)
    connection.execute(update(AuditHead.__table__).values(hash=previous, entries=head.entries + len(rows)))


def _hidden(text: str) -> str:
    return _NUMBER.sub(lambda found: "•" * len(found[0]), text)


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: Any) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(session.info.get(_PENDING, ()))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous_transaction: Any) -> None:
    """Forget what is rolled back: everything, or what came since the savepoint began."""
    while previous_transaction is not None and not previous_transaction.nested:
        previous_transaction = previous_transaction.parent
    del session.info.get(_PENDING, [])[session.info.get(_MARKS, {}).get(previous_transaction, 0):]


@event.listens_for(Session, "after_transaction_end")
def _close(session: Session, transaction: Any) -> None:
    if transaction.parent is None:
        session.info.pop(_PENDING, None)
        session.info.pop(_MARKS, None)


def _stamp(at: datetime) -> str:
    return Instant().process_bind_param(at, None).isoformat()


def verify() -> int:
    """How many entries stand in an unbroken chain. Raises Refusal naming the first that does not fit."""
    try:
        return _verified()
    except (ValueError, TypeError):  # tampering may leave what is no date and no JSON
        raise Refusal(N_("The trail is broken: an entry holds what cannot be read.")) from None


def _verified() -> int:
    previous, count = GENESIS, 0
    statement = select(AuditEntry.__table__).order_by(AuditEntry.__table__.c.id)
    connection = db.session.connection()
    # The option goes with the statement: on the connection it would stay, and turn later statements into cursors.
    for entry in connection.execute(statement, execution_options={"yield_per": 5000}).mappings():
        expected = digest(previous, dict(entry) | {"at": _stamp(entry["at"])})
        if (entry["previous"], entry["hash"]) != (previous, expected):
            raise Refusal(N_("The trail is broken at entry {id}: it, or one before it, was changed."), id=entry["id"])
        previous, count = expected, count + 1
    heads = connection.execute(select(AuditHead.__table__)).all()
    if [(head.hash, head.entries) for head in heads] != [(previous, count)]:
        raise Refusal(N_("The trail is broken at its end: entries after number {count} are missing or foreign."),
                      count=count)
    return count
