"""What notices that a wall, a right or a check is gone: the same knocks as the matrix, told instead of asserted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from factories import TIANNING
from sqlalchemy import func, select
from test_scope import place_of

from access.knocking import MISSING, NAMES, Place, bare, does, is_in, own, refusal
from access.policy import TABLE
from models.base import db
from models.scope import everything, seeing


def strange_rows(place: Place, cls: type) -> list[int]:
    """The rows of a table that a township reads though they lie elsewhere, or does not read though they are its own."""
    with place.app.app_context():
        with everything("looking for rows by hand"):
            mine = {row.id for row in db.session.scalars(select(cls)) if place_of(row).startswith(TIANNING)}
            every = set(db.session.scalars(select(cls.id)))
        db.session.rollback()
        db.session.expunge_all()
        assert mine < every, f"peopled has no row of {cls.__name__} elsewhere"
        with seeing(TIANNING):
            seen, counted = set(db.session.scalars(select(cls.id))), db.session.scalar(select(func.count()).select_from(cls))
    return sorted(seen ^ mine) or [0] * (counted != len(mine))


def doors_of(at: str) -> list[str]:
    """The doors of a screen where a row of another township could show."""
    return [key for key, door in TABLE.items() if key.split()[1].startswith(f"{at}.") and (door.row or "index_view" in key)
            and not door.shared]


def count(place: Place, key: str) -> str:
    """How many rows a list tells."""
    found = re.search(r"共 (\d+) 条", place.knock(place.desk("T"), key).text)
    return found[1] if found else ""


def leaking(place: Place, keys: Iterable[str], counts: dict[str, str]) -> list[str]:
    """The doors where a township meets a row of another otherwise than one that is missing. *counts*: of lists, by right."""
    return [key for key in keys if (count(place, key) != counts[key] if "index_view" in key else _shows(place, key))]


def _shows(place: Place, key: str) -> bool:
    door = TABLE[key]
    other, nothing = place.ids["there"][door.row], MISSING.get(door.row, "999999999")
    if door.first:
        with place.looking():
            door.first()
    form = lambda id: place.form(key, id, other) if key.startswith("POST") else None
    with place.watch.writing() as written:
        answers = [bare(place.knock(place.desk("T"), key, id, form=form(id))) for id in (other, nothing)]
    if written or key.startswith("POST"):  # a refused form stands in the trail
        place.fresh()
    return answers[0] != answers[1]


def let_in(place: Place, keys: Iterable[str] = TABLE) -> Iterator[tuple]:
    """(door, letter, …) wherever the table refuses somebody, or what their form would do, and the portal does not."""
    for key in keys:
        door = TABLE[key]
        for letter in (letter for letter in NAMES if not is_in(door, letter) or (door.does and not does(door, letter))):
            if door.first:
                with place.looking():
                    door.first()
            id = place.id(own(letter), door)
            with place.watch.writing() as written:
                answer = place.knock(place.desk(letter), key, id, form=place.form(key, id) if key.startswith("POST") else None)
            if place.watch.marked or door.first:
                place.fresh()
            if written or (not is_in(door, letter) and answer.status_code != refusal(door, letter)):
                yield key, letter, answer.status_code, bool(written)


def shut_out(place: Place) -> Iterator[tuple[str, str]]:
    """(door, letter) wherever the table lets somebody see a page and the portal does not."""
    for key, door in TABLE.items():
        for letter in NAMES:
            if key.startswith("GET") and is_in(door, letter):
                answer = place.knock(place.desk(letter), key, place.id(own(letter), door))
                if answer.status_code not in door.answers:
                    yield key, letter
