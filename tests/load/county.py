"""The county of the load run: a hundred thousand cases, a million entries in an unbroken trail, fifty clerks.

Made once for each kind of database and kept, every run works on a copy. SQLite: a file under build/load. PostgreSQL:
a database of the server that PORTAL_TEST_DATABASE_URL names, by an account that may create some.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import conftest
import crowd
import factories
from factories import a_case, a_user, arranging, seeing_as
from flask import Flask
from sqlalchemy import create_engine, func, insert, literal, make_url, select, text, update

from models import handing, passwords, realtime, schema
from models.area import Township
from models.base import db
from models.campaign import Handout, the_campaign
from models.case import Benefit, Case, Person
from models.chain import AuditEntry, append
from models.scope import everything
from models.user import Role, User

KEPT = Path(__file__).parents[2] / "build" / "load"
NOW = factories.moment("2021-11-02")  # both deadlines are over: every count has its longest condition
TOWNSHIPS = 8  # that are ranked
UNSEEN = 20    # of the cases that are multiplied, as many nobody has looked into yet
PROPOSED = ("uncertified", "uncertified", "no_card", "dual_household")
ACTS = (("step", "step_done"), ("attach", "certificate"), ("step", "step_done"), ("correct", "person"))


def clerks(count: int) -> dict[str, tuple[Role, int]]:
    """{user name: (post, number among those of the same post)}: two thirds sit in townships, the others in the county."""
    county = [Role.COUNTY_CLERK] * 3 + [Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER, Role.AUDITOR, Role.COUNTY_ADMIN]
    posts = [Role.TOWNSHIP if place % 3 else county[place // 3 % len(county)] for place in range(count)]
    return {f"load-{place}": (post, posts[:place].count(post)) for place, post in enumerate(posts)}


def alike(people: dict[str, tuple[Role, int]]) -> dict[str, tuple[str, int, int]]:
    """{user name: (post, number, of how many)} of those who see the same rows in the same post."""
    places = {name: (post, number % TOWNSHIPS if post == Role.TOWNSHIP else 0) for name, (post, number) in people.items()}
    groups: dict[tuple, list[str]] = {}
    for name, place in places.items():
        groups.setdefault(place, []).append(name)
    return {name: (str(place[0]), groups[place].index(name), len(groups[place])) for name, place in places.items()}


def populate(cases: int, entries: int, people: int) -> None:
    """Fill an empty, migrated database; its portal's context is pushed, and everything is in sight."""
    passwords.hasher = conftest.HASHER  # signing in costs what it costs
    conftest.furnish()
    factories.start_over()
    originals = crowd.prototypes()
    originals += [_unseen(village, number) for number, village in enumerate(islice(crowd.villages(), UNSEEN))]
    crowd.multiply(originals, cases - len(originals))
    _hire(people)
    _hand_on()
    with db.engine.begin() as connection:
        _add_benefits(connection)
        count = connection.scalar(select(func.count()).select_from(AuditEntry.__table__))
        for first in range(count, entries, 20_000):
            append(connection, list(_history(connection, first, min(20_000, entries - first))))
    crowd._settle_down()


def _unseen(village: str, number: int) -> int:
    case = a_case(village, at=crowd.LISTED)
    with arranging(crowd.LISTED):
        case.proposed, case.stock_township = PROPOSED[number % len(PROPOSED)], village[:9]
    return case.id


def _hire(people: int) -> None:
    with arranging("2021-09-08"):
        codes = list(db.session.scalars(select(Township.area_code).where(Township.ranked).order_by(Township.area_code)))
        for name, (post, number) in clerks(people).items():
            a_user(post, codes[number % TOWNSHIPS] if post == Role.TOWNSHIP else factories.COUNTY, username=name)


def _hand_on() -> None:
    """Every village its list, so that there are lists to fetch."""
    towns = db.session.scalars(select(User).where(User.username.like("township-%"))).all()
    there = set(db.session.scalars(select(Handout.area_code)))
    for town in towns:
        if town.area_code in there:
            with seeing_as(town, crowd.HANDED) as now:
                handing.hand_on(the_campaign(), town.area_code, town.username, now)
                db.session.commit()


def _add_benefits(connection) -> None:
    """Everybody the record that settling asks for: that of somebody who has one."""
    benefit, person = Benefit.__table__, Person.__table__
    one = connection.execute(select(benefit).limit(1)).mappings().one()
    kept = {name: value for name, value in one.items() if name not in ("id", "person_id")}
    without = select(person.c.id, *(literal(value, benefit.c[name].type) for name, value in kept.items())).where(
        ~select(benefit.c.id).where(benefit.c.person_id == person.c.id).exists())
    connection.execute(insert(benefit).from_select(["person_id", *kept], without))


