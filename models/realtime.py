"""The real clock, which sessions, lock-outs and one-time codes go by, and what holds for a time when it is set.

The business clock may stand still for an exercise; whoever is signed in must be
signed out all the same. Whoever is asked for the time takes it from here, and a
request or a test may put another clock in its place.

The clock of a machine is set now and then, by a day where its battery is empty. A
moment that lies farther ahead than it could have been is one of before: what was
to hold a few minutes must not hold a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

SLIP = timedelta(minutes=2)  # clocks that are kept right are set by less, which changes nothing

_clock: ContextVar[Callable[[], datetime]] = ContextVar("real clock", default=lambda: datetime.now(UTC))


def now() -> datetime:
    """The real moment, aware."""
    return _clock.get()()


def within(since: datetime, at: datetime, length: timedelta) -> bool:
    """Whether *since* is less than *length* ago, and no moment of a clock that was put back."""
    return -SLIP <= at - since < length


def until(end: datetime | None, at: datetime, longest: timedelta) -> bool:
    """Whether *end*, which was at most *longest* ahead when it was set, is still to come."""
    return end is not None and at < end <= at + longest + SLIP


@contextmanager
def ticking(clock: Callable[[], datetime]) -> Iterator[None]:
    """Go by *clock* inside."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)
