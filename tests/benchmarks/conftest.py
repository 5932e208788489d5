"""Figures of a county of a hundred thousand cases, on this machine.

`make bench` takes them in a few minutes and ends with one table: what was measured, its median, and beside it how many
times as long as a yardstick of the same run it takes, so that runs on different machines can be compared. No bench
fails for being slow; each fails for doing the wrong thing. SQLite, or PostgreSQL where PORTAL_TEST_DATABASE_URL names
one; PORTAL_BENCH_CASES is for a smaller county.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import crowd
import factories
import pytest
from flask import Flask
from flask.testing import FlaskClient
from measuring import Board
from screening import hidden
from sqlalchemy import func, select

from models.base import db
from models.campaign import Campaign, the_campaign
from models.case import Case
from models.scope import seeing
from portal import create_app
from portal.settings import Settings

PEOPLE = int(os.environ.get("PORTAL_BENCH_CASES", "100000"))
NOW = factories.moment("2021-11-02")  # both deadlines are over: every count has its longest condition
BOARD = Board()


def pytest_terminal_summary(terminalreporter) -> None:
    if BOARD.figures:
        terminalreporter.section(f"{PEOPLE:,} cases")
        terminalreporter.write("\n".join(BOARD.lines()) + "\n")


@pytest.fixture(scope="session")
def board() -> Board:
    return BOARD


@dataclass(frozen=True)
class Office:
    """The portal on a database of its own."""

    app: Flask
    walked: tuple[int, ...] = ()

    @contextmanager
    def seeing(self, area: str = factories.COUNTY) -> Iterator[Campaign]:
        """Inside the application, without a request."""
        with self.app.app_context(), seeing(area):
            yield the_campaign()
            db.session.remove()

    def sign_in(self, username: str) -> FlaskClient:
        client = self.app.test_client()
        token = hidden(client.get("/login").text, "csrf_token")
        asked = {"username": username, "password": factories.PASSWORD, "csrf_token": token}
        assert client.post("/login", data=asked).status_code == 302
        return client

    def count(self, *conditions, area: str = factories.COUNTY) -> int:
        with self.seeing(area):
            return db.session.scalar(select(func.count()).select_from(Case).where(*conditions))


@pytest.fixture(scope="session")
def open_office(stage, tmp_path_factory) -> Iterator[Callable[[str], Office]]:
    """Opens a portal on a copy of the furnished county, by the name of its database."""
    opened = []

    def open_office(name: str) -> Office:
        stage.copy("furnished", name)
        settings = Settings(data_dir=tmp_path_factory.mktemp(name), database_url=stage.url(name), now=NOW, demo=True)
        opened.append(create_app(settings))
        return Office(opened[-1])
    yield open_office
    for app in opened:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def office(open_office) -> Office:
    """The county of a hundred thousand."""
    empty = open_office("bench")
    with empty.app.app_context():
        walked = crowd.populate(PEOPLE)
        db.session.remove()
    full = Office(empty.app, tuple(walked))
    assert full.count() == PEOPLE
    return full
