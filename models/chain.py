"""The chain of the trail: its two tables, the hash of each entry, the seal of the newest, and the check of it all.

Each entry carries the hash of the one before it, so that a changed, removed, added or swapped entry is found. The head
says how many there are, under a seal that only the portal's key can make (HMAC-SHA256): whoever cuts the tail and
rewrites the head too is found by it. What the seal cannot tell is a whole older copy of the database put back: that
contradicts the heads printed on paper, which `verify` compares. A changed secret key reads as a broken seal.

Kept as long as the database and never shorter than 180 days: nothing in the portal deletes an entry, and triggers
refuse it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Index, Integer, String, Text, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AreaCode, BigId, Instant, Json, Row, db
from models.months import Month
from models.scope import PAST_THE_WALLS, Placed, Shared
from models.words import N_, Refusal

GENESIS = "0" * 64
DONE, REFUSED = "done", "refused"
_FIELDS = ("at", "actor", "origin", "act", "subject", "row_id", "case_id", "area_code", "changes")
# Younger columns go into the hash only where they say something: the entries of older databases still fit.
_YOUNGER = ("role", "address", "session_id", "result", "why", "rows")


class AuditEntry(db.Model, Row, Placed):
    """One act: who, when, from where, what, with which result, and every row it changed."""

    __tablename__ = "audit_entry"
    # Each answers a question of the screen of the trail, in one's area, without a look at the rows.
    __table_args__ = (*(Index(f"ix_audit_entry_{name}_area", name, "area_code") for name in ("at", "act", "actor")),
                      {"sqlite_autoincrement": True})

    at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    actor: Mapped[str] = mapped_column(String(64), nullable=False)
    origin: Mapped[str] = mapped_column(String(16), nullable=False)  # screen, command, job
    act: Mapped[str] = mapped_column(String(32), nullable=False)
    subject: Mapped[str] = mapped_column(String(32), nullable=False)  # the table
    row_id: Mapped[int | None] = mapped_column(BigId)
    case_id: Mapped[int | None] = mapped_column(BigId, index=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    changes: Mapped[dict] = mapped_column(Json, nullable=False)  # {name: [before, after]} of the act itself, numbers masked
    previous: Mapped[str] = mapped_column(String(64), nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    role: Mapped[str | None] = mapped_column(String(32))
    address: Mapped[str | None] = mapped_column(String(64))
    session_id: Mapped[int | None] = mapped_column(BigId)
    result: Mapped[str | None] = mapped_column(String(8))  # done, refused
    why: Mapped[str | None] = mapped_column(Text)  # the reason given, or the id of the sentence that refused
    # [{"subject", "row_id", "change": insert|update|delete, "values": {column: [before, after]}}], numbers masked
    rows: Mapped[list | None] = mapped_column(Json)

    @property
    def changed(self) -> list[dict[str, Any]]:
        """The rows it changed; an entry of an older database is itself the change of one."""
        if self.rows is None and self.act in ("insert", "update", "delete"):
            return [{"subject": self.subject, "row_id": self.row_id, "change": self.act, "values": self.changes}]
        return self.rows or []

    @property
    def told(self) -> dict[str, list]:
        """{name: [before, after]} of the act and of the row it is about."""
        own = [row for row in self.changed if (row["subject"], row["row_id"]) == (self.subject, self.row_id)]
        return self.changes | (own[0]["values"] if own else {})


class AuditHead(db.Model, Shared):
    """The newest hash and how many there are, sealed: taken under a lock, and what shows that the tail was cut."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    hash: Mapped[str] = mapped_column(String(64), nullable=False, default=GENESIS)
    seal: Mapped[str | None] = mapped_column(String(64))


class Broken(Refusal):
    """The trail does not hold: the one refusal that leaves no entry, for it would stand on what is broken."""


def use_key(engine: Engine, key: str | None) -> None:
    """Give *engine* the key its connections seal with. Without one nothing is sealed, and `verify` says so."""
    engine.update_execution_options(trail_key=key)


def _run(connection: Connection, statement: Any, rows: Any = None, **options: Any) -> Any:
    """Whoever acts, and whatever they see: the chain runs through all areas."""
    return connection.execute(statement, rows, execution_options=PAST_THE_WALLS | options)


