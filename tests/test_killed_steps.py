"""A kill -9 before and after each step from the order to the file: after the next start all is there, once."""

import importlib
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
import redis
import tally
from running import NOW, Server, acting, check_papers, office, order_numbered, until, work_off
from sqlalchemy import select

from exports import notices
from models import outbox
from models.base import db
from models.document import Document
from portal import drawing, jobs

GOOD = notices.example("certification")
PAPERS = 2

# What is killed: (the step, before or after it, at which of its calls), while somebody orders, rings, or draws.
ORDERING = [
    ("sqlalchemy.orm:Session.flush", "after", 1), ("models.audit:append", "before", 1), ("models.audit:append", "after", 1),
    ("sqlalchemy.orm:Session.commit", "before", 1), ("sqlalchemy.orm:Session.commit", "after", 1)]
RINGING = [
    ("portal.bell:ring", "before", 1), ("portal.bell:_ring", "before", 1), ("portal.bell:_ring", "after", 1)]
DRAWING = [
    ("portal.jobs:_claim", "before", 1), ("models.outbox:claim", "after", 1), ("portal.jobs:_claim", "after", 1),
    ("exports.notices:draw_many", "before", 1), ("exports.pdf:Press.draw", "before", 2),
    ("exports.pdf:Press.draw", "after", 2), ("exports.notices:draw_many", "after", 1),
    ("portal.store:Store.put", "before", 1), ("os:fsync", "before", 1), ("os:replace", "before", 2), ("os:replace", "after", 1),
    ("portal.jobs:_file", "before", 1), ("portal.jobs:Hold.keep", "after", 1), ("portal.drawing:_file", "after", 2),
    ("models.audit:append", "before", 1), ("models.audit:append", "after", 2),
    ("portal.jobs:_file", "after", 1), ("portal.jobs:_file", "after", 2)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("redis")).start()
    drawing.warm_up()
    notices.draw_many("certification", [GOOD])  # who is forked finds the press warm
    yield server
    server.kill()


@pytest.fixture
def app(tmp_path, server, monkeypatch):
    monkeypatch.setattr(drawing, "BATCH", 1)
    return office(tmp_path, redis_url=server.url)


def dies(where, when, nth):
    """From here on this process is killed at that step."""
    module, names = where.split(":")
    *path, name = names.split(".")
    owner = importlib.import_module(module)
    for part in path:
        owner = getattr(owner, part)
    step, calls = getattr(owner, name), []

    def until_then(*given, **named):
        calls.append(1)
        if len(calls) == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = step(*given, **named)
        if len(calls) == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, until_then)


def killed(app, point, act):
    """Whether a process that does *act* was killed at the point."""
    child = os.fork()
    if not child:
        try:
            with app.app_context():
                db.engine.dispose(close=False)  # the parent's connections are not ours to use
            dies(*point)
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def an_hour_later(monkeypatch):
    """The lease of whoever was killed has run out."""
    monkeypatch.setattr(jobs, "real_now", lambda: datetime.now(UTC) + timedelta(hours=1))


def check(app, orders):
    """Every paper drawn once, with a number of its own and none left out; nothing half done; the trail is whole."""
    check_papers(app, orders, PAPERS)
    tally.COUNTED["steps"] += 1


def told(point):
    return "{1} {0}, {2}".format(*point)


@pytest.mark.parametrize("point", ORDERING, ids=told)
def test_an_order_is_whole_or_was_never_made(app, point):
    assert killed(app, point, lambda: order_numbered(app, PAPERS))
    with acting(app):
        made = len(db.session.scalars(select(Document)).all())
    assert made == (PAPERS if point == ORDERING[-1] else 0)
    order_numbered(app, PAPERS)
    until(lambda: not jobs.run_waiting(app))
    check(app, orders=1 + made // PAPERS)


@pytest.mark.parametrize("flushed", [False, True], ids=["", "and Redis flushed"])
@pytest.mark.parametrize("point", RINGING, ids=told)
def test_what_was_not_rung_for_is_swept(app, server, point, flushed):
    def ordering():
        order_numbered(app, PAPERS)
        signal.pause()  # the bell is rung beside it
    assert killed(app, point, ordering)
    if flushed:
        redis.Redis.from_url(server.url).flushall()
    jobs.sweep(app)
    work_off(app)
    check(app, orders=1)


@pytest.mark.parametrize("point", DRAWING, ids=told)
def test_a_drawing_is_taken_up_where_it_was_filed_last(app, monkeypatch, point):
    order_numbered(app, PAPERS)
    assert killed(app, point, lambda: jobs.run_waiting(app))
    an_hour_later(monkeypatch)
    jobs.run_waiting(app)
    check(app, orders=1)


def test_the_check_notices_a_paper_filed_apart_from_its_task(app, monkeypatch):
    """The control: a worker that closes its task before it files loses the paper when it is killed between the two."""
    def apart(hold, drawn):
        hold.keep(finished=drawn.finished, **({"state": outbox.DONE} if drawn.last else {}))
        db.session.commit()
        drawn.file(NOW)
        db.session.commit()
    monkeypatch.setattr(jobs, "_file", apart)
    order_numbered(app, PAPERS)
    assert killed(app, ("portal.drawing:_file", "before", 2), lambda: jobs.run_waiting(app))
    an_hour_later(monkeypatch)
    jobs.run_waiting(app)
    with pytest.raises(AssertionError):
        check(app, orders=1)
