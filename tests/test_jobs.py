"""Background work on a real Redis: rung for once, done once, whatever is killed, flushed or forged on the way."""

import json
import os
import pickle
import signal
import socket
import threading
import zlib
from datetime import timedelta
from functools import partial

import pytest
import redis
import tally
from rq import Queue, SimpleWorker
from running import (
    COUNTY,
    NOW,
    VILLAGE,
    Server,
    acting,
    alive,
    descendants,
    documents_of,
    office,
    order_documents,
    task_of,
    until,
    work_off,
)
from sqlalchemy import select, update

from exports import notices
from models import outbox, scope
from models.audit import AuditEntry
from models.base import db
from models.document import DRAWN, ORDERED, REFUSED
from models.outbox import Task
from models.words import from_json
from portal import bell, drawing, heartbeat, jobs, rope
from portal.heartbeat import Heartbeat

GOOD = notices.example("certification")
BAD = GOOD | {"why": "cannot be drawn"}
PDF = b"%PDF"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def app(tmp_path, server):
    return office(tmp_path, redis_url=server.url)


@pytest.fixture
def lying(app, server):
    """A function that gives the ids of the rings in the queue."""
    return lambda: bell.the_bell(app.config["PORTAL"], redis.Redis.from_url(server.url)).job_ids


def heard(app, task_id):
    """Order is one thing, and the ring that comes after it another: wait for that."""
    with app.app_context():
        until(lambda: not bell.unheard([task_id]))
    return task_id


def order(app, facts):
    """A task ordered and rung for."""
    return heard(app, order_documents(app, facts))


def forget_lease(app, task_id):
    with acting(app):
        db.session.execute(update(Task).where(Task.id == task_id).values(lease_until=NOW - timedelta(days=9999)))
        db.session.commit()


def test_a_committed_task_rings_by_itself_and_is_done(app, lying):
    task_id = order_documents(app, [GOOD])
    until(lambda: len(lying()) == 1)

    work_off(app, bell.Ringer)

    task, (document,) = task_of(app, task_id), documents_of(app, task_id)
    assert (task.state, task.finished, task.error, lying()) == (outbox.DONE, 1, None, [])
    assert (document.state, document.drawn_at) == (DRAWN, NOW)
    assert app.extensions["store"].get(document.sha256).startswith(PDF)


def test_what_a_job_changes_is_in_the_trail_under_the_name_of_who_ordered_it(app):
    task_id = order_documents(app, [GOOD])
    jobs.run_waiting(app)
    with acting(app):
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.origin == "job")).one()
    assert (entry.actor, entry.subject, entry.row_id) == (
        "county_clerk", "document", documents_of(app, task_id)[0].id)
    assert (entry.act, entry.told["state"]) == ("documents", [ORDERED, DRAWN])


def test_nothing_rings_for_what_was_rolled_back(app, lying):
    with acting(app):
        outbox.order("documents", VILLAGE, "county_clerk")
        db.session.flush()
        db.session.rollback()
        db.session.commit()
    order(app, [GOOD])  # what would have rung has rung before this
    assert len(lying()) == 1


def test_what_came_before_a_savepoint_rings_though_the_savepoint_is_rolled_back(app, lying):
    with acting(app):
        kept = outbox.order("documents", VILLAGE, "county_clerk")
        db.session.flush()
        first = kept.id
        savepoint = db.session.begin_nested()
        outbox.order("documents", VILLAGE, "county_clerk")
        db.session.flush()
        savepoint.rollback()
        db.session.commit()
    second = order(app, [GOOD])
    assert [int(ring.partition("-")[0]) for ring in lying()] == [first, second]


def test_one_refused_document_does_not_hold_up_the_others(app):
    task_id = order_documents(app, [GOOD, {}, GOOD])
    jobs.run_waiting(app)
    assert [d.state for d in documents_of(app, task_id)] == [DRAWN, REFUSED, DRAWN]
    assert task_of(app, task_id).state == outbox.DONE
    told = from_json(documents_of(app, task_id)[1].error)
    assert str(told) == "Notice to certify needs the fact “office”, which is missing."


