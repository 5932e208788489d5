"""The real clock, which sessions, lock-outs and one-time codes go by.

The business clock may stand still for an exercise; whoever is signed in must be
signed out all the same. Whoever is asked for the time takes it from here, and a
request or a test may put another clock in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_clock: ContextVar[Callable[[], datetime]] = ContextVar("real clock", default=lambda: datetime.now(UTC))


def now() -> datetime:
    """The real moment, aware."""
    return _clock.get()()


@contextmanager
def ticking(clock: Callable[[], datetime]) -> Iterator[None]:
    """Go by *clock* inside."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)
