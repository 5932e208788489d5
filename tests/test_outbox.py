"""Tasks: one holder at a time by lease and fence, lost ones found again, the order kept with its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from factories import a_case, seeing_as
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import outbox
from models.base import db
from models.outbox import DONE, FAILED, LEASE, QUEUED, RUNNING, Task, claim, hold, waiting
from models.scope import everything

T0 = datetime(2021, 9, 19, 2, 0, tzinfo=UTC)
SOON, LATE = T0 + LEASE / 2, T0 + LEASE + timedelta(seconds=1)


@pytest.fixture
def task_id(county, session) -> int:
    with seeing_as(county.clerk):
        task = outbox.order("draw", "141122100", "county_clerk", total=3, document=7)
        session.commit()
        return task.id


@pytest.fixture(autouse=True)
def _everywhere(county):
    with everything("the worker"):
        yield


def state(session, task_id: int) -> tuple:
    task = session.get_one(Task, task_id, populate_existing=True)
    return task.state, task.fence, task.attempts


def test_an_order_waits(session, task_id):
    task = session.get(Task, task_id)

    assert (task.state, task.args, task.total, task.finished, task.fence) == (QUEUED, {"document": 7}, 3, 0, 0)
    assert waiting(T0) == [task_id]


def test_an_order_rolled_back_never_was(county, session):
    with seeing_as(county.clerk):
        outbox.order("draw", "141122100", "county_clerk")
        session.flush()
        session.rollback()

    assert waiting(T0) == []


def test_an_order_and_its_rows_are_one(county, session):
    case = a_case()
    with seeing_as(county.clerk):
        case.remark = "x"
        outbox.order("draw", "141122100", "county_clerk")
        session.flush()
        session.rollback()

    assert (waiting(T0), case.remark) == ([], "")


def test_the_first_who_claims_holds_it(session, task_id):
    assert claim(task_id, T0) == 1
    assert claim(task_id, SOON) is None
    assert state(session, task_id) == (RUNNING, 1, 1)
    assert waiting(SOON) == []


def test_a_lease_that_ran_out_is_claimed_anew_under_another_fence(session, task_id):
    claim(task_id, T0)

    assert waiting(LATE) == [task_id]
    assert claim(task_id, LATE) == 2
    assert state(session, task_id) == (RUNNING, 2, 2)


def test_a_lease_held_does_not_run_out(session, task_id):
    fence = claim(task_id, T0)

    assert hold(task_id, fence, SOON, finished=1)
    assert claim(task_id, LATE) is None
    assert session.get_one(Task, task_id, populate_existing=True).finished == 1


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=1)])
def test_a_clock_that_jumps_holds_up_no_task_and_the_next_heartbeat_has_it_again(session, task_id, jump):
    lost = claim(task_id, T0)
    assert claim(task_id, T0 + jump) == lost + 1

    assert not hold(task_id, lost, T0 + jump, state=DONE)
    assert claim(task_id, T0 + jump + LEASE / 2) is None
    assert hold(task_id, lost + 1, T0, finished=1)
    assert claim(task_id, T0 + LEASE / 2) is None


def test_who_lost_the_lease_can_neither_hold_nor_close(session, task_id):
    slow, quick = claim(task_id, T0), claim(task_id, LATE)

    assert not hold(task_id, slow, LATE, state=DONE)
    assert state(session, task_id)[0] == RUNNING
    assert hold(task_id, quick, LATE, state=DONE)
    assert state(session, task_id)[0] == DONE


@pytest.mark.parametrize("end", [DONE, FAILED])
def test_what_is_closed_stays_closed(session, task_id, end):
    fence = claim(task_id, T0)
    hold(task_id, fence, SOON, state=end)

    assert not hold(task_id, fence, SOON, state=DONE)
    assert claim(task_id, LATE) is None
    assert waiting(LATE) == []


def test_nothing_is_held_before_it_is_claimed(session, task_id):
    assert not hold(task_id, 0, T0, state=DONE)
    assert state(session, task_id) == (QUEUED, 0, 0)


def test_there_is_no_claim_on_nothing(session):
    assert claim(77, T0) is None


def test_tasks_wait_in_their_order(county, session):
    with seeing_as(county.clerk):
        tasks = [outbox.order("draw", "141122100", "county_clerk") for _ in range(3)]
        session.commit()
    claim(tasks[1].id, T0)

    assert waiting(T0) == [tasks[0].id, tasks[2].id]


def test_what_is_ordered_under_one_key_is_ordered_once(county, session):
    with seeing_as(county.clerk):
        outbox.order("bulletin", "141122", "system", dedupe_key="bulletin 2021-09-19")
        session.commit()
        outbox.order("bulletin", "141122", "system", dedupe_key="bulletin 2021-09-19")
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()

    assert len(waiting(T0)) == 1


def test_of_many_who_claim_at_once_one_gets_it(app, session, task_id):
    start, fences = Barrier(4), []

    def work() -> None:
        with app.app_context(), everything("the worker"):
            start.wait()
            fences.append(claim(task_id, T0))
            db.session.commit()
    session.rollback()
    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(fences, key=str) == [1, None, None, None]


def test_a_claim_not_committed_is_free_again(session, task_id):
    claim(task_id, T0)
    session.rollback()

    assert claim(task_id, T0) == 1


def test_a_failure_says_why(session, task_id):
    fence = claim(task_id, T0)
    hold(task_id, fence, SOON, state=FAILED, ended_at=SOON, error={"id": "A fact is missing.", "values": {}})

    assert session.scalars(select(Task)).one().error["id"] == "A fact is missing."