def test_a_document_already_drawn_is_left_alone(app):
    task_id = order_documents(app, [GOOD, GOOD])
    with acting(app):
        document = db.session.get(drawing.Document, documents_of(app, task_id)[0].id)
        document.state, document.sha256 = DRAWN, "0" * 64
        db.session.commit()
    jobs.run_waiting(app)
    first, second = documents_of(app, task_id)
    assert first.sha256 == "0" * 64
    assert second.state == DRAWN


# --- forged jobs ---------------------------------------------------------------------------------

def ring_of(task_id, name=bell.ENTRY):
    return json.dumps([name, None, [task_id], {}]).encode()


FORGED = {
    "a command by name": lambda marker: {"data": json.dumps(["os.system", None, [f"touch {marker}"], {}]).encode()},
    "a pickle": lambda marker: {"data": pickle.dumps(("os.system", None, (f"touch {marker}",), {}))},
    "a pickle that runs when read": lambda marker: {"data": pickle.dumps(Touching(marker))},
    "another function of ours": lambda marker: {"data": ring_of(1, "portal.jobs.run_waiting")},
    "an unknown function": lambda marker: {"data": ring_of(1, "nowhere.at_all")},
    "an instance": lambda marker: {"data": json.dumps([bell.ENTRY, "x", [1], {}]).encode()},
    "a named argument": lambda marker: {"data": json.dumps([bell.ENTRY, None, [1], {"task_id": 1}]).encode()},
    "a word for an id": lambda marker: {"data": ring_of("1; touch x")},
    "two ids": lambda marker: {"data": json.dumps([bell.ENTRY, None, [1, 2], {}]).encode()},
    "no data": lambda marker: {"origin": b"portal"},
    "a strange status": lambda marker: {"data": ring_of(999), "status": b"nonsense"},
    "a strange date": lambda marker: {"data": ring_of(999), "created_at": b"nonsense"},
    "a deep nest": lambda marker: {"data": b"[" * 5000},
    "Python to be run": lambda marker: {"data": ring_of(f"open({str(marker)!r}, 'w')", "builtins.exec")},
    "Python to be looked up": lambda marker: {"data": ring_of(f"open({str(marker)!r}, 'w')", "builtins.eval")},
    "another command by name": lambda marker: {"data": ring_of(["touch", str(marker)], "subprocess.call")},
    "a packed command": lambda marker: {"data": zlib.compress(ring_of(f"touch {marker}", "os.system"))},
    "a method of a class": lambda marker: {"data": ring_of(str(marker), "pathlib.Path.touch")},
    "a function whose name begins like ours": lambda marker: {"data": ring_of(1, bell.ENTRY + "_waiting")},
    "our function under another module": lambda marker: {"data": ring_of(1, "portal.bell.run")},
    "a command as the name": lambda marker: {"data": ring_of(1, ["os.system"])},
    "a truth for an id": lambda marker: {"data": ring_of(True)},
    "a fraction for an id": lambda marker: {"data": ring_of(1.0)},
    "nothing for an id": lambda marker: {"data": ring_of(None)},
    "a list for an id": lambda marker: {"data": ring_of([1])},
    "a huge job": lambda marker: {"data": json.dumps([bell.ENTRY, None, [1], {"more": "x" * 10 ** 6}]).encode()},
    "a bomb": lambda marker: {"data": zlib.compress(b"[" * 10 ** 7)},
}


class Touching:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def put(server, app, job_id, fields):
    connection = redis.Redis.from_url(server.url)
    connection.hset(f"rq:job:{job_id}", mapping={"status": b"queued"} | fields)
    connection.rpush(bell.the_bell(app.config["PORTAL"], connection).key, job_id)


