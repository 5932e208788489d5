"""A soak: the worker is killed again and again at random moments, and each document is drawn exactly once.

`make soak` runs it; PORTAL_SOAK_KILLS says how often (20).
"""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent.parent))
from running import Server, acting, alive, descendants, documents_of, office, order_documents, task_of, until
from test_jobs import work_off

from exports import notices
from models import audit, outbox
from models.base import db
from models.document import DRAWN
from portal import bell, drawing, jobs

KILLS = int(os.environ.get("PORTAL_SOAK_KILLS", "20"))


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    yield server
    server.kill()


def start_worker(app):
    worker = os.fork()
    if not worker:
        work_off(app, bell.Ringer)
        os._exit(0)
    return worker


def kill(worker):
    horses = descendants(worker)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    until(lambda: not any(map(alive, horses)))


def test_killed_workers_lose_nothing_and_repeat_nothing(tmp_path, server, monkeypatch):
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(drawing, "BATCH", 5)
    app = office(tmp_path, redis_url=server.url)
    drawing.warm_up()
    tasks = [order_documents(app, [notices.example("certification")] * 25) for _ in range(max(4, KILLS // 2))]
    seed = random.randrange(10 ** 6)
    chance = random.Random(seed)
    print(f"\nseed {seed}", end=" ")

    for _ in range(KILLS):
        jobs.sweep(app)
        worker = start_worker(app)
        time.sleep(chance.uniform(0.05, 1.5))
        kill(worker)
        if chance.random() < 0.3:
            server.kill()
            server.start()
    while not all(task_of(app, task_id).state == outbox.DONE for task_id in tasks):
        time.sleep(0.2)
        jobs.sweep(app)
        work_off(app)

    documents = [document for task_id in tasks for document in documents_of(app, task_id)]
    assert {document.state for document in documents} == {DRAWN}
    with acting(app):
        entries = db.session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.origin == "job")).all()
        drawn = [row["row_id"] for entry in entries for row in entry.changed]
        assert len(drawn) == len(set(drawn)) == len(documents)
        audit.verify()
    print(f"{KILLS} kills, {len(documents)} documents, each drawn once", end=" ")
