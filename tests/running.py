"""Real things to run tests on: an application with a migrated database, an embedded Redis, cases, ordered documents."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from urllib.request import urlopen

from flask import Flask
from sqlalchemy import select
from stages import beside, the_stage

from models import area, audit, outbox, schema, scope
from models.base import db
from models.campaign import campaign_of_2021
from models.case import Case, Person
from models.document import DRAWN, Document, next_number
from models.months import Month
from portal import bell, create_app, embedded
from portal.lifeline import die_with
from portal.settings import SHANGHAI, Settings

COUNTY, TOWNSHIP, VILLAGE = "141122", "141122100", "141122100201"
NOW = datetime(2021, 9, 20, 9, 0, tzinfo=SHANGHAI)  # a Monday


@cache
def template() -> str:
    """The name of a migrated database with one township, a handed-out campaign and one case; copied for each test."""
    app = create_app(Settings(data_dir=Path(mkdtemp()), database_url=the_stage().url("office"), now=NOW))
    with app.app_context(), scope.everything("test"), audit.acting_as("test", "command", lambda: NOW):
        schema.upgrade(db.engine)
        fill()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()  # the last connection to close writes the WAL back
    return "office"


def fill() -> None:
    """One township with a village, the campaign handed out, one case."""
    area.load([(TOWNSHIP, "天宁镇"), (VILLAGE, "磁窑村委会")], COUNTY)
    campaign = campaign_of_2021(COUNTY, "交城县")
    campaign.handed_out_at = datetime(2021, 8, 20, 9, tzinfo=SHANGHAI)
    person = Person(id_number="142322195003121233", id_tail="1233", name="张建国", name_key="zhang1 jian4 guo2",
                    sex="男", born=date(1950, 3, 12))
    db.session.add_all([campaign, person])
    db.session.flush()
    db.session.add(Case(campaign=campaign, person=person, area_code=VILLAGE, paused_from=Month(2020, 1),
                        listed_at=datetime(2021, 8, 10, tzinfo=SHANGHAI), stock_township=TOWNSHIP))


def settings(data_dir: Path, **changes: object) -> Settings:
    return replace(Settings(data_dir=data_dir, database_url=beside(data_dir), now=NOW), **changes)


def office(data_dir: Path, **changes: object) -> Flask:
    """An application on its own copy of the template database."""
    the_stage().put(template(), data_dir)
    return create_app(settings(data_dir, **changes))


@contextmanager
def acting(app: Flask, name: str = "county_clerk") -> Iterator[None]:
    """As a request of a county clerk would be."""
    with app.app_context(), scope.seeing(COUNTY), audit.acting_as(name, "screen", lambda: NOW):
        yield


def order_documents(app: Flask, facts: list[dict], kind: str = "certification") -> int:
    """Order a task with a document for each of *facts*, as a screen does; its id."""
    with acting(app):
        case = db.session.scalar(select(Case))
        task = outbox.order("documents", VILLAGE, "county_clerk", total=len(facts))
        db.session.flush()
        db.session.add_all(Document(
            case_id=case.id, area_code=VILLAGE, task_id=task.id, kind=kind, facts=own, file_name=f"{n}.pdf",
            ordered_by="county_clerk", ordered_at=NOW) for n, own in enumerate(facts))
        db.session.commit()
        return task.id


def order_numbered(app: Flask, papers: int) -> int:
    """Order papers with numbers and their task, in one transaction; the id of the task."""
    from exports import notices
    with acting(app):
        case = db.session.scalar(select(Case))
        task = outbox.order("documents", VILLAGE, "county_clerk", total=papers)
        db.session.flush()
        for n in range(papers):
            number = next_number("交人社函", 2021)
            facts = notices.example("certification") | {"number": number, "due_by": f"2021-10-{n + 1:02}"}
            db.session.add(Document(
                case_id=case.id, area_code=VILLAGE, task_id=task.id, kind="certification", number=number, facts=facts,
                file_name=f"{n}.pdf", ordered_by="county_clerk", ordered_at=NOW))
        db.session.commit()
        return task.id


def check_papers(app: Flask, orders: int, papers: int) -> None:
    """Of so many orders every paper is drawn and filed once, with a number of its own and none left out; the trail is whole."""
    store = app.extensions["store"]
    with acting(app):
        rows = db.session.scalars(select(Document).order_by(Document.id)).all()
        tasks = db.session.scalars(select(outbox.Task).where(outbox.Task.kind == "documents")).all()
        assert [(task.state, task.finished, task.total) for task in tasks] == [(outbox.DONE, papers, papers)] * orders
        assert [row.number for row in rows] == [f"交人社函〔2021〕{n + 1}号" for n in range(orders * papers)]
        assert {row.state for row in rows} <= {DRAWN}
        for row in rows:
            assert hashlib.sha256(store.get(row.sha256)).hexdigest() == row.sha256
        entries = db.session.scalars(select(audit.AuditEntry).where(
            audit.AuditEntry.origin == "job", audit.AuditEntry.act == "documents")).all()
        filed = [row["row_id"] for entry in entries for row in entry.changed]
        assert sorted(filed) == [row.id for row in rows]
        audit.verify()


def task_of(app: Flask, task_id: int) -> outbox.Task:
    with acting(app):
        task = db.session.get(outbox.Task, task_id)
        db.session.expunge_all()
        return task


def documents_of(app: Flask, task_id: int) -> list[Document]:
    with acting(app):
        rows = db.session.scalars(select(Document).where(Document.task_id == task_id).order_by(Document.id)).all()
        db.session.expunge_all()
        return rows


def work_off(app: Flask, kind: type = bell.PlainRinger) -> None:
    """Let a real worker do all that lies in the queue."""
    import redis
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with app.app_context():
        settings = app.config["PORTAL"]
        bell.worker(settings, redis.Redis.from_url(settings.redis_url), kind).work(burst=True, logging_level="WARNING")
    for number, handler in before.items():
        signal.signal(number, handler)


@dataclass
class Server:
    """An embedded Redis of a test, which can be killed and started again."""

    data_dir: Path
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return embedded.url(self.data_dir)

    def start(self) -> Server:
        import redis
        parent = os.getpid()
        self.process = subprocess.Popen(embedded.command(self.data_dir), preexec_fn=lambda: die_with(parent))

        def answers() -> bool:
            try:
                return redis.Redis.from_url(self.url).ping()
            except redis.RedisError:
                return False
        until(answers, 10)
        return self

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def until(holds: Callable[[], object], seconds: float = 15) -> object:
    """Wait until something holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} seconds")


def looked_after(address: str) -> bool:
    """Whether the portal there has made the day's backup and verified the trail."""
    with urlopen(f"{address}/healthz", timeout=20) as answer:
        told = json.load(answer)
    return (told["backup"], told["chain"]) == ("ok", "ok")


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie nobody has collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid: int) -> set[int]:
    """The processes started by *pid* and by those it started."""
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            for child in (thread / "children").read_text().split():
                found |= {int(child)} | descendants(int(child))
    return found