def test_rq_by_itself_runs_whatever_a_job_names(server, tmp_path):
    """The control: without our classes the first of the forged jobs does run."""
    connection, marker = redis.Redis.from_url(server.url), tmp_path / "marker"
    queue = Queue("plain", connection=connection, serializer=bell.JSONSerializer)
    queue.enqueue_call("os.system", args=(f"touch {marker}",))
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    SimpleWorker([queue], connection=connection, serializer=bell.JSONSerializer).work(burst=True, logging_level="ERROR")
    signal.signal(signal.SIGINT, handlers[0])
    signal.signal(signal.SIGTERM, handlers[1])
    assert marker.exists()


def test_forged_jobs_are_refused_and_the_worker_lives_on(app, server, tmp_path):
    marker = tmp_path / "marker"
    for n, forged in enumerate(FORGED.values()):
        put(server, app, f"forged-{n}", forged(marker))
    redis.Redis.from_url(server.url).set("rq:job:no-hash", "x")
    put_id = bell.the_bell(app.config["PORTAL"], redis.Redis.from_url(server.url))
    put_id.connection.rpush(put_id.key, "no-hash", "not:an id \x00", "nobody-wrote-this")
    task_id = order(app, [GOOD])

    work_off(app)

    assert not marker.exists()
    assert task_of(app, task_id).state == outbox.DONE
    with app.app_context(), scope.everything("test"):
        refused = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "job_refused")).all()
    assert len(refused) >= len(FORGED) + 1 >= 20
    tally.tell(f"jobs: {len(FORGED)} kinds of forged jobs refused, 0 run, each in the trail")


def test_forgeries_in_the_lists_beside_the_queue_are_not_run_either(app, server, tmp_path):
    """RQ looks after jobs that were begun, failed, put off, repeated or bound to others: it reads them by our class too."""
    marker, connection = tmp_path / "marker", redis.Redis.from_url(server.url)
    forged = json.dumps(["os.system", None, [f"touch {marker}"], {}]).encode()
    name = bell.the_bell(app.config["PORTAL"], connection).name
    connection.hset("rq:job:beside", mapping={
        "data": forged, "status": b"started", "origin": name.encode(), "failure_callback_name": b"os.system",
        "retries_left": b"3", "group_id": b"group", "dependency_ids": b'["beside"]', "timeout": b"1"})
    for registry in ("wip", "failed", "deferred", "scheduled", "finished"):
        connection.zadd(f"rq:{registry}:{name}", {"beside": 1, "beside:execution": 1})
    connection.rpush(f"rq:queue:{name}:intermediate", "beside")
    connection.sadd("rq:groups", "group")
    connection.sadd("rq:group:group", "beside")
    task_id = order(app, [GOOD])

    work_off(app)
    with app.app_context():
        bell.worker(app.config["PORTAL"], connection, bell.PlainRinger).run_maintenance_tasks()
    work_off(app)

    assert not marker.exists()
    assert task_of(app, task_id).state == outbox.DONE


def test_a_ring_for_a_task_of_any_kind_does_what_was_ordered_and_no_more(app, server):
    """Who forges the id of a task rings for it; that it is done once, and only if it was ordered, the row says."""
    done, waits = order(app, [GOOD]), order(app, [GOOD])
    work_off(app)
    before = [d.drawn_at for d in documents_of(app, done)]
    for n, task_id in enumerate([done, waits, 999_999, 0, -1]):
        put(server, app, f"forged-id-{n}", {"data": ring_of(task_id)})
    work_off(app)
    assert [d.drawn_at for d in documents_of(app, done)] == before
    assert (task_of(app, done).fence, task_of(app, waits).fence) == (1, 1)


def test_callbacks_webhooks_and_repeats_of_a_ring_are_not_read(app, server, tmp_path):
    task_id = order(app, [GOOD])
    redis.Redis.from_url(server.url).flushall()
    put(server, app, "with-more", {
        "data": ring_of(task_id), "success_callback_name": b"shutil.rmtree", "failure_callback_name": b"os.system",
        "stopped_callback_name": b"os.system", "repeats_left": b"5", "repeat_intervals": b"[0]", "meta": b"\x80\x04.",
        "webhooks": json.dumps([{"url": "http://127.0.0.1:9/", "job_status": "finished"}]).encode(), "timeout": b"-1"})
    connection = redis.Redis.from_url(server.url)
    job = bell.Ring.fetch("with-more", connection=connection, serializer=bell.JSONSerializer)
    assert (job.success_callback, job.failure_callback, job.stopped_callback, job.webhooks, job.repeats_left, job.meta,
            job.timeout) == (None, None, None, [], None, {}, bell.TIMEOUT)

    work_off(app)

    assert task_of(app, task_id).state == outbox.DONE


