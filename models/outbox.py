"""Work to be done in the background: the row is the truth, the queue is only a bell.

A request commits its rows and one Task together. A worker takes a lease with a
fence, works, and closes the row in the same transaction as its results; a row
whose lease ran out is rung for again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Index, String, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AreaCode, Instant, Json, Row, db
from models.scope import Placed
from models.words import N_

LEASE = timedelta(seconds=40)  # with the sweep's 15 s, a killed task is in hand again within a minute
MOST_TRIES = 5    # that failed: by an exception, or with a process whose worker outlived it
MOST_CLAIMS = 50  # without getting on, whatever ended them: kills from outside, or work that takes its worker along

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
TASK_TITLES = {QUEUED: N_("Waiting"), RUNNING: N_("Being drawn"), DONE: N_("Finished"), FAILED: N_("Failed")}


class Task(db.Model, Row, Placed):
    """One piece of background work, its progress and its end. Times are the real clock's."""

    __tablename__ = "task"
    __untraced__ = True       # a lease is no act of anybody; what the work changes is in the trail
    __bulk_writable__ = True  # the lease is a compare-and-set
    __table_args__ = (Index("ix_task_state_lease", "state", "lease_until"), {"sqlite_autoincrement": True})

    kind: Mapped[str] = mapped_column(String(32), nullable=False)
    args: Mapped[dict] = mapped_column(Json, nullable=False)
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    ordered_by: Mapped[str] = mapped_column(String(64), nullable=False)
    state: Mapped[str] = mapped_column(String(8), nullable=False, default=QUEUED)
    attempts: Mapped[int] = mapped_column(nullable=False, default=0)  # claims since it last got on
    failures: Mapped[int] = mapped_column(nullable=False, default=0, server_default="0")  # of these, that failed
    fence: Mapped[int] = mapped_column(nullable=False, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    total: Mapped[int] = mapped_column(nullable=False, default=1)
    finished: Mapped[int] = mapped_column(nullable=False, default=0)
    error: Mapped[dict | None] = mapped_column(Json)  # {"id": message id, "values": {…}}
    file_name: Mapped[str | None] = mapped_column(String(200))  # of the one file it makes, where it makes one
    sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant, nullable=False, default=lambda: datetime.now(UTC))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


def order(kind: str, area_code: str, by: str, *, total: int = 1, dedupe_key: str | None = None, **args: object) -> Task:
    """Add a task to the current transaction; the edge rings the bell once it is committed."""
    task = Task(kind=kind, args=args, area_code=area_code, ordered_by=by, total=total, dedupe_key=dedupe_key)
    db.session.add(task)
    return task


def in_hand(kind: str, area_code: str, by: str) -> Task | None:
    """A task of this kind that the same person has ordered for the same area, and that has not ended."""
    return db.session.scalar(select(Task).where(
        Task.kind == kind, Task.area_code == area_code, Task.ordered_by == by, Task.state.in_((QUEUED, RUNNING))).limit(1))


def _claimable(now: datetime):
    """A lease further ahead than one can be was taken before the clock was put back: it binds nobody."""
    void = or_(Task.lease_until < now, Task.lease_until > now + LEASE)
    return or_(Task.state == QUEUED, (Task.state == RUNNING) & void)


def waiting(now: datetime) -> list[int]:
    """Ids of the tasks that nobody works on, oldest first."""
    return list(db.session.scalars(select(Task.id).where(_claimable(now)).order_by(Task.id)))


def claim(task_id: int, now: datetime) -> int | None:
    """Take the lease of a task, if nobody holds it. Returns the fence to work under, or None."""
    taken = db.session.execute(
        update(Task).where(Task.id == task_id, _claimable(now))
        .values(state=RUNNING, lease_until=now + LEASE, fence=Task.fence + 1, attempts=Task.attempts + 1)
        .execution_options(synchronize_session=False))
    return db.session.scalar(select(Task.fence).where(Task.id == task_id)) if taken.rowcount else None


def hold(task_id: int, fence: int, now: datetime, **values: object) -> bool:
    """Renew the lease, or close the task (by *values*), if the fence is still ours."""
    kept = db.session.execute(
        update(Task).where(Task.id == task_id, Task.fence == fence, Task.state == RUNNING)
        .values(lease_until=now + LEASE, **values).execution_options(synchronize_session=False))
    return bool(kept.rowcount)


def count_failure(task_id: int) -> None:
    """Count a try that ended with its process, which cannot do so any more."""
    db.session.execute(update(Task).where(Task.id == task_id, Task.state == RUNNING).values(failures=Task.failures + 1)
                       .execution_options(synchronize_session=False))


def free_all() -> int:
    """Take every task out of the hands it was in, where these are gone for certain; how many there were."""
    freed = db.session.execute(update(Task).where(Task.state == RUNNING).values(state=QUEUED, lease_until=None)
                               .execution_options(synchronize_session=False))
    return freed.rowcount
