"""Background work: the outbox row is the truth, RQ only a bell (portal.bell), this the one function it may run.

A request commits its rows with a Task and the bell rings after the commit. A
worker takes the lease, draws, and files each batch under its fence; the last
batch closes the task in the same transaction. Whatever is lost on the way, the
sweep rings again.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event
from types import MappingProxyType
from typing import Any

from flask import Flask, current_app, has_app_context
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from models import audit, outbox, scope
from models.base import db
from models.outbox import Task
from models.words import N_, Message, as_json
from portal import bell, clock, drawing, rope
from portal.heartbeat import Heartbeat
from portal.machine_faults import fault_of, note

log = logging.getLogger("portal.jobs")

ALLOWED: Mapping[str, Callable[[int, drawing.Tell, bool], Iterator[drawing.Drawn]]] = MappingProxyType({
    "documents": drawing.documents,
    "bulletin": drawing.bulletin,
    "village_lists": drawing.village_lists,
})

FAILED = N_("This failed again and again. Tell the administrator the reference {reference}.")
_ORDERED = "tasks to ring for"
_stopping = Event()


class FenceLost(Exception):
    """Somebody else has the task by now: nothing of ours may be filed."""


@dataclass(frozen=True)
class Hold:
    """A task in hand: what it is, and the fence we work under."""

    id: int
    kind: str
    area_code: str
    ordered_by: str
    attempts: int
    failures: int
    fence: int

    def keep(self, **values: Any) -> None:
        """Renew the lease, or close the task by *values*. Raises FenceLost."""
        if not outbox.hold(self.id, self.fence, real_now(), **values):
            raise FenceLost


def init_app(app: Flask) -> None:
    """From here on tasks ring by themselves, by the listeners below."""
    app.extensions["ring"] = partial(rope.pull, app.config["PORTAL"])


def real_now() -> datetime:
    """Leases run on the real clock, whatever day the portal is told to have."""
    return datetime.now(UTC)


def run(task_id: int) -> None:
    """Carry out one task, if nobody else does. Safe to run twice, and it never raises: the row says how it went."""
    with current_app._get_current_object().app_context():  # a session of its own
        try:
            with scope.everything("outbox"):
                hold = _claim(task_id)
            if hold:
                with (scope.seeing(hold.area_code),
                      audit.acting_as(hold.ordered_by or "system", "job", clock.now, act=hold.kind)):
                    _carry_out(hold)
        except FenceLost:
            db.session.rollback()
            log.info("task %s is in other hands: nothing was filed", task_id)
        except Exception as error:
            note(log, error, "task %s could not be worked on now", task_id)


def _claim(task_id: int) -> Hold | None:
    fence = outbox.claim(task_id, real_now())
    task = db.session.get(Task, task_id) if fence else None
    hold = task and Hold(task.id, task.kind, task.area_code, task.ordered_by, task.attempts, task.failures, fence)
    db.session.commit()
    return hold


def _carry_out(hold: Hold) -> None:
    if hold.failures >= outbox.MOST_TRIES or hold.attempts > outbox.MOST_CLAIMS:
        # Not even an exception came back: the work killed its processes.
        return _give_back(hold, secrets.token_hex(4))
    try:
        with Heartbeat(hold) as heartbeat:
            for drawn in ALLOWED[hold.kind](hold.id, heartbeat.tell, hold.attempts > 2):
                _file(hold, drawn)
                if _stopping.is_set() and not drawn.last:
                    return _lay_down(hold)
    except FenceLost:
        raise
    except Exception as error:
        db.session.rollback()
        if fault_of(error):
            return _wait(hold, error)
        reference = secrets.token_hex(4)
        log.exception("task %s, try %s, reference %s", hold.id, hold.attempts, reference)
        _give_back(hold, reference)


def _file(hold: Hold, drawn: drawing.Drawn) -> None:
    """File what was drawn, with the progress or the end of the task, in one transaction."""
    end = {"state": outbox.DONE, "ended_at": real_now()} if drawn.last else {"attempts": 0, "failures": 0}  # it does get on
    hold.keep(finished=drawn.finished, total=drawn.total, **end)
    drawn.file(clock.now())
    db.session.commit()


def _wait(hold: Hold, error: Exception) -> None:
    """Leave the task to the next sweep; what the machine lacks counts as no try of the task's."""
    note(log, error, "task %s waits", hold.id)
    hold.keep(state=outbox.QUEUED, attempts=hold.attempts - 1)
    db.session.commit()


