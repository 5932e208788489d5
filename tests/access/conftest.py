"""The portal on two townships, with somebody of every post signed in; and the counts at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peopled import OTHER, TOWN
from screening import Desk
from sqlalchemy import select

from access.knocking import NAMES, Place
from models.base import db
from models.signin import SignIn
from models.user import User


@pytest.fixture(scope="session")
def place_at(townships) -> Iterator[Place]:
    """Two templates: "peopled", where nobody signed in yet, and "signed", where everybody did."""
    with townships.opened("access") as app:
        place = Place(app, townships.stage, {side: dict(rows) for side, rows in townships.ids.items()})
        place.prepare()
        sign_in(place)
        with app.app_context():
            db.engine.dispose()
        townships.stage.copy("access", "signed")
        yield place


def sign_in(place: Place) -> None:
    """Every post; whoever is disabled since, signed out since, or was never there."""
    ended = Desk(place.app, "county_clerk")
    place.keep("ended", ended)
    ended.post("/logout")
    place.enter("disabled", "gone")
    with place.looking():
        db.session.query(User).filter_by(username="gone").one().active = False
    stranger = Desk(place.app)
    stranger.get("/login")
    place.keep("-", stranger)
    for letter, username in NAMES.items():
        place.enter(letter, username)
    with place.looking():
        for side, username in (("here", TOWN), ("there", OTHER)):
            place.ids[side]["signin"] = db.session.scalar(select(SignIn.id).join(SignIn.user).where(
                User.username == username, SignIn.ended_at.is_(None)))


@pytest.fixture
def place(place_at: Place) -> Place:
    """On a fresh copy, everybody signed in."""
    return place_at.fresh()


@pytest.fixture
def app(place_at: Place):
    """The portal of these townships on a fresh copy, nobody signed in."""
    return place_at.fresh("peopled").app


@pytest.fixture
def ids(place_at: Place) -> dict[str, dict]:
    return place_at.ids
