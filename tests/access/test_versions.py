"""Every form that changes a row carries the version its page showed, or says here why none is needed."""

from __future__ import annotations

import re

import pytest
from tally import holds, tell

from access.knocking import LOGS, Place, changed
from access.policy import TABLE

DOES = {key: door for key, door in TABLE.items() if door.does}
# What needs no version: nothing that somebody else wrote can be overwritten by it.
ANYHOW = {
    "POST account.password": "the old password is what was seen; one's own and nobody else's",
    "POST task.again": "only what was refused is ordered again, and it is refused no more",
    "POST handing.out": "happens once: the second is refused",
    "POST handing.on": "adds lists of villages that have none, one a village by its key",
    "POST handing.receipt": "is given once: the second is refused",
    "POST leaving.take #many": "adds a question; the same one waits once",
    "POST leaving.decide": "is decided once: the second is refused",
    "POST ranking.issue": "adds the report of a day, one a day by its key; the second leads to it",
    "POST rate.create_view": "adds a rate, one an item, month and age by its key",
    "POST user.create_view": "adds a user, one a name by its key",
    "POST user.ask": "adds a question, one a person by its key",
}


def older(form: dict) -> dict | None:
    """The form as a page of long ago would have sent it; None where it carries no version."""
    def was(name: str, text: object) -> object:
        if name == "version":
            return ".".join(["99"] * len(str(text).split(".")))
        return re.sub(r"^(\d+):\d+$", r"\1:99", text) if name in ("row", "ids") else text
    old = {name: was(name, text) for name, text in form.items()}
    return old if old != form else None


@pytest.mark.parametrize("key", DOES)
def test_a_form_is_guarded_by_what_its_page_showed(place: Place, key):
    door = DOES[key]
    letter = door.does[0]
    if door.first:
        with place.looking():
            door.first()
    id = place.id("here", door)
    old = older(place.form(key, id))
    holds((old is None) == (key in ANYHOW), "neither a version nor a reason, or both", key)
    if old is None:
        return
    before = place.kept(*LOGS)
    answer = place.knock(place.desk(letter), key, id, form=old)
    skipped = answer.status_code == 200 and "核对之后别人改动过" in answer.text  # of many, each
    holds(answer.status_code == 409 or skipped, key, answer.status_code)
    holds(changed(before, place.kept(*LOGS)) == [], key)


def test_no_reason_is_left_over():
    assert set(ANYHOW) <= set(DOES)
    tell(f"versions: {len(DOES)} forms that change rows, {len(DOES) - len(ANYHOW)} carry a version, {len(ANYHOW)} say why not")