def note_loss(task_id: int) -> None:
    """Count the try whose process died under a worker that did not. Where both are killed nobody counts: the task did nothing."""
    try:
        with current_app._get_current_object().app_context(), scope.everything("outbox"):
            outbox.count_failure(task_id)
            db.session.commit()
    except Exception as error:
        note(log, error, "a lost try of task %s was not counted", task_id)


def stop() -> None:
    """Have the task in hand laid down at the next batch that is filed; the next sweep has it taken up again."""
    _stopping.set()


def _lay_down(hold: Hold) -> None:
    hold.keep(state=outbox.QUEUED)
    db.session.commit()
    log.info("task %s is laid down, because this process was told to stop", hold.id)


def _give_back(hold: Hold, reference: str) -> None:
    """Leave the task to the next sweep; after too many tries give up the paper it fails at, or with too many of them all."""
    failures = hold.failures + 1
    if failures < outbox.MOST_TRIES and hold.attempts <= outbox.MOST_CLAIMS:
        hold.keep(state=outbox.QUEUED, failures=failures)
    else:
        error = Message(FAILED, {"reference": reference})
        log.error("task %s: given up, reference %s", hold.id, reference)
        if drawing.give_up(hold.id, error):
            hold.keep(state=outbox.QUEUED, failures=outbox.MOST_TRIES - 1,
                      attempts=min(hold.attempts, outbox.MOST_CLAIMS - 1))
        else:
            hold.keep(state=outbox.FAILED, ended_at=real_now(), error=as_json(error))
    db.session.commit()


def waiting(app: Flask) -> list[int]:
    """Ids of the tasks nobody works on."""
    with app.app_context(), scope.everything("outbox"), drawing.reading():
        return outbox.waiting(real_now())


def sweep(app: Flask) -> int:
    """Ring again for what waits and lies in no queue; how many rings were heard."""
    ids = waiting(app)
    with app.app_context():
        return bell.ring(app.config["PORTAL"], *bell.unheard(ids)) if ids else 0


def run_waiting(app: Flask) -> int:
    """Carry out here and now what waits, without Redis; how many tasks were tried."""
    ids = waiting(app)
    with app.app_context():
        for task_id in ids:
            run(task_id)
    return len(ids)


def note_forgery(job_id: str, what: str) -> None:
    """Write a refused job to the trail."""
    with (current_app._get_current_object().app_context(), scope.everything("outbox"),
          audit.acting_as("system", "job", clock.now)):
        audit.record("job_refused", "queue", scope.EVERYWHERE, job=job_id, what=what)
        db.session.commit()


@event.listens_for(Session, "after_flush")
def _collect(session: Session, context: Any) -> None:
    session.info.setdefault(_ORDERED, []).extend(row for row in session.new if isinstance(row, Task))


@event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    """Ring for every task of the transaction, so that nobody can forget to."""
    if not session.in_nested_transaction():
        ids = [inspect(task).identity[0] for task in session.info.pop(_ORDERED, [])]
        if ids and has_app_context() and "ring" in current_app.extensions:
            current_app.extensions["ring"](*ids)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: Any) -> None:
    """What was rolled back is gone from the session; what came before a savepoint is still there."""
    session.info[_ORDERED] = [task for task in session.info.get(_ORDERED, []) if task in session]
