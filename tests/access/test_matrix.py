"""The matrix: every door, as every post and as nobody, by every method, on own rows, others', missing and senseless ones."""

from __future__ import annotations

import pytest
from factories import moved_to
from tally import holds

from access.knocking import LOGS, MALFORMED, METHODS, MISSING, NAMES, Place, bare, changed, does, is_in, own, refusal, ruled
from access.policy import ANYBODY, TABLE
from models.base import db
from models.user import User

STRANGERS = ("-", "disabled", "ended")
GETS = {key: door for key, door in TABLE.items() if key.startswith("GET")}
POSTS = {key: door for key, door in TABLE.items() if key.startswith("POST")}


def missing(door) -> str:
    return MISSING.get(door.row, "999999999")


def elsewhere(place: Place, letter: str, door) -> list:
    """Ids that must look like no row at all: the other township's, and those of no sense."""
    other = "here" if letter == "O" else "there"
    foreign = [place.ids[other][door.row]] if letter in "TO" and not door.shared else []
    return foreign + [odd for odd in MALFORMED if door.by != "ids" or "," not in odd]  # ids are a list


@pytest.mark.parametrize("letter", NAMES)
def test_pages(place, letter):
    """Whoever may sees their own; all else is a page that is not there. A page writes nothing, nor does its head."""
    desk, before = place.desk(letter), place.kept(*LOGS)
    for key, door in GETS.items():
        id = place.id(own(letter), door)
        answer, head = place.knock(desk, key, id), place.knock(desk, key, id, method="HEAD")
        wanted = door.answers if is_in(door, letter) else (refusal(door, letter),)
        holds(answer.status_code in wanted and at_the_door(answer) == door.away, key, letter, id, answer.status_code)
        holds((head.status_code, head.data, head.mimetype) == (answer.status_code, b"", answer.mimetype), "HEAD", key, letter)
        if door.row:
            nobody = place.knock(desk, key, missing(door))
            holds(nobody.status_code == (404 if is_in(door, letter) else nobody.status_code), key, letter, nobody.status_code)
            holds(nobody.status_code in (403, 404), key, letter)
            for odd in elsewhere(place, letter, door):
                holds(bare(place.knock(desk, key, odd)) == bare(nobody), key, letter, odd)
    assert changed(before, place.kept(*LOGS)) == []


def at_the_door(answer) -> bool:
    return answer.status_code == 302 and answer.location.startswith("/login")


@pytest.mark.parametrize("letter", NAMES)
def test_forms_that_must_not_do_anything(place, letter):
    """What is not for one's post, on rows of one's own; and what is, on rows that are none of one's own."""
    desk, before = place.desk(letter), place.kept(*LOGS)
    for key, door in POSTS.items():
        id = place.id(own(letter), door)
        if not is_in(door, letter):
            answer = place.knock(desk, key, id, form=place.form(key, id))
            holds(answer.status_code == refusal(door, letter), key, letter, answer.status_code)
        if door.row:
            nobody = place.knock(desk, key, missing(door), form=place.form(key, missing(door), id))
            holds(nobody.status_code in (403, 404, 409), key, letter, nobody.status_code)
            for odd in elsewhere(place, letter, door):
                answer = place.knock(desk, key, odd, form=place.form(key, odd, id))
                holds(bare(answer) == bare(nobody), key, letter, odd, answer.status_code)
    assert changed(before, place.kept(*LOGS)) == []


@pytest.mark.parametrize("letter", NAMES)
def test_forms_that_do_something(place, letter):
    """The other half of the proof: the same forms do change rows, for whom they are meant and for nobody else."""
    for key, door in POSTS.items():
        if not is_in(door, letter):
            continue
        place.fresh()
        if door.first:
            with place.looking():
                door.first()
        id = place.id(own(letter), door)
        with place.watch.writing() as written:
            answer = place.knock(place.desk(letter), key, id, form=place.form(key, id))
        holds(answer.status_code in door.answers, key, letter, answer.status_code)
        holds(bool(written) == does(door, letter), key, letter, written)


@pytest.mark.parametrize("letter", NAMES)
def test_methods_that_an_address_does_not_take(place, letter):
    """405 on our own page; and what is asked of the methods tells them and nothing else, to everybody alike."""
    desk, before = place.desk(letter), place.kept(*LOGS)
    for endpoint, taken in methods(place).items():
        key = f"{taken[0]} {endpoint}"
        id = place.id(own(letter), TABLE[key])
        for method in (method for method in METHODS if method not in taken):
            answer = place.knock(desk, key, id, method=method)
            holds(answer.status_code == 405 and "card-page" in answer.text, method, key, answer.status_code)
            holds(set(taken) <= set(answer.headers["Allow"].split(", ")), method, key)
        told = place.knock(desk, key, id, method="OPTIONS")
        holds((told.status_code, told.data) == (200, b""), key, told.status_code)
        holds({*told.headers["Allow"].split(", ")} - {"HEAD", "OPTIONS"} == set(taken), key, told.headers["Allow"])
    assert changed(before, place.kept(*LOGS)) == []


def methods(place: Place) -> dict[str, list[str]]:
    taken: dict[str, list[str]] = {}
    for key in TABLE:
        method, endpoint = ruled(key).split()
        taken[endpoint] = sorted({*taken.get(endpoint, ()), method})
    return taken


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers(place, who):
    """Whoever never signed in, was disabled or signed out is sent to the sign-in page, which knows nothing of anybody."""
    desk, before = place.desk(who), place.kept(*LOGS)
    for endpoint, taken in methods(place).items():
        key = f"{taken[0]} {endpoint}"
        open_to_all = [method for method in taken if "-" in TABLE[f"{method} {endpoint}"].who]
        for side in ("here", "there"):
            for method in (*METHODS, "HEAD", "OPTIONS"):
                if not open_to_all:
                    answer = place.knock(desk, key, place.id(side, TABLE[key]), method=method)
                    holds(at_the_door(answer) and len(answer.data) < 600, method, key, answer.status_code)
    for key, door in TABLE.items():
        if set(ANYBODY) <= set(door.who):
            answer = place.knock(desk, key, form=place.form(key, None))
            holds(answer.status_code in door.answers, key, answer.status_code)
    assert changed(before, place.kept(*LOGS)) == []


COUNTY = [letter for letter in NAMES if letter not in "CTO"]


@pytest.mark.parametrize("post", COUNTY)
def test_another_post_counts_from_the_next_request_on(place, post):
    """What is withdrawn is withdrawn with the session it was used in, and what is given is given at the next sign-in."""
    desk = place.desk("C")
    with place.looking():
        moved_to(db.session.query(User).filter_by(username=NAMES["C"]).one(), NAMES[post])
    for key, door in GETS.items():
        answer = place.knock(desk, key, place.id("here", door))
        holds(at_the_door(answer) or "-" in door.who, key, post, answer.status_code)
    place.enter("moved", NAMES["C"])
    desk = place.desk("moved")
    for key, door in GETS.items():
        wanted = door.answers if is_in(door, post) else (refusal(door, post),)
        answer = place.knock(desk, key, place.id("here", door))
        holds(answer.status_code in wanted and at_the_door(answer) == door.away, key, post, answer.status_code)


def test_the_matrix_is_as_large_as_it_has_to_be():
    """Every door for every post, with its head, its wrong methods and, for a row, every other kind of id."""
    ids = sum(1 + (1 + len(MALFORMED)) * bool(door.row) for door in TABLE.values())
    assert len(NAMES) + len(STRANGERS) >= 10
    assert ids * len(NAMES) >= 3_000