def _history(connection, first: int, count: int) -> Iterator[dict]:
    """What had been done before: acts on one case after the other, with the rows they changed."""
    cases = connection.execute(select(Case.id, Case.area_code).order_by(Case.id)).all()
    start = factories.moment(crowd.HANDED)
    for serial in range(first, first + count):
        case, area = cases[serial % len(cases)]
        act, subject = ACTS[serial % len(ACTS)]
        values = {"step": [None, "certify"], "taken_on": [None, "2021-09-18"], "recorded_by": [None, f"township-{area[:9]}"],
                  "facts": [None, {"certified_on": "2021-09-18", "method": "at_home"}]}
        rows = [{"subject": subject, "row_id": serial, "change": "insert", "values": values},
                {"subject": "pension_case", "row_id": case, "change": "update", "values": {"next_step": ["certify", "resume"]}}]
        yield dict(at=start + timedelta(seconds=serial * 4), actor=f"township-{area[:9]}", origin="screen", act=act,
                   subject=subject, row_id=serial, case_id=case, area_code=area, changes={}, role="township",
                   address="10.0.0.7", session_id=None, result="done", why=None, rows=rows)


class Sqlite:
    """A file, and a copy of it for each run."""

    def __init__(self, name: str, folder: Path):
        self.kept, self.copy = KEPT / f"{name}.sqlite", folder / "portal.sqlite"
        self.url = f"sqlite:///{self.copy}"

    def there(self) -> bool:
        return self.kept.exists()

    def open(self) -> str:
        """Where the county is to be made."""
        KEPT.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{self.kept}.part"

    def keep(self) -> None:
        os.rename(f"{self.kept}.part", self.kept)

    def take(self) -> None:
        shutil.copyfile(self.kept, self.copy)
        self.copy.chmod(0o600)  # the portal refuses one that others may read

    def drop(self) -> None:
        pass  # it lies in the run's own folder


class Postgres:
    """A database of the server, and another made from it for each run."""

    def __init__(self, name: str, folder: Path):
        self.server = make_url(os.environ["PORTAL_TEST_DATABASE_URL"])
        self.kept, self.part, self.copy = (f"load_{name}".replace("-", "_"), "load_part", f"load_run_{os.getpid()}")
        self.url = self._url(self.copy)

    def _url(self, database: str) -> str:
        return self.server.set(database=database).render_as_string(hide_password=False)

    def _run(self, *statements: str) -> list:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            found = [connection.execute(text(statement)) for statement in statements]
            rows = found[-1].all() if found[-1].returns_rows else []
        engine.dispose()
        return rows

    def there(self) -> bool:
        return bool(self._run(f"SELECT 1 FROM pg_database WHERE datname = '{self.kept}'"))

    def open(self) -> str:
        self._run(f"DROP DATABASE IF EXISTS {self.part} WITH (FORCE)", f"CREATE DATABASE {self.part}")
        return self._url(self.part)

    def keep(self) -> None:
        self._run(f"ALTER DATABASE {self.part} RENAME TO {self.kept}")

    def take(self) -> None:
        self._run(f"CREATE DATABASE {self.copy} TEMPLATE {self.kept}")

    def drop(self) -> None:
        self._run(f"DROP DATABASE IF EXISTS {self.copy} WITH (FORCE)")


KINDS = {"sqlite": Sqlite, "postgresql": Postgres}


def a_copy(kind: str, folder: Path, cases: int, entries: int, people: int) -> Sqlite | Postgres:
    """A database of its own for one run, at the newest schema, whose people may sign in today."""
    place = KINDS[kind](f"{cases}-{entries}-{people}", folder)
    if not place.there():
        with _app(place.open()).app_context(), everything("load"):
            schema.upgrade(db.engine)
            populate(cases, entries, people)
            db.session.remove()
            db.engine.dispose()
        place.keep()
    place.take()
    with _app(place.url).app_context(), everything("load"):
        schema.upgrade(db.engine)
        schema.measure(db.engine)
        with db.engine.begin() as connection:
            connection.execute(update(User.__table__).values(password_set_at=realtime.now()))
        db.engine.dispose()
    return place


def told(url: str) -> dict[str, int]:
    """How often the trail tells of each act that the clerks of the load run did."""
    with _app(url).app_context(), everything("load"):
        found = db.session.execute(select(AuditEntry.act, func.count()).where(
            AuditEntry.actor.startswith("load-"), AuditEntry.result == "done").group_by(AuditEntry.act)).all()
        db.session.remove()
        db.engine.dispose()
    return dict(map(tuple, found))


def _app(url: str) -> Flask:
    schema.metadata()
    return conftest._flask(url)
