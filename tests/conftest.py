"""What every test stands on: a migrated database copied per test, the county of the plan, and no network."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cluster
import factories
import logwatch
import pytest
import tally
import twice
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import Engine, create_engine, event, select
from stages import VARIABLE, PostgresStage, SqliteStage, the_stage

from models import area, passwords, schema
from models.audit import acting_as
from models.base import db
from models.campaign import Campaign, campaign_of_2021, the_campaign
from models.ledger import PublishedRate
from models.rates import shipped_rates
from models.scope import everything, seeing
from models.user import Role, User

# They take longest, so they are begun first: else one process works on them while the others have nothing left.
LONG = ("test_soak", "test_jobs", "test_matrix", "test_mutation", "test_fuzz", "test_killed_imports", "test_masking",
        "test_killed_steps", "test_supervisor", "test_trail_commands", "test_trail_coverage", "test_broken_ground",
        "test_paper_attacks", "test_commands", "test_rooms", "test_once", "test_readme", "test_backup", "test_drafts")

AREAS = Path(area.__file__).parent / "data" / "areas_141122.csv"
# One key for every portal of the tests: they open copies of databases that another has sealed.
KEY = os.environ["PORTAL_SECRET_KEY"] = "the key of the tests, which seals the trail"

# Thousands of people sign in here, each for a sixth of a second of hashing; test_passwords holds the real one to its cost.
HASHER = passwords.hasher
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
passwords._NOBODY = passwords.hasher.hash("nobody")


class Compiled(BytecodeCache):
    """Templates are compiled once for all portals of a run."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], object] = {}

    def load_bytecode(self, bucket) -> None:
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket) -> None:
        self.kept[bucket.key, bucket.checksum] = bucket.code


Flask.jinja_options = {"bytecode_cache": Compiled()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgresql", action="store_true", help="On a throw-away PostgreSQL (tests/cluster.py), not on SQLite.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--postgresql") and not hasattr(config, "workerinput"):  # the other processes use the same one
        server = cluster.running()
        os.environ[VARIABLE] = server.__enter__()
        config.add_cleanup(lambda: server.__exit__(None, None, None))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--postgresql"):
        items[:], out, line = twice.sifted(items)
        config.hook.pytest_deselected(items=out)
        if out and getattr(config, "workerinput", {"workerid": "gw0"})["workerid"] == "gw0":  # one says it for all
            tally.tell(line)
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))  # within a module as it was


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: many a test waits for another process."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # one of several processes
        session.config.workeroutput["tally"] = tally.gathered()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """What only the process that started the others hears."""
    tally.gather(getattr(node, "workeroutput", {}).get("tally", {"counted": {}, "told": []}))


def pytest_terminal_summary(terminalreporter) -> None:
    for line in tally.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """A test that leaves this machine fails; sockets of this machine are open."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        local = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost")
        assert local, f"a test tried to reach {address}"
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_number_in_a_log() -> Iterator[None]:
    """What the whole suite logs, before any mask, names nobody by an ID or card number."""
    watch = logwatch.Watch()
    logging.getLogger().addHandler(watch)
    yield
    met = watch.records
    logging.getLogger("portal").warning("the watch is still on")
    assert watch.records == met + 1, "something has taken the watch off"
    logging.getLogger().removeHandler(watch)
    assert watch.found == []


def tuned(engine: Engine) -> Engine:
    """As the portal tunes it; only the wait for the disk is left out."""
    schema.tune(engine, KEY)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@pytest.fixture(scope="session", autouse=True)
def _stage_is_cleared() -> Iterator[None]:
    yield
    the_stage().close()


@pytest.fixture(scope="module", autouse=True)
def _data_folders_are_cleared() -> Iterator[None]:
    yield
    the_stage().tidy()


@pytest.fixture(scope="session")
def stage() -> SqliteStage | PostgresStage:
    """Where databases are made, with both templates ready."""
    stage = the_stage()
    schema.metadata()
    engine = tuned(create_engine(stage.url("blank")))
    schema.upgrade(engine)
    engine.dispose()
    make_template(stage, "furnished", furnish, base="blank")
    return stage


def make_template(stage: SqliteStage | PostgresStage, name: str, fill: Callable[[], None],
                  base: str = "furnished") -> None:
    """Another template, which `stage.copy` knows by *name*: a copy of *base* that *fill* has written to."""
    stage.copy(base, name)
    with _flask(stage.url(name)).app_context():
        fill()
        db.session.remove()
        db.engine.dispose()


def _flask(url: str) -> Flask:
    """The smallest application that has the models: no screens, no jobs."""
    app = Flask("tests")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, TESTING=True)
    db.init_app(app)
    with app.app_context():
        tuned(db.engine)
    return app


def furnish() -> None:
    """交城县 with its townships and villages, the campaign of 2021, the shipped rates, one person per post."""
    with everything("furnishing"), acting_as("system", "command", lambda: factories.moment("2021-09-18")):
        county, name = factories.COUNTY, "交城县"
        area.load((line.split(",") for line in AREAS.read_text("utf-8").splitlines()[1:]), county)
        db.session.add(campaign_of_2021(county, name))
        db.session.add_all(PublishedRate(item=rate.item, from_month=rate.from_month, amount=rate.amount,
                                         min_age=rate.min_age, basis=rate.basis) for rate in shipped_rates())
        for role in Role:
            if role != Role.TOWNSHIP:
                factories.a_user(role, county, username=role.value)
        for code in db.session.scalars(select(area.Township.area_code).where(area.Township.ranked)).all():
            factories.a_user(Role.TOWNSHIP, code, username=f"township-{code}")
        db.session.commit()


@pytest.fixture
def database(stage: SqliteStage | PostgresStage) -> str:
    """URL of a database of this test alone, with the county, its campaign, rates and people."""
    stage.copy("furnished", "test")
    factories.start_over()
    return stage.url("test")


@pytest.fixture
def blank_database(stage: SqliteStage | PostgresStage) -> str:
    """URL of a migrated database without a row."""
    stage.copy("blank", "test_blank")
    return stage.url("test_blank")


@pytest.fixture(scope="session")
def _shared_flask(stage: SqliteStage | PostgresStage) -> Flask:
    # One engine for all tests keeps its compiled statements; each test finds another database under the same URL.
    return _flask(stage.url("test"))


@pytest.fixture
def app(_shared_flask: Flask, database: str) -> Iterator[Flask]:
    """An application on `database`, its context pushed; models only."""
    with _shared_flask.app_context():
        yield _shared_flask
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask):
    """The session of the test's database."""
    return db.session


