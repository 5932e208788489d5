"""Lists brought in and bulk work, killed at many points: all of it is there or nothing, and started again nothing is twice.

A child does the work as the edge does it, and is killed with SIGKILL before or after its n-th statement, or right
before or after a COMMIT. PORTAL_KILL_POINTS says at how many points (24).
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import tally
from clerking import CERTIFY
from conftest import make_template
from factories import COUNTY, NOW, TIANNING, a_case, arranging, walk
from openpyxl import load_workbook
from peopled import office
from screening import Clock, Desk, hidden
from sqlalchemy import event, select, text

from exports import workbook
from exports.intake import bring_in
from models import audit, roster
from models.base import db
from models.campaign import the_campaign
from models.case import Case, Person
from models.imports import ImportResult, ImportRun, each_row
from models.ledger import Settlement
from models.scope import everything, seeing

SAMPLES = Path(__file__).parent / "samples"
POINTS = int(os.environ.get("PORTAL_KILL_POINTS", "24"))
SOME = int(os.environ.get("PORTAL_KILL_PEOPLE", "5"))  # in each of the works
LISTED = {"roster": "roster_province.xlsx", "benefits": "benefits.xlsx"}
RUNS = ("import_run", "audit_entry", "audit_head")
IMPOSTOR = {"alive": "yes", "impostor_from": "2019-10", "impostor_to": "2019-12"}
# What is no part of the work: when it was ordered by the real clock. (Nor are its one-time key and the session.)
APART = {"task": {"created_at"}}
# What differs where the numbers of a killed run are not given again, as on PostgreSQL, and where the rows of one commit are
# told of in another order.
NUMBERED = re.compile(r"id|\w+_id|hash|previous|seal|rows|changes")


@dataclass(frozen=True)
class Work:
    """Something that is done at once or not at all. *told*: the tables that tell of it also when it does nothing new."""

    do: Callable[[], None]
    told: tuple[str, ...] = ()


@cache
def rows_of(kind: str, start: int) -> bytes:
    """Some rows of a sample list, as a list of their own."""
    sheet = list(load_workbook(SAMPLES / LISTED[kind], read_only=True).active.iter_rows(values_only=True))
    out = io.StringIO()
    csv.writer(out).writerows([sheet[0], *sheet[1 + start:1 + start + SOME]])
    return out.getvalue().encode()


def import_list(kind: str, start: int) -> None:
    with seeing(COUNTY), audit.acting_as("county_clerk", "command", lambda: NOW):
        bring_in(kind, rows_of(kind, start), f"{kind}.csv", the_campaign(), "county_clerk", NOW)
        db.session.commit()


def fill() -> None:
    with everything("test"):
        import_list("roster", 0)
        for n in range(SOME):
            a_case(f"{TIANNING}001", category="uncertified", name=f"甲{n}")
            walk(a_case(f"{TIANNING}001", category="uncertified", name=f"乙{n}"), "settle")
            walk(a_case(f"{TIANNING}001", category="impostor", name=f"丙{n}"), "approve", **IMPOSTOR)
        with arranging():
            the_campaign().bank_account = "某银行 0000"


class Place:
    """The portal with all works ready to be sent, on a database that is put back before each of them."""

    def __init__(self, stage, folder: Path):
        make_template(stage, "killable", fill)
        stage.copy("killable", "killed")
        self.stage, self.app = stage, office(stage.url("killed"), folder)
        self.app.extensions["real_now"] = Clock()
        self.works = self._works()
        self.let_go()
        stage.copy("killed", "ready")
        for work in self.works.values():  # what is compiled and read once is so in every child
            work.do()
        self.let_go()

    def _works(self) -> dict[str, Work]:
        clerk, reviewer = Desk(self.app, "county_clerk"), Desk(self.app, "county_reviewer")
        with self.looking():
            ids = lambda start: [case.id for case in db.session.scalars(
                select(Case).join(Person).where(Person.name.startswith(start)).order_by(Case.id))]
            certify, settled, owed = ids("甲"), ids("乙"), ids("丙")
            rows = [f"{row.id}:{row.version}" for row in db.session.scalars(
                select(Settlement).where(Settlement.case_id.in_(settled)))]
        reviewer.get("/admin/settlement/")
        return {
            "roster": Work(lambda: self._inside(lambda: import_list("roster", SOME)), RUNS),
            "benefits": Work(lambda: self._inside(lambda: import_list("benefits", 0)), RUNS),
            "bulk": self._sent(clerk, "/admin/case/bulk", self._batch(clerk, "step-certify", certify, CERTIFY)),
            "papers": self._sent(clerk, "/admin/case/bulk", self._batch(clerk, "paper-recovery", owed, {})),
            "signing": self._sent(reviewer, "/admin/settlement/sign", {"deed": "review", "stage": "apply", "row": rows}),
            "handing out": self._sent(clerk, "/admin/handing/out", {}),
        }

    def _batch(self, desk: Desk, deed: str, ids: list[int], form: dict) -> dict:
        form = form | {"deed": deed, "ids": ",".join(map(str, ids))}
        return form | {"ids": hidden(desk.post("/admin/case/bulk", form | {"stage": "check"}).text, "ids"), "stage": "apply"}

    def _sent(self, desk: Desk, url: str, form: dict) -> Work:
        form = desk.tokens() | form  # the very same form each time

        def send() -> None:
            answer = desk.client.post(url, data=form)
            assert answer.status_code in (200, 302), answer.text
        return Work(send)

    def _inside(self, do: Callable[[], None]) -> None:
        with self.app.app_context():
            do()

    @contextmanager
    def looking(self):
        with self.app.app_context(), everything("test"):
            yield
            db.session.remove()

    def let_go(self) -> None:
        with self.app.app_context():
            db.engine.dispose()

    def put_back(self) -> None:
        self.stage.copy("ready", "killed")

    def run(self, work: Work, at: int = 0) -> list[str] | None:
        """Do it in a child that is killed at its mark *at*. The marks it passed, if it lived to tell."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            self._child(work, at, write)
        os.close(write)
        with os.fdopen(read) as told:
            marks = told.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == (-signal.SIGKILL if at else 0), (status, at)
        return json.loads(marks) if marks else None

    def _child(self, work: Work, at: int, write: int) -> None:
        try:
            with self.app.app_context():
                marks = Marks(db.engine, at)
            work.do()
            os.write(write, json.dumps(marks.met).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def state(self, before: dict[str, list] | None = None) -> dict[str, list]:
        """All that stands in the database, but for what is no part of the work: {table: [{column: value}]}.

        The trail holds, if it is not the very one from *before*.
        """
        with self.looking():
            found = {table.name: [{name: value for name, value in row.items() if name not in APART.get(table.name, ())}
                                  for row in db.session.connection().execute(text(f"SELECT * FROM {table.name}")).mappings()]
                     for table in db.Model.metadata.sorted_tables if table.name not in ("form_key", "sign_in")}
            if found != before:
                audit.verify()
        self.let_go()
        return found


def bare(state: dict[str, list], leaving_out: tuple[str, ...] = ()) -> dict[str, list]:
    """What would be the same under other numbers and in another order."""
    return {name: sorted(repr({key: value for key, value in row.items() if not NUMBERED.fullmatch(key)}) for row in rows)
            for name, rows in state.items() if name not in leaving_out}


class Marks:
    """The places where a piece of work may be killed, passed one after the other."""

    def __init__(self, engine, at: int):
        self.met, self.at, commit = [], at, engine.dialect.do_commit
        for when in ("before", "after"):
            event.listen(engine, f"{when}_cursor_execute",
                         lambda _connection, _cursor, statement, *_, when=when: self.mark(f"{when} {statement[:6]}"))

        def do_commit(connection) -> None:
            self.mark("before commit")
            commit(connection)
            self.mark("after commit")
        engine.dialect.do_commit = do_commit

    def mark(self, name: str) -> None:
        self.met.append(name)
        if len(self.met) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def points(marks: list[str], chance: random.Random, many: int) -> list[int]:
    """The first, the last, those around each commit, and random ones between."""
    chosen = {1, len(marks), *(n for n, name in enumerate(marks, 1) if name.endswith("commit"))}
    others = [n for n in range(1, len(marks) + 1) if n not in chosen]
    return sorted(chosen | set(chance.sample(others, min(len(others), max(0, many - len(chosen))))))


@pytest.fixture(scope="module")
def place(stage, tmp_path_factory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "read", cache(workbook.read))  # which no database hears of: once for all points
        yield Place(stage, tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def chance() -> random.Random:
    seed = int(os.environ.get("PORTAL_SEED") or random.randrange(10 ** 6))
    print(f"\nPORTAL_SEED={seed}")
    return random.Random(seed)


def halves(place: Place, work: Work, chance: random.Random, many: int = POINTS) -> tuple[int, list[int]]:
    """How often it was killed, and after which of these points neither nothing nor all was there."""
    place.put_back()
    before = place.state()
    marks = place.run(work)
    after = place.state()
    assert bare(before) != bare(after)
    between, seen, where = [], set(), points(marks, chance, many)
    for at in where:
        place.put_back()
        place.run(work, at)
        found = place.state(before)
        done = found != before
        if done and bare(found) != bare(after):
            between.append(at)
        elif done not in seen or marks[at - 1].endswith("commit"):
            seen.add(done)
            assert place.run(work)  # started again
            told = work.told if done else ()
            assert bare(place.state(), told) == bare(after, told), (at, marks[at - 1])
    assert between or seen == {False, True}
    return len(where), between


@pytest.mark.parametrize("name", ["roster", "benefits", "bulk", "papers", "signing", "handing out"])
def test_killed_work_is_there_whole_or_not_at_all(place, chance, name):
    killed, between = halves(place, place.works[name], chance)
    assert killed >= 20
    assert between == []
    tally.tell(f"killed: {name} at {killed} points, {len(between)} halves")


@pytest.mark.parametrize("name", LISTED)
def test_a_list_brought_in_twice_brings_nothing_new(place, name):
    place.put_back()
    for _ in range(2):
        place.run(place.works[name])
    with place.looking():
        first, second = db.session.scalars(select(ImportRun.counts).where(ImportRun.kind == name).order_by(ImportRun.id.desc())
                                           .limit(2)).all()[::-1]
    place.let_go()
    assert first["unchanged"] == second["new"] == second["updated"] == 0
    assert first["new"] + first["updated"] == second["unchanged"] == SOME


def test_a_list_that_is_committed_row_by_row_is_found_half_there(place, chance, monkeypatch):
    """The control: with a commit behind each row, kills leave halves."""
    def by_row(readings, load) -> ImportResult:
        outcomes = []
        for reading in readings:
            outcomes += each_row([reading], load).outcomes
            db.session.commit()
        return ImportResult(outcomes)
    monkeypatch.setattr(roster, "each_row", by_row)
    assert halves(place, place.works["roster"], chance, 3)[1] != []
