"""Two at once: how it is noticed that somebody else was quicker, and one more try.

Whoever writes waits until whoever wrote before is done, on both databases (models/schema.py): what a transaction looks
up first still holds when it writes. What somebody saw on a screen before may be older, which is what versions tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from models.base import db
from models.words import STALE, Refusal

T = TypeVar("T")
# PostgreSQL's words for a key given meanwhile, for what cannot be put in any order, and for a deadlock it broke.
_STATES = {"23505", "40001", "40P01"}


class Stale(Refusal):
    """What was seen is older than the row: nothing is changed."""


def lost(error: BaseException) -> bool:
    """Whether an error means that somebody else was quicker: an old version, or a key that was given meanwhile."""
    cause = getattr(error, "orig", None)
    return (isinstance(error, StaleDataError) or getattr(cause, "sqlstate", None) in _STATES
            or getattr(cause, "sqlite_errorname", None) == "SQLITE_CONSTRAINT_UNIQUE")


@contextmanager
def noticed() -> Iterator[None]:
    """Raises Stale in place of whatever the database says where somebody else was quicker."""
    try:
        yield
    except (StaleDataError, DBAPIError) as error:
        if not lost(error):
            raise
        raise Stale(STALE) from error


def once_more(work: Callable[[], T]) -> T:
    """Do *work*, a whole transaction, and again from its start if somebody else was quicker. Raises Stale the second time."""
    try:
        with noticed():
            return work()
    except Stale:
        db.session.rollback()
    with noticed():
        return work()
