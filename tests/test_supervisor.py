"""The processes of the portal as one group, started for real: all up together, all gone together."""

import os
import re
import signal
import socket

import pytest
from flask import Flask
from groups import Group, command_of
from running import alive, descendants, documents_of, office, order_documents, settings, task_of, until
from sqlalchemy import select
from stages import the_stage

from exports import notices
from models import outbox, scope
from models.base import db
from models.document import DRAWN, Bulletin
from models.words import Refusal
from portal import doctor, drawing, embedded, logs, server, supervisor
from portal.processes import listen


@pytest.fixture
def data_dir(tmp_path):
    office(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def group(data_dir):
    group = Group(data_dir, PORTAL_WEB_PROCESSES="2").begun()
    yield group
    group.end()


def test_all_start_work_and_end_together(group, data_dir):
    status, told = group.health()
    assert (status, told["database"], told["redis"], told["oldest_seconds"] < 60) == (200, "ok", "ok", True)
    children = set.union(*map(group.named, ("valkey", "worker", "schedule", "web")))
    assert len(children) >= 5
    until(lambda: len(group.named("web")) == 2, 60)
    assert {os.getpgid(pid) for pid in children if "processes" in command_of(pid)} >= {os.getpgid(group.process.pid)}
    assert (data_dir / "redis").stat().st_mode & 0o777 == 0o700

    # The schedule finds the week's bulletin missing, rings, and the worker draws it.
    app = office_again(data_dir)
    until(lambda: bulletin_states(app) == [DRAWN], 90)

    with pytest.raises(Refusal, match="already runs"):
        supervisor.serve(settings(data_dir), "127.0.0.1", 0)

    (worker,) = group.child("worker")
    os.kill(worker, signal.SIGKILL)
    (server,) = group.named("valkey")
    os.kill(server, signal.SIGKILL)
    until(lambda: group.named("worker") - {worker} and group.named("valkey") - {server}, 60)
    until(lambda: group.health()[0] == 200)
    assert alive(group.process.pid)

    half_sent = half_a_form(group)
    task_id = order_documents(app, [notices.example("certification")] * 30)
    until(lambda: task_of(app, task_id).finished, 30)
    children = descendants(group.process.pid)
    group.process.terminate()
    until(lambda: not group.named("schedule"))  # all have been told by now
    assert answer_to_the_rest(half_sent).startswith(b"HTTP/1.1 302 ")  # to the sign-in page
    assert group.process.wait(60) == 0
    assert not any(map(alive, children)), group.log.read_text()

    # What was in hand is laid down at a filed batch, and taken up again at the next start.
    task, papers = task_of(app, task_id), documents_of(app, task_id)
    assert (task.state, task.finished, sum(paper.state == DRAWN for paper in papers)) == (
        outbox.QUEUED, drawing.BATCH, drawing.BATCH)
    again = Group(data_dir).begun()
    try:
        until(lambda: task_of(app, task_id).state == outbox.DONE, 60)
        assert {paper.state for paper in documents_of(app, task_id)} == {DRAWN}
    finally:
        again.end()


def half_a_form(group):
    """A form on its way to the portal, half of which has been sent."""
    host, port = re.search(r"//([\d.]+):(\d+)/", group.address).groups()
    way = socket.create_connection((host, int(port)))
    way.sendall(b"POST /account/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nhalf=")
    return way


def answer_to_the_rest(way):
    with way:
        way.sendall(b"1&b=2")
        return way.recv(1000)


@pytest.mark.parametrize(("patience", "answered"), [(30, True), (0, False)])
def test_a_web_server_told_to_stop_answers_what_has_come(patience, answered):
    """The control has no patience, and drops what it has in hand."""
    told, tell = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if not child:
            server.PATIENCE = patience
            serving = server.built(Flask("echo"), listener)
            pull = serving.pull_trigger
            serving.pull_trigger = lambda: (os.write(tell, b"!"), pull())
            server.run(serving)
            os._exit(0)
        way = socket.create_connection(listener.getsockname())
        way.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert way.recv(1000).startswith(b"HTTP/1.1 404 ")
        way.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        os.kill(child, signal.SIGTERM)
        os.read(told, 1)
        if not answered:
            os.waitpid(child, 0)
        try:
            got = answer_to_the_rest(way)
        except OSError:
            got = b""
        assert bool(got) == answered
        if answered:
            assert os.waitpid(child, 0)[1] == 0


def office_again(data_dir):
    from portal import create_app
    return create_app(settings(data_dir))


def bulletin_states(app):
    with app.app_context(), scope.everything("test"):
        return list(db.session.scalars(select(Bulletin.state)))


def test_kill_9_of_the_supervisor_ends_all(group):
    children = descendants(group.process.pid)
    assert len(children) >= 4
    os.kill(group.process.pid, signal.SIGKILL)
    group.process.wait()
    until(lambda: not any(map(alive, children)), 5)


def test_a_taken_port_is_one_sentence(data_dir):
    with listen("127.0.0.1", 0) as taken, pytest.raises(Refusal) as refusal:
        supervisor.serve(settings(data_dir), "127.0.0.1", taken.getsockname()[1])
    assert "is taken by another program" in str(refusal.value)


def test_an_old_database_is_not_served(tmp_path):
    with pytest.raises(Refusal, match="portal init"):
        supervisor.serve(settings(tmp_path), "127.0.0.1", 0)


def test_health_names_what_fails(data_dir):
    client = office_again(data_dir).test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["database"], answer.json["redis"]) == (503, "ok", "failed")
    the_stage().lose(data_dir)
    assert office_again(data_dir).test_client().get("/healthz").json["database"] == "failed"


def test_a_deep_data_folder_gets_a_short_socket(tmp_path):
    deep = tmp_path / ("d" * 120)
    assert len(str(embedded.socket_path(deep))) < 100
    assert embedded.socket_path(deep) == embedded.socket_path(deep)
    assert "/tmp/portal-" in embedded.url(deep)


def test_the_doctor_names_the_line_for_each_lack(data_dir):
    findings = doctor.examine(settings(data_dir, redis_url="unix:///nowhere"))
    lacks = [str(message) for ok, message in findings if not ok]
    assert any("redis-server" in lack for lack in lacks)
    assert all("Install" in lack or "Run:" in lack for lack in lacks)
    assert doctor.at_head(settings(data_dir))
    assert not doctor.at_head(settings(data_dir.parent))


def test_logs_mask_numbers_of_people(capsys):
    import logging
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s of 14230219500312123X", ("6228480402564890018",), None)
    assert logs.Masking("%(message)s").format(record) == "••• of •••"