@dataclass(frozen=True)
class County:
    """交城县 as the tests speak of it: `county.clerk`, `county.township("141122101")`, `county.campaign`."""

    code: str = factories.COUNTY

    @property
    def campaign(self) -> Campaign:
        with everything("test"):
            return the_campaign()

    def user(self, username: str) -> User:
        with everything("test"):
            return db.session.scalars(select(User).where(User.username == username)).one()

    admin = property(lambda self: self.user("county_admin"))
    clerk = property(lambda self: self.user("county_clerk"))
    reviewer = property(lambda self: self.user("county_reviewer"))
    approver = property(lambda self: self.user("county_approver"))
    auditor = property(lambda self: self.user("auditor"))

    def township(self, code: str = factories.TIANNING) -> User:
        """The person of a township's own government."""
        return self.user(f"township-{code}")

    @property
    def townships(self) -> list[str]:
        """Codes of the townships that are ranked."""
        with everything("test"):
            return list(db.session.scalars(
                select(area.Township.area_code).where(area.Township.ranked).order_by(area.Township.area_code)))

    def villages(self, township: str = factories.TIANNING) -> list[str]:
        with everything("test"):
            codes = db.session.scalars(select(area.Village.area_code).order_by(area.Village.area_code))
            return [code for code in codes if code.startswith(township)]


@pytest.fixture
def county(app: Flask) -> Iterator[County]:
    """The county, in sight for reading; writing still needs somebody who acts (`seeing_as`, `arranging`)."""
    with seeing(factories.COUNTY):
        yield County()


@pytest.fixture(scope="session")
def townships(stage, tmp_path_factory: pytest.TempPathFactory):
    """Two townships with something of every kind in each, made once (tests/peopled.py)."""
    from peopled import Townships, furnish
    folder, ids = tmp_path_factory.mktemp("office"), {}
    make_template(stage, "peopled", lambda: ids.update(furnish(folder)))
    return Townships(stage, folder, ids)


@pytest.fixture
def served(database: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """A function that opens the portal as a county runs it, no exercise, with the settings given."""
    from portal import create_app
    from portal.settings import Settings
    opened = []

    def serve(**settings) -> Flask:
        opened.append(create_app(Settings(data_dir=tmp_path, database_url=database, **settings)))
        return opened[-1]
    yield serve
    for app in opened:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    from browsing import chromium
    with chromium() as browser:
        yield browser


@pytest.fixture
def clock(portal: Flask):
    """The real clock of `portal`, which the test moves."""
    from screening import Clock
    portal.extensions["real_now"] = Clock()
    return portal.extensions["real_now"]


@pytest.fixture(scope="session")
def _shared_portal(stage: SqliteStage | PostgresStage, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    # One portal for all tests keeps its routes, pages and statements; each test finds another database and an empty folder.
    from portal import create_app
    from portal.settings import Settings
    folder = tmp_path_factory.mktemp("portal") / "data"
    return create_app(Settings(data_dir=folder, database_url=stage.url("test"), now=factories.NOW, demo=True))


@pytest.fixture
def portal(_shared_portal: Flask, database: str) -> Iterator[Flask]:
    """The whole portal. No context stays open: requests would share what belongs to one of them."""
    app, folder = _shared_portal, _shared_portal.config["PORTAL"].data_dir
    kept = [(part, dict(part)) for part in (app.config, app.extensions, app.view_functions)]
    hooks = list(app.before_request_funcs[None])
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    yield app
    with app.app_context():
        db.engine.dispose()
    for part, before in kept:  # what a test has put in goes with it
        part.clear()
        part.update(before)
    app.before_request_funcs[None][:] = hooks
