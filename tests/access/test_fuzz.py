"""Ten thousand senseless requests at every door, as every post: never a 500, never an error in the log."""

from __future__ import annotations

import logging

import pytest
from tally import COUNTED

from access.knocking import NAMES, Place, ruled
from access.noise import Noise
from access.policy import TABLE

REQUESTS = 10_000
WHO = [*NAMES, "-"]
COSTLY = {"POST roster.check", "POST login"}  # half a second, and a password's hash, each: these get a share of twenty


# What ends one's own session, five wrong passwords among it; everybody is signed in again behind it.
ENDS = ("logout", "account.password")


class Errors(logging.Handler):
    """What is logged as an error, at any place."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@pytest.mark.parametrize("who", WHO)
def test_nothing_senseless_breaks_anything(place, who):
    """Every door in turn; forms carry one's own token, so that they are read."""
    ids = sorted({str(id) for side in place.ids.values() for id in side.values()})
    noise, errors = Noise(2021 + WHO.index(who), ids), Errors()
    logging.getLogger().addHandler(errors)
    try:
        broken = [told for number in range(REQUESTS // len(WHO) + 1) if (told := sent(place, who, noise, number))]
    finally:
        logging.getLogger().removeHandler(errors)
    assert who == "-" or place.desk(who).get("/admin/").status_code in (200, 403), "signed in to the end"
    COUNTED.update(broken=len(broken), logged=len(errors.seen))
    assert broken == []
    assert errors.seen == []


def sent(place: Place, who: str, noise: Noise, number: int) -> tuple | None:
    """One request; what it was, if the answer is 500 or more."""
    keys = list(TABLE)
    key = keys[number % len(keys)]
    if key in COSTLY and number // len(keys) % 5:
        key = "GET case.index_view"
    method, rule = key.split()[0], place.rules[ruled(key)]
    url = f"{noise.path(rule)}?{noise.query()}"
    desk = place.desk(who)
    if method == "GET":
        answer = desk.client.open(url, headers=noise.headers())
    elif noise.chance.random() < 0.15:
        answer = desk.client.open(url, method=method, headers=[*noise.headers(), ("X-CSRFToken", desk.token)], **noise.body())
    else:
        door = TABLE[key]
        known = place.form(key, place.id("there" if who == "O" else "here", door)) if door.row or not door.first else {}
        answer = desk.client.open(url, method=method, headers=noise.headers(),
                                  data=desk.tokens() | noise.form(known))
    if key.endswith(ENDS):
        place.fresh()
    COUNTED["fuzzed"] += 1
    return (key, url, answer.status_code) if answer.status_code >= 500 and "healthz" not in key else None


def test_a_request_that_breaks_is_noticed(place, monkeypatch):
    """The look at answers and logs is able to see: one page that breaks is told."""
    monkeypatch.setitem(place.app.view_functions, "case.index_view", lambda **values: 1 // 0)
    errors = Errors()
    logging.getLogger().addHandler(errors)
    answer = place.desk("C").client.get("/admin/case/")
    logging.getLogger().removeHandler(errors)
    assert answer.status_code == 500
    assert len(errors.seen) == 1
