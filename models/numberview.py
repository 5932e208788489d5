"""Looks at whole ID numbers: each for a reason, and no more in an hour than work needs (S9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from models import audit, realtime
from models.base import AreaCode, Instant, Row, db
from models.case import Case
from models.scope import Placed
from models.user import User
from models.words import N_, Refusal

MOST, WITHIN = 50, timedelta(hours=1)


class NumberView(db.Model, Row, Placed):
    """One look, by the real clock: the trail's own times stand still where the business clock does."""

    __tablename__ = "number_view"
    __owner__ = "username"
    __untraced__ = True  # the trail has the look itself, with its reason
    __table_args__ = (Index("ix_number_view_username_seen_at", "username", "seen_at"), {"sqlite_autoincrement": True})

    username: Mapped[str] = mapped_column(String(64), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    seen_at: Mapped[datetime] = mapped_column(Instant, nullable=False)


def whole_number(case: Case, by: User, why: str, at: datetime) -> str:
    """The whole ID number of a case's person. *at* is the real clock. Raises Refusal without a reason, and beyond the
    most looks of an hour, naming when it opens again."""
    if not why:
        raise Refusal(N_("Say in a few words why you need the whole number."))
    _count(by, at)
    audit.record("see_number", "person", case.area_code, row_id=case.person_id, case_id=case.id, why=why)
    return case.person.id_number


def _count(by: User, at: datetime) -> None:
    """Count one more look, and forget those that no longer count. The user's row is the lock of two at once."""
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update())
    seen = db.session.scalars(select(NumberView).where(NumberView.username == by.username).order_by(NumberView.seen_at)).all()
    fresh = [view for view in seen if realtime.within(view.seen_at, at, WITHIN)]
    if len(fresh) >= MOST:
        left = fresh[-MOST].seen_at + WITHIN - at
        raise Refusal(N_("You looked at {most} whole numbers within an hour: the next one opens in {minutes} minutes."),
                      most=MOST, minutes=int(left.total_seconds() // 60) + 1)
    for view in seen:
        if view not in fresh:
            db.session.delete(view)
    db.session.add(NumberView(username=by.username, area_code=by.area_code, seen_at=at))
