"""Faults of the machine where nobody may mount a disk: the same errors, made for real by a small database, one that takes no
writing, and a process that may open nothing. tests/test_broken_ground.py breaks the ground of a whole portal.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
from contextlib import ExitStack, contextmanager

import pytest
from brokenground import furnished, office_at
from screening import Desk
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from stages import PostgresStage, the_stage

from models import audit
from models.base import db
from models.case import StepDone
from models.schema import writing
from models.scope import everything
from portal import scratch
from portal.machine_faults import FULL, HANDLES, READ_ONLY, fault_of

NOTE = "入户见到本人 𠮷"
CATEGORIES = ("no_card", "deceased")


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A portal on SQLite; the tests of this file go on where the one before ended."""
    app = office_at(furnished(tmp_path_factory.mktemp("faults") / "data"))
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def without_room(app):
    """The database may grow by no page for as long as the block lasts."""
    def stay(connection) -> None:
        if writing.get():
            connection.exec_driver_sql("PRAGMA max_page_count=1")  # it takes as many as there are
    with app.app_context():
        engine = db.engine
    event.listen(engine, "begin", stay)
    try:
        yield
    finally:
        event.remove(engine, "begin", stay)
        engine.dispose()


def reclassify(desk: Desk, category: str):
    version = desk.get("/admin/case/details/?id=1").text.split('name="version" value="')[1].split('"')[0]
    return desk.post("/admin/case/1/reclassify", category=category, why=NOTE, version=version)


def steps(app) -> int:
    with app.app_context(), everything("test"):
        return db.session.query(StepDone).count()


def test_a_database_without_room_says_so_keeps_what_was_typed_and_goes_on(office):
    desk, before = Desk(office, "town"), steps(office)
    with without_room(office):
        answers = until_refused(desk)
        assert [answer.status_code for answer in answers] == [302] * (len(answers) - 1) + [507]
        assert "服务器磁盘已满" in answers[-1].text
        assert NOTE in answers[-1].text
    assert steps(office) == before + len(answers) - 1
    assert reclassify(desk, CATEGORIES[(len(answers) - 1) % 2]).status_code == 302  # what was refused
    with office.app_context(), everything("test"):
        assert db.session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
        audit.verify()


def until_refused(desk: Desk) -> list:
    """Forms that are sent until one is not taken: what pages there are hold a few."""
    answers = []
    while len(answers) < 200 and (not answers or answers[-1].status_code == 302):
        answers.append(reclassify(desk, CATEGORIES[len(answers) % 2]))
    return answers


def test_a_database_that_takes_no_writing_is_told_from_a_bug(tmp_path):
    sqlite3.connect(tmp_path / "x").execute("CREATE TABLE t (id INTEGER)").connection.close()
    engine = create_engine(f"sqlite:///file:{tmp_path / 'x'}?mode=ro&uri=true")
    with engine.connect() as connection, pytest.raises(DBAPIError) as met:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    assert fault_of(met.value) is READ_ONLY
    engine.dispose()


def test_a_file_that_finds_no_room():
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError) as met:
        file.write(b"x")
    assert fault_of(met.value) is FULL


@contextmanager
def without_handles():
    """This process may open nothing more for as long as the block lasts."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(highest - len(os.listdir("/proc/self/fd")) + 2)]  # the gaps
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(opened[-1], highest) + 1, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        for handle in opened:
            os.close(handle)


def test_a_process_that_may_open_nothing_more(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'y'}")
    with without_handles():
        with pytest.raises(OSError) as met:
            os.open(os.devnull, os.O_RDONLY)
        with pytest.raises(DBAPIError) as asked:
            engine.connect()
        found = fault_of(met.value), fault_of(asked.value)
    assert found == (HANDLES, HANDLES)


def test_what_it_could_not_take_away_goes_when_it_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = tmp_path / f"portal-scratch-{os.getppid()}-x"
    others.mkdir()
    with ExitStack() as broken, scratch.folder() as own:
        (own / "weasyprint-x").mkdir()
        broken.enter_context(without_handles())  # until the folder has been left
    assert own.exists()
    scratch.clear()
    assert list(tmp_path.iterdir()) == [others]


@pytest.mark.skipif(not isinstance(the_stage(), PostgresStage), reason="SQLite is a file: no server of it is started again")
def test_of_a_database_server_started_again_nobody_hears(portal):
    desk = Desk(portal, "county_clerk")
    assert desk.get("/admin/case/").status_code == 200  # by a connection that is kept
    with the_stage().admin.connect() as connection:
        ended = connection.scalars(text("SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE datname = :name"),
                                   {"name": make_url(portal.config["PORTAL"].database_url).database}).all()
    assert ended  # each was waited for, else it might still answer
    assert all(ended)
    assert desk.get("/admin/case/").status_code == 200