def _seal(connection: Connection, entries: int, newest: str) -> str | None:
    key = connection.get_execution_options().get("trail_key")
    # The key also signs cookies: what is sealed here can be no cookie.
    return key and hmac.new(key.encode(), f"audit_head {entries} {newest}".encode(), hashlib.sha256).hexdigest()


def _sealed(connection: Connection, head: Any) -> bool:
    wanted = _seal(connection, head.entries, head.hash)
    return bool(wanted and head.seal) and hmac.compare_digest(wanted, head.seal)


def seal_first(connection: Connection) -> None:
    """Seal the head as it stands: only when the column is made, so that a seal taken away later stays missing."""
    head = _run(connection, select(AuditHead.__table__)).one()
    _run(connection, update(AuditHead.__table__).values(seal=_seal(connection, head.entries, head.hash)))


def append(connection: Connection, entries: list[dict[str, Any]]) -> None:
    """Chain *entries* (every column but the hashes) behind the newest, and seal. A broken seal is never mended."""
    head = _run(connection, select(AuditHead.__table__).with_for_update()).one()
    previous, sealed = head.hash, _sealed(connection, head)
    for entry in entries:
        entry["previous"] = previous
        entry["hash"] = previous = digest(previous, entry | {"at": stamp(entry["at"])})
    _run(connection, insert(AuditEntry.__table__), entries)
    count = head.entries + len(entries)
    _run(connection, update(AuditHead.__table__).values(
        hash=previous, entries=count, seal=_seal(connection, count, previous) if sealed else head.seal))


def plain(value: Any) -> Any:
    if isinstance(value, datetime | date | Month):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value


def stamp(at: datetime) -> str:
    return Instant().process_bind_param(at, None).isoformat()


def digest(previous: str, entry: dict) -> str:
    """The hash of an entry behind *previous*; every stored field but the hashes and the id goes in."""
    body = {key: entry[key] for key in _FIELDS}
    body |= {key: entry[key] for key in _YOUNGER if entry.get(key) is not None}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256((previous + text).encode()).hexdigest()


def newest() -> tuple[int, str]:
    """How many entries there are, and the first 16 digits of the newest hash: what paper says of the trail."""
    entries, newest = head(db.session.connection())
    return entries, newest[:16]


def head(connection: Connection) -> tuple[int, str]:
    """How many entries there are, and the newest hash; the seal is not looked at, which older schemas have not."""
    found = AuditHead.__table__.c
    return tuple(_run(connection, select(found.entries, found.hash)).one())


def verify(head: str | None = None, connection: Connection | None = None) -> int:
    """How many entries stand in an unbroken, sealed chain. Raises Refusal naming the first that does not fit.

    *head*: a hash once printed, or its first 16 digits or more, which must still stand in it. *connection*: of another
    database than the session's.
    """
    if head is not None and not re.fullmatch(r"[0-9a-f]{16,64}", head):
        raise Refusal(N_("“{head}” is no head of the trail: give at least the 16 signs 0-9 and a-f that were printed."),
                      head=head)
    try:
        return _verified(head, connection or db.session.connection())
    except (ValueError, TypeError):  # tampering may leave what is no date and no JSON
        raise Broken(N_("The trail is broken: an entry holds what cannot be read.")) from None


def _verified(printed: str | None, connection: Connection) -> int:
    previous, count, met = GENESIS, 0, printed is None
    statement = select(AuditEntry.__table__).order_by(AuditEntry.__table__.c.id)
    # The option goes with the statement: on the connection it would stay, and turn later statements into cursors.
    for entry in _run(connection, statement, yield_per=5000).mappings():
        expected = digest(previous, dict(entry) | {"at": stamp(entry["at"])})
        if (entry["previous"], entry["hash"]) != (previous, expected):
            raise Broken(N_("The trail is broken at entry {id}: it, or one before it, was changed."), id=entry["id"])
        previous, count, met = expected, count + 1, met or expected.startswith(printed)
    heads = _run(connection, select(AuditHead.__table__)).all()
    if [(head.hash, head.entries) for head in heads] != [(previous, count)]:
        raise Broken(N_("The trail is broken at its end: entries after number {count} are missing or foreign."),
                     count=count)
    if not _sealed(connection, heads[0]):
        raise Broken(N_("The trail is broken at its seal: its end was rewritten, or the portal's secret key is another."))
    if not met:
        raise Broken(N_("The printed head {head} is not in the trail: what it stood for was replaced."), head=printed)
    return count
