"""The portal is killed at random, part by part and whole, while clerks and processes write; then all is counted."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Event

import redis
from factories import a_user
from groups import Group
from running import COUNTY, NOW, TOWNSHIP, VILLAGE, check_papers, descendants, office, settings, until
from soakers import CASES, CLERKS, PAPERS, WRITERS, Clerk
from sqlalchemy import select, text

from models import audit, scope
from models.audit import AuditEntry
from models.base import db
from models.campaign import the_campaign
from models.case import Case, Person
from models.document import Bulletin
from models.months import Month
from models.outbox import DONE, FAILED, Task
from models.user import Role
from portal import embedded
from portal.drawing import reading

WORDS = {"web": "\0web\0", "worker": "\0worker\0", "schedule": "\0schedule\0", "Redis": "valkey"}
KILLED = (*WORDS, "work horse", "writer", "supervisor")
OFTEN = (3, 3, 2, 3, 4, 4, 1)


def furnish(folder: Path):
    """An office with clerks, and with people enough that each who writes has their own."""
    app = office(folder)
    with app.app_context(), scope.everything("soak"), audit.acting_as("system", "command", lambda: NOW):
        for number in range(CLERKS):
            a_user(Role.COUNTY_CLERK, COUNTY, username=f"soak-{number}")
        for number in range(CLERKS + WRITERS * CASES):
            person = Person(id_number=f"142320195003{number:06}", id_tail=f"{number:04}", name="王秀英", name_key="wang",
                            sex="女", born=date(1950, 3, 12))
            db.session.add(Case(campaign=the_campaign(), person=person, area_code=VILLAGE, paused_from=Month(2020, 1),
                                listed_at=NOW, stock_township=TOWNSHIP))
        db.session.commit()
        db.engine.dispose()
    return app


@dataclass
class Soak:
    """One soak on its own folder, and what it has come to."""

    folder: Path
    kills: int
    writes: int
    pauses: tuple[float, float] = (0.2, 2.0)  # seconds between two kills
    seed: int = field(default_factory=lambda: random.randrange(10 ** 6))
    counted: Counter = field(default_factory=Counter)
    resumes: list[float] = field(default_factory=list)  # seconds, of each calm the longest

    def __post_init__(self):
        self.app, self.dice, self.over = furnish(self.folder / "data"), random.Random(self.seed), Event()
        self.acks = self.folder / "acknowledged"
        self.acks.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    # --- the world, and what befalls it ---

    def begin(self) -> None:
        self._serve()
        self.group.begun()
        with self.app.app_context(), scope.everything("soak"), reading():
            ids = list(db.session.scalars(select(Case.id).order_by(Case.id).offset(1).limit(CLERKS)))
        self.clerks = [Clerk(f"soak-{number}", id, self.port, self.over) for number, id in enumerate(ids)]
        for clerk in self.clerks:
            clerk.start()
        own = settings(self.folder / "data")
        variables = {"PORTAL_DATA_DIR": str(own.data_dir), "PORTAL_DATABASE_URL": own.database_url, "PORTAL_REDIS_URL": "",
                     "PORTAL_NOW": own.now.isoformat(), "PYTHONPATH": os.pathsep.join(sys.path)}
        with (self.folder / "writers.log").open("w") as log:
            self.writers = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "soakers.py"), str(self.acks), str(os.getpid())],
                env=os.environ | variables, stdout=log, stderr=log)

    def _serve(self) -> None:
        self.group = Group(self.folder / "data", self.port, PORTAL_SECOND_FACTOR="off", PORTAL_WEB_PROCESSES="2")

    def _found(self, kind: str) -> set[int]:
        if kind == "writer":
            return descendants(self.writers.pid)
        if kind == "supervisor":
            return {self.group.process.pid}
        if kind == "work horse":
            return self.group.named(WORDS["worker"]) - self.group.child(WORDS["worker"])
        return self.group.child(WORDS[kind])

    def kill(self, kind: str) -> bool:
        """Kill one of a kind, if there is one now."""
        found = sorted(self._found(kind))
        if found:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(found), signal.SIGKILL)
                self.counted[f"killed: {kind}"] += 1
        return bool(found)

    @property
    def killed(self) -> int:
        return sum(times for what, times in self.counted.items() if what.startswith("killed"))

    def flush(self) -> None:
        with suppress(redis.RedisError):
            redis.Redis.from_url(embedded.url(self.folder / "data"), socket_timeout=1).flushall()
            self.counted["Redis flushed"] += 1

    def stop_redis(self, seconds: float) -> None:
        """Redis is there and does not answer."""
        for pid in self._found("Redis"):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self.counted["Redis without an answer, seconds"] += round(seconds)

    def served(self) -> bool:
        """Whether a supervisor runs; as a service manager does, start it again, killed or having given up."""
        if self.group.process.poll() is None:
            return True
        self.counted["supervisor started again"] += 1
        self._serve()
        return False

    def trouble(self) -> None:
        """One kill, and now and then something else."""
        kind = self.dice.choices(KILLED, OFTEN)[0]
        chance = self.dice.random()
        if chance < 0.1:
            self.flush()
        elif chance < 0.13:
            self.stop_redis(self.dice.uniform(0.5, 3))
        self.kill(kind)
        time.sleep(self.dice.uniform(*self.pauses))
        self.served()

    # --- calm ---

    def whole(self) -> bool:
        with suppress(OSError, TypeError):
            return self.served() and self.group.health()[0] == 200 and all(map(self._found, WORDS))
        return False

    def tasks(self) -> dict[int, int]:
        """Open tasks and their fences."""
        with self.app.app_context(), scope.everything("soak"), reading():
            return dict(db.session.execute(select(Task.id, Task.fence).where(Task.state.not_in((DONE, FAILED)))).all())

    def calm(self) -> None:
        """Let all come back, and take how long it then is until every task that was open is in hand again, or done."""
        until(self.whole, 300)
        returned, before = time.monotonic(), self.tasks()
        until(lambda: not before.items() & self.tasks().items(), 300)
        self.resumes.append(time.monotonic() - returned)

    def written(self) -> list[str]:
        """The marks of all acknowledged writes."""
        lines = [line for file in self.acks.iterdir() for line in file.read_text().splitlines()]
        return [*(line for line in lines if not line.startswith("task")), *(m for c in self.clerks for m in c.acknowledged)]

    def forms(self) -> int:
        return sum(len(clerk.acknowledged) for clerk in self.clerks)

    def end(self, patience: float) -> None:
        """Nobody writes any more; the portal is told to stop."""
        self.over.set()
        for clerk in self.clerks:
            clerk.join(120)
        self.writers.kill()
        self.writers.wait()
        until(self.whole, 300)
        if patience:
            until(lambda: not self.tasks(), patience)
        self.group.process.terminate()
        assert self.group.process.wait(120) == 0

    def abandon(self) -> None:
        self.over.set()
        self.writers.kill()
        self.group.end()

    # --- the count ---

    def check(self) -> None:
        """No acknowledged write lost, none doubled, no half work, every paper once, the trail and the database whole."""
        marks = self.written()
        with self.app.app_context(), scope.everything("soak"), reading():
            told: Counter[str] = Counter()
            newest: dict[int, str] = {}
            for rows in db.session.scalars(select(AuditEntry.rows).where(AuditEntry.rows.is_not(None)).order_by(AuditEntry.id)):
                for row in rows:
                    if row["subject"] == "person" and row["change"] == "update" and "name" in row["values"]:
                        told[row["values"]["name"][1]] += 1
                        newest[row["row_id"]] = row["values"]["name"][1]
            names = dict(db.session.execute(select(Person.id, Person.name)).all())
            orders = len(db.session.scalars(select(Task.id).where(Task.kind == "documents")).all())
            bulletins = [b.as_of for b in db.session.scalars(select(Bulletin))]
            if db.engine.dialect.name == "sqlite":
                assert db.session.connection().execute(text("PRAGMA integrity_check")).scalar() == "ok"
        ordered = {line.split()[1] for file in self.acks.iterdir() for line in file.read_text().splitlines() if "task" in line}
        self.counted |= {
            "writes acknowledged": len(marks), "of these by a form": self.forms(),
            "lost": sum(told[mark] == 0 for mark in marks), "doubled": sum(times > 1 for times in told.values()),
            "half": sum(names[person] != mark for person, mark in newest.items()) + _halves(told),
            "papers ordered, drawn and numbered once": orders * PAPERS}
        for clerk in self.clerks:
            self.counted.update({f"forms {what}": times for what, times in clerk.line.counted.items()})
        assert len(marks) == len(set(marks))
        assert (self.counted["lost"], self.counted["doubled"], self.counted["half"]) == (0, 0, 0)
        assert len(ordered) <= orders
        assert len(bulletins) == len(set(bulletins)) == 1
        check_papers(self.app, orders, PAPERS)

    def report(self) -> list[str]:
        lines = [f"{what:<45}{times:>9,}" for what, times in self.counted.items()]
        calm = f"{'longest until a task was in hand again, s':<45}{max(self.resumes):>9.1f}" if self.resumes else ""
        return [f"seed {self.seed}, {self.killed} kills", *lines, *filter(None, [calm])]


def _halves(told: Iterable[str]) -> int:
    """How many transactions are there in part only: each of their marks says how many there are."""
    there = Counter(mark.rpartition("之")[0] + "/" + mark.partition("/")[2] for mark in told if "/" in mark)
    return sum(times != int(which.partition("/")[2]) for which, times in there.items())
