"""Ordering papers from a screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models.case import Case
from models.outbox import Task
from models.papers import order_documents
from models.user import User
from models.words import N_, Refusal

MOST = 500


def order(cases: Sequence[Case], kind: str, by: User, now: datetime) -> Task:
    """Order papers; their task rings for a worker by itself. Raises Refusal, for too many at once as well."""
    if len(cases) > MOST:
        raise Refusal(N_("At most {most} papers are ordered at once."), most=MOST)
    return order_documents(cases, kind, by, now)