def test_nothing_but_ids_is_ever_in_redis(app, server):
    task_id = order(app, [GOOD, {}])
    connection = redis.Redis.from_url(server.url)

    def all_of_it():
        kinds = {b"hash": connection.hgetall, b"list": lambda key: connection.lrange(key, 0, -1),
                 b"set": connection.smembers, b"string": connection.get}
        return str([kinds.get(connection.type(key), str)(key) for key in connection.scan_iter()])
    before = all_of_it()
    work_off(app)
    assert task_of(app, task_id).state == outbox.DONE
    assert "张" not in before + all_of_it()
    assert not connection.keys("rq:job:*")


# --- losses --------------------------------------------------------------------------------------

def test_without_redis_the_sweep_makes_up_for_it(app, server, lying):
    server.kill()
    task_id = order_documents(app, [GOOD])
    assert jobs.sweep(app) == 0

    server.start()
    assert lying() == []
    assert jobs.sweep(app) == 1
    work_off(app)
    assert task_of(app, task_id).state == outbox.DONE


@pytest.fixture
def stopped(server):
    """A Redis that is there and does nothing, until it is woken."""
    server.process.send_signal(signal.SIGSTOP)
    yield server.url, lambda: server.process.send_signal(signal.SIGCONT)
    server.process.send_signal(signal.SIGCONT)


@pytest.fixture
def black_hole(tmp_path):
    """A Redis that takes every call and never answers, until it is closed."""
    with socket.socket(socket.AF_UNIX) as hole:
        hole.bind(str(tmp_path / "hole"))
        hole.listen(64)
        yield f"unix://{tmp_path}/hole", hole.close


@pytest.mark.parametrize("silent", ["stopped", "black_hole"])
def test_no_request_waits_for_a_redis_that_does_not_answer(tmp_path, request, monkeypatch, silent):
    """Whoever waits is let go in the end by waking Redis: a request that returns before it has not waited."""
    url, wake = request.getfixturevalue(silent)
    monkeypatch.setattr(bell, "PATIENCE", 60)
    app = office(tmp_path / "office", redis_url=url)

    def returns_before_it_is_woken(seconds):
        woken = threading.Event()
        waking = threading.Timer(seconds, lambda: (woken.set(), wake()))
        waking.start()
        task_id = order_documents(app, [GOOD])
        before = not woken.is_set()
        waking.cancel()
        assert task_of(app, task_id).state == outbox.QUEUED
        return before

    assert returns_before_it_is_woken(30)
    # The control: rung for in the request itself, it does wait.
    app.extensions["ring"] = partial(bell.ring, app.config["PORTAL"])
    assert not returns_before_it_is_woken(0.5)


def test_what_waits_behind_a_redis_that_does_not_answer_is_let_go(server, tmp_path, monkeypatch):
    settings, rung = office(tmp_path).config["PORTAL"], []
    here, answers = threading.Event(), threading.Event()

    def ring(settings, *task_ids):
        rung.append(task_ids)
        here.set()
        answers.wait()
        return 0 if task_ids == (1,) else len(task_ids)
    monkeypatch.setattr(bell, "ring", ring)
    pulled = rope.Rope()
    pulled.pull(settings, 1)
    here.wait()
    pulled.pull(settings, 2)
    answers.set()
    until(lambda: pulled._pulls.empty())
    pulled.pull(settings, 3, 4)
    until(lambda: len(rung) == 2)
    assert rung == [(1,), (3, 4)]


def test_a_forked_process_rings_by_itself(app, lying):
    order(app, [GOOD])
    child = os.fork()
    if not child:
        order(app, [GOOD])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(lying()) == 2


