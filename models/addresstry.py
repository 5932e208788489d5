"""Wrong passwords from one address: after three in a row each further try waits longer, whatever the name."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from models import realtime
from models.base import Instant, Row, db
from models.scope import Shared

FREE, LONGEST_WAIT = 3, 60  # tries, seconds
FORGOTTEN = timedelta(hours=1)


class AddressTry(db.Model, Row, Shared):
    """How often in a row signing in failed from an address. Times are the real clock's."""

    __tablename__ = "address_try"
    __administrative__ = True
    __untraced__ = True  # the refused sign-ins themselves are in the trail

    address: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    failures: Mapped[int] = mapped_column(nullable=False, default=0)
    tried_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    blocked_until: Mapped[datetime | None] = mapped_column(Instant)


def wait(address: str, now: datetime) -> int:
    """Seconds until this address may try again; 0: at once."""
    until = db.session.scalar(select(AddressTry.blocked_until).where(AddressTry.address == address))
    waits = realtime.until(until, now, timedelta(seconds=LONGEST_WAIT))
    return math.ceil((until - now).total_seconds()) if waits else 0


def failed(address: str, now: datetime) -> None:
    """Count a failure: the third in a row makes the address wait 1 second, then 2, 4, … up to 60."""
    _forget(now)
    row = _locked(address, now)
    row.failures, row.tried_at = row.failures + 1, now
    if row.failures >= FREE:
        row.blocked_until = now + timedelta(seconds=min(2 ** min(row.failures - FREE, 6), LONGEST_WAIT))


def succeeded(address: str) -> None:
    row = db.session.scalar(select(AddressTry).where(AddressTry.address == address))
    if row is not None:
        db.session.delete(row)


def _locked(address: str, now: datetime) -> AddressTry:
    """The row of an address; of two who add it at the same moment the second finds the first one's."""
    statement = select(AddressTry).where(AddressTry.address == address).with_for_update()
    row = db.session.scalar(statement)
    if row is None:
        with suppress(IntegrityError), db.session.begin_nested():
            db.session.add(AddressTry(address=address, failures=0, tried_at=now))
        row = db.session.scalar(statement)
    return row


def _forget(now: datetime) -> None:
    for row in db.session.scalars(select(AddressTry).where(AddressTry.tried_at <= now - FORGOTTEN)):
        db.session.delete(row)
