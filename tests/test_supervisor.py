"""The processes of the portal as one group, started for real: all up together, all gone together."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from running import alive, descendants, office, settings, until
from sqlalchemy import select
from stages import the_stage

from models import scope
from models.base import db
from models.document import DRAWN, Bulletin
from models.words import Refusal
from portal import doctor, embedded, logs, supervisor
from portal.processes import listen

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
from portal import logs, supervisor
from portal.settings import Settings
logs.set_up("supervisor")
supervisor.serve(Settings.from_env(), "127.0.0.1", 0)
"""


class Group:
    """A running supervisor with its children."""

    def __init__(self, data_dir):
        self.log = data_dir.parent / "log"
        own = settings(data_dir)
        variables = {"PORTAL_DATA_DIR": str(data_dir), "PORTAL_DATABASE_URL": own.database_url, "PORTAL_REDIS_URL": "",
                     "PORTAL_NOW": own.now.isoformat(), "PYTHONPATH": str(ROOT)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=os.environ | variables, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        self.address = until(self._announced, 30)

    def _announced(self):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://\S+", self.log.read_text())
        return found and found[0]

    def health(self):
        try:
            with urllib.request.urlopen(self.address + "healthz", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def named(self, word):
        """The processes of the group whose command line has *word*."""
        return {pid for pid in descendants(self.process.pid) if word in _command(pid)}


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture
def data_dir(tmp_path):
    office(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def group(data_dir):
    group = Group(data_dir)
    yield group
    if group.process.poll() is None:
        group.process.kill()
    group.process.wait()


def test_all_start_work_and_end_together(group, data_dir):
    status, told = group.health()
    assert (status, told["database"], told["redis"], told["oldest_seconds"] < 60) == (200, "ok", "ok", True)
    children = set.union(*map(group.named, ("valkey", "worker", "schedule", "web")))
    assert len(children) >= 4
    assert {os.getpgid(pid) for pid in children if "processes" in _command(pid)} >= {os.getpgid(group.process.pid)}
    assert (data_dir / "redis").stat().st_mode & 0o777 == 0o700

    # The schedule finds the week's bulletin missing, rings, and the worker draws it.
    app = office_again(data_dir)
    until(lambda: bulletin_states(app) == [DRAWN], 20)

    with pytest.raises(Refusal, match="already runs"):
        supervisor.serve(settings(data_dir), "127.0.0.1", 0)

    (worker,) = group.named("worker")
    os.kill(worker, signal.SIGKILL)
    (server,) = group.named("valkey")
    os.kill(server, signal.SIGKILL)
    until(lambda: group.named("worker") - {worker} and group.named("valkey") - {server})
    until(lambda: group.health()[0] == 200)
    assert alive(group.process.pid)

    children = descendants(group.process.pid)
    began = time.monotonic()
    group.process.terminate()
    assert group.process.wait(30) == 0
    assert time.monotonic() - began < 15
    assert not any(map(alive, children)), group.log.read_text()


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
