"""Wrong passwords of somebody and of nobody, by turns: whoever watches the clock learns nothing."""

from __future__ import annotations

import re
import time
from statistics import median

import pytest
from factories import TIANNING
from screening import Desk, looking
from sqlalchemy import select

from models import addresstry
from models.base import db
from models.user import User
from portal import create_app
from portal.settings import Settings

TRIES, KNOWN = 100, f"township-{TIANNING}"


@pytest.fixture
def door(database, tmp_path):
    """The sign-in of a county, apart from the hundred thousand cases."""
    app = create_app(Settings(data_dir=tmp_path, database_url=database))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_nobody_takes_as_long_as_a_wrong_password(door, board):
    desk = Desk(door)
    desk.get("/login")
    taken: dict[str, list[float]] = {KNOWN: [], "township-000000000": []}
    pages = set()
    for _ in range(TRIES):
        for name in taken:
            _pardon(door)
            start = time.perf_counter()
            answer = desk.client.post("/login", data={"csrf_token": desk.token, "username": name, "password": "Wrong-Guess-7"})
            taken[name].append(time.perf_counter() - start)
            pages.add(re.sub(r'(name="(?:csrf_token|once)" value=)"[^"]*"', r"\1", answer.text).replace(name, "…"))

    assert len(pages) == 1
    known, unknown = (median(times) for times in taken.values())
    board.time(f"wrong password, {TRIES} by turns with nobody’s", known, "of nobody", unknown)


def _pardon(app) -> None:
    """The locks, of the name and of the address, are other tests': here each try is to be the first."""
    with looking(app):
        user = db.session.scalars(select(User).where(User.username == KNOWN)).one()
        user.failures, user.locked_until = 0, None
        addresstry.succeeded("127.0.0.1")