def test_a_flushed_redis_is_rung_again_once(app, server, lying):
    task_id = order(app, [GOOD])
    redis.Redis.from_url(server.url).flushall()
    assert [jobs.sweep(app), jobs.sweep(app), len(lying())] == [1, 0, 1]
    work_off(app)
    assert (task_of(app, task_id).state, jobs.sweep(app)) == (outbox.DONE, 0)


def test_rings_in_excess_do_nothing(app):
    task_id = order(app, [GOOD])
    with app.app_context():
        assert bell.ring(app.config["PORTAL"], task_id, task_id, 999) == 3
    work_off(app)
    assert (task_of(app, task_id).attempts, task_of(app, task_id).state) == (1, outbox.DONE)


def test_a_killed_worker_ends_its_horse_and_the_work_is_done_once(app, monkeypatch):
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=1.5))
    monkeypatch.setattr(drawing, "BATCH", 4)
    task_id = order(app, [GOOD] * 40)
    drawing.warm_up()
    worker = os.fork()
    if not worker:
        work_off(app, bell.Ringer)
        os._exit(0)
    until(lambda: task_of(app, task_id).finished >= 4)
    horses = descendants(worker)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)

    until(lambda: horses and not any(map(alive, horses)))
    half = task_of(app, task_id)
    assert (half.state, half.failures) == (outbox.RUNNING, 0)
    assert 0 < half.finished < 40
    assert jobs.waiting(app) == []
    until(lambda: jobs.sweep(app) == 1)
    work_off(app)

    assert (task_of(app, task_id).state, task_of(app, task_id).finished) == (outbox.DONE, 40)
    assert {d.state for d in documents_of(app, task_id)} == {DRAWN}
    with acting(app):
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.origin == "job")).all()
    drawn = [row["row_id"] for entry in entries for row in entry.changed]
    assert len(drawn) == len(set(drawn)) == 40


def hands_it_went_through(app, papers: int) -> int:
    """How often a task is taken while one worker draws and another keeps asking for work."""
    task_id = order_documents(app, [GOOD] * papers)
    first = threading.Thread(target=jobs.run_waiting, args=(app,))
    first.start()
    until(lambda: task_of(app, task_id).state != outbox.QUEUED)
    while first.is_alive():
        jobs.run_waiting(app)
    assert task_of(app, task_id).state == outbox.DONE
    assert [document.state for document in documents_of(app, task_id)] == [DRAWN] * papers
    return task_of(app, task_id).fence


def test_a_drawing_longer_than_its_lease_is_nobody_else_s(app, monkeypatch):
    """Forty papers take several leases; the heartbeat is what keeps them, as the control without it shows."""
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=1.5))
    assert hands_it_went_through(app, 40) == 1
    monkeypatch.setattr(Heartbeat, "_renew", lambda self: None)
    assert hands_it_went_through(app, 40) > 1


def test_whoever_lost_the_fence_files_nothing(app):
    task_id = order_documents(app, [GOOD])
    with app.app_context(), scope.everything("test"):
        slow = jobs._claim(task_id)
    forget_lease(app, task_id)
    jobs.run_waiting(app)
    (document,) = documents_of(app, task_id)

    with acting(app):
        late = drawing.Drawn(1, 1, lambda now: drawing._file(drawing.Document, {document.id: "f" * 64}, now))
        with pytest.raises(jobs.FenceLost):
            jobs._file(slow, late)
        db.session.rollback()

    assert documents_of(app, task_id)[0].sha256 == document.sha256
    assert task_of(app, task_id).fence == 2


def test_a_bug_is_tried_again_and_ends_with_a_reference(app):
    task_id = order_documents(app, [GOOD], kind="certification")
    with acting(app):
        db.session.execute(update(Task).where(Task.id == task_id).values(kind="nonsense"))
        db.session.commit()
    for _ in range(outbox.MOST_TRIES):
        assert task_of(app, task_id).state == outbox.QUEUED
        jobs.run_waiting(app)
    task, (document,) = task_of(app, task_id), documents_of(app, task_id)
    assert (task.state, document.state, document.error) == (outbox.FAILED, REFUSED, task.error)
    assert len(task.error["values"]["reference"]) == 8
    assert jobs.run_waiting(app) == 0


