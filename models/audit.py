"""The trail: who did what, when, from where, with what result, in the same transaction.

One act is one entry. `record` names it, once, inside its transaction; the rows that the commit changes are folded into
it by themselves (models.folding says how), and chained (models.chain). A commit that nobody named takes the name its
edge gave to `acting_as`: the address of a form, a command, the kind of a job. So nothing can be changed untold.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from models import folding
from models.base import db

# The trail's one door for whoever reads or checks it.
from models.chain import DONE, GENESIS, REFUSED, AuditEntry, AuditHead, Broken, append, digest, plain, verify

__all__ = ["DONE", "GENESIS", "REFUSED", "Actor", "AuditEntry", "AuditHead", "Broken", "acting", "acting_as", "digest", "record",
           "verify"]

_PENDING, _MARKS = "trail", "trail_marks"


@dataclass(frozen=True)
class Actor:
    """Who is acting: user name or 'system', the way in, the moment (business clock), and what more the edge knows."""

    name: str
    origin: str
    now: Any  # a function that gives the aware moment
    role: str | None = None
    address: str | None = None
    session_id: int | None = None
    act: str | None = None  # what is done, unless it is named

    def signed(self, at: datetime) -> dict[str, Any]:
        return dict(at=at, actor=self.name, origin=self.origin, role=self.role, address=self.address,
                    session_id=self.session_id)


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def acting_as(name: str, origin: str, now: Any, role: str | None = None, address: str | None = None,
              session_id: int | None = None, act: str | None = None) -> Iterator[None]:
    """Name who is acting inside; without it nothing can be written. *act*: what an act is called that nobody names."""
    token = _actor.set(Actor(name, origin, now, role, address, session_id, act))
    try:
        yield
    finally:
        _actor.reset(token)


def acting() -> Actor | None:
    return _actor.get()


def record(act: str | None, subject: str, area_code: str, row_id: int | None = None, case_id: int | None = None, *,
           result: str = DONE, why: str | None = None, **details: Any) -> None:
    """Name one act of the current transaction, with its details: what changed before it and after the last one is its.

    None for *act* is what the edge calls it. *why*: the reason given, or the id of the sentence that refused.
    """
    db.session.flush()  # what was changed so far belongs to this act, or to one before
    name = act or (acting() and acting().act) or subject
    db.session.info.setdefault(_PENDING, []).append(
        dict(act=name[:32], subject=subject, area_code=area_code, row_id=row_id, case_id=case_id, result=result, why=why,
             changes={key: [None, plain(value)] for key, value in details.items()}))
    db.session.connection()  # so that a commit with nothing else to write still opens a transaction


@event.listens_for(Session, "before_flush")
def _collect(session: Session, context: Any, instances: Any) -> None:
    session.info.setdefault(_PENDING, []).extend(folding.noted(session))


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_writes(state: Any) -> None:
    """Bulk writes would slip past the trail; only the outbox, whose lease is one, may use them."""
    if state.is_insert or state.is_update or state.is_delete:
        cls = state.bind_mapper and state.bind_mapper.class_
        if not getattr(cls, "__bulk_writable__", False):
            raise RuntimeError(f"bulk write to {state.statement.table} would leave no trail")


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: its entries are written, or forgotten, with the whole
    session.flush()
    pending = session.info.pop(_PENDING, [])
    if not pending:
        return
    actor = acting()
    if actor is None:
        raise RuntimeError("a change without an actor cannot be recorded, so it is not made")
    acts = folding.folded(pending, actor.act)
    if acts:
        append(session.connection(), [act | actor.signed(actor.now()) for act in acts])


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
