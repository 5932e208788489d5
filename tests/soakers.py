"""Who writes while the portal is being killed: clerks at its screens, and processes that write by the models' verbs.

Each write has a mark of its own, a name that nobody had before, and is noted only once it is acknowledged: by the answer
to the form, or by a commit that returned. Run as a program this is the parent of the processes, which starts anew those
that are killed.
"""

from __future__ import annotations

import http.client
import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).parent / "load"))
from desk import Answer, Desk, Wrong
from running import acting, order_numbered
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from models import scope
from models.base import db
from models.case import Case
from models.outbox import DONE, FAILED, Task
from models.roster import correct
from portal import create_app
from portal.drawing import reading
from portal.lifeline import die_with
from portal.settings import Settings

CLERKS = 10      # at screens
WRITERS = 3      # processes; the first two order papers as well
CASES = 60       # of each process, which corrects one or more of them at a time; each clerk has one
PAPERS = 3       # of each order
MOST_OPEN = 6    # tasks before those who order wait for those who draw
BREATHS = (1, 3)  # as long as a transaction took is waited before the next: SQLite has no queue for those who write
AGAIN = 0.05     # seconds until a request that was not answered is sent again


class Over(Exception):
    """The soak has ended."""


class Line:
    """The wire of one clerk: what is not answered, or by a fault, is sent again, the very same, until it is answered."""

    def __init__(self, port: int, over: Event):
        self.port, self.over, self.cookies, self.counted = port, over, {}, Counter()

    def __call__(self, method: str, path: str, name: str, judge: Callable[[Answer], None], body: bytes | None = None,
                 kind: str = "") -> Answer:
        while not self.over.is_set():
            try:
                answer = self._once(method, path, body, kind)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status < 500:
                judge(answer)
                return answer
            self.counted["without an answer" if answer is None else "answered 500 or above"] += 1
            time.sleep(AGAIN)
        raise Over

    def _once(self, method: str, path: str, body: bytes | None, kind: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
            connection.request(method, path, body, headers | ({"Content-Type": kind} if kind else {}))
            got = connection.getresponse()
            content = got.read()
            for cookie in got.headers.get_all("Set-Cookie", []):
                key, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[key] = value
            return Answer(got.status, got.getheader("Location", ""), content)
        finally:
            connection.close()


class Clerk(Thread):
    """Somebody at a screen who corrects one person's name again and again."""

    def __init__(self, username: str, case_id: int, port: int, over: Event):
        super().__init__(name=username, daemon=True)
        self.line, self.path, self.acknowledged = Line(port, over), f"/admin/case/{case_id}/correct", []
        self.desk = Desk(self.line, username)

    def run(self) -> None:
        try:
            for number in count():
                try:
                    self._correct(f"王{self.name}之{number}")
                except Wrong:
                    self.line.counted["not as they should be"] += 1
        except Over:
            return

    def _correct(self, mark: str) -> None:
        answer = self.line("GET", self.path, "form", lambda answer: None)
        if answer.status == 302:
            self.desk.sign_in()
            return
        from desk import Page
        form = Page(self.path, answer.content.decode()).form(has='name="area_code"')
        body, kind = form.fill(name=mark).sent()
        answer = self.line("POST", form.action, "correct", lambda answer: None, body, kind)
        if answer.status == 302 and "/login" not in answer.location:
            self.acknowledged.append(mark)
        else:
            self.line.counted[f"answered {answer.status}"] += 1


def write(app, ids: list[int], acks: Path, orders: bool) -> None:
    """Correct names of one's own cases, several in one transaction, until one is killed; and order papers now and then."""
    me, dice = secrets.token_hex(4), random.Random()
    with (acks / me).open("ab", buffering=0) as noted:
        for number in count():
            if orders and number % 20 == 0 and _open_tasks(app) < MOST_OPEN:
                noted.write(f"task {order_numbered(app, PAPERS)}\n".encode())
            chosen = dice.sample(ids, dice.randrange(1, CASES))
            marks, began = [f"王{me}之{number}之{n}/{len(chosen)}" for n in range(len(chosen))], time.monotonic()
            with acting(app):
                cases = db.session.scalars(select(Case).where(Case.id.in_(chosen)).options(joinedload(Case.person))).all()
                for case, mark in zip(cases, marks, strict=True):
                    correct(case, name=mark)
                db.session.commit()
            noted.write("".join(f"{mark}\n" for mark in marks).encode())
            time.sleep((time.monotonic() - began) * dice.uniform(*BREATHS))


def _open_tasks(app) -> int:
    with app.app_context(), scope.everything("soak"), reading():
        return db.session.scalar(select(func.count()).select_from(Task).where(Task.state.not_in((DONE, FAILED))))


def main(acks: Path) -> None:
    """Start the processes, and each anew that ends."""
    die_with(int(sys.argv[2]))
    app, parent, slots = create_app(Settings.from_env()), os.getpid(), {}
    with app.app_context(), scope.everything("soak"):
        ids = list(db.session.scalars(select(Case.id).order_by(Case.id)))[1 + CLERKS:]
        db.session.remove()
        db.engine.dispose()
    while True:
        for slot in set(range(WRITERS)) - set(slots.values()):
            child = os.fork()
            if not child:
                die_with(parent)
                write(app, ids[slot * CASES:(slot + 1) * CASES], acks, orders=slot < 2)
            slots[child] = slot
        slots.pop(os.wait()[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