@pytest.mark.parametrize(("kills", "state"), [(2 * outbox.MOST_TRIES, outbox.DONE), (outbox.MOST_CLAIMS, outbox.FAILED)])
def test_work_that_kills_its_workers_is_given_up_but_not_for_a_few_kills_from_outside(app, kills, state):
    task_id = order_documents(app, [GOOD])
    for _ in range(kills):
        with app.app_context(), scope.everything("test"):
            jobs._claim(task_id)
        forget_lease(app, task_id)
    jobs.run_waiting(app)
    assert task_of(app, task_id).state == state


HARMS = {
    "eats memory": lambda: bytearray(2 * bell.MEMORY),
    "hangs": threading.Event().wait,
    "kills its process": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_paper_that_cannot_be_drawn_is_given_up_and_the_others_go_on(app, monkeypatch, harm):
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(outbox, "MOST_TRIES", 3)
    if harm == "hangs":
        monkeypatch.setattr(heartbeat, "STUCK", 5)
    draw, tries = notices.draw_many, app.config["PORTAL"].data_dir / "tries"

    def harmful(kind, facts, **options):
        if BAD in facts:
            with tries.open("a") as file:
                file.write("!")
            HARMS[harm]()
        return draw(kind, facts, **options)
    monkeypatch.setattr(notices, "draw_many", harmful)
    draw("certification", [GOOD])  # what each process would make for itself, they have from here
    task_id, other = order(app, [BAD, GOOD, GOOD]), order(app, [GOOD])

    def ends():
        jobs.sweep(app)
        work_off(app, bell.Ringer)
        return task_of(app, task_id).state == outbox.DONE
    until(ends, 120)

    assert [d.state for d in documents_of(app, task_id)] == [REFUSED, DRAWN, DRAWN]
    assert documents_of(app, task_id)[0].error["id"] == jobs.FAILED
    assert tries.read_text() == "!" * outbox.MOST_TRIES
    assert task_of(app, other).state == outbox.DONE


def test_a_drawing_may_take_its_memory_beyond_what_it_was_forked_with(app, monkeypatch):
    monkeypatch.setattr(bell, "MEMORY", 300 << 20)
    large = bytearray(400 << 20)  # what this process had taken before
    task_id = order(app, [GOOD])
    work_off(app, bell.Ringer)
    assert task_of(app, task_id).state == outbox.DONE
    assert len(large) == 400 << 20


def test_a_process_that_fails_before_its_work_does_not_come_back_as_a_second_worker(app, monkeypatch, tmp_path):
    def failing(pid):
        raise OSError("no such call")
    monkeypatch.setattr(bell, "die_with", failing)
    order(app, [GOOD])
    here = os.getpid()
    work_off(app, bell.Ringer)
    if os.getpid() != here:
        (tmp_path / "second").touch()
        os._exit(0)
    assert not (tmp_path / "second").exists()


def test_where_paper_after_paper_fails_the_rest_is_not_tried(app, monkeypatch):
    monkeypatch.setattr(notices, "draw_many", lambda *given, **options: {}["a bug"])
    task_id = order_documents(app, [GOOD] * 30)
    until(lambda: not jobs.run_waiting(app), 60)
    assert (task_of(app, task_id).state, task_of(app, task_id).fence) == (outbox.FAILED, 5 + drawing.MOST_GIVEN_UP)
    assert {d.state for d in documents_of(app, task_id)} == {REFUSED}


def test_a_task_without_redis_is_done_in_process(tmp_path):
    app = office(tmp_path)
    task_id = order_documents(app, [GOOD])
    assert jobs.run_waiting(app) == 1
    assert task_of(app, task_id).state == outbox.DONE


def test_the_allowed_kinds_cannot_be_added_to():
    with pytest.raises(TypeError):
        jobs.ALLOWED["more"] = print
    assert COUNTY not in jobs.ALLOWED
