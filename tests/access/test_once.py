"""Every form that changes something, sent twenty times at the same moment: one effect, and twenty times the same answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from factories import NOW, TIANNING
from flask import redirect
from screening import Desk, hidden
from sending import TIMES, Form
from tally import COUNTED

from access import forms
from access.knocking import Place, own, ruled
from access.policy import TABLE
from models import audit, realtime
from models.base import db
from models.leaving import ALLOWED, ExportRequest
from models.secondfactor import keep, new_secret
from models.signin import SignIn
from models.user import User
from portal import once

# What is written whenever somebody is seen; and sealed anew with every entry.
APART = ("sign_in", "address_try", "audit_head", "audit_entry")


def form_of(place: Place, key: str) -> Form:
    """The form of a door, by the first post for whom it does something, on a fresh copy."""
    door = TABLE[key]
    letter = (door.does or door.who)[0]
    place.fresh()
    with place.looking():
        for first in (door.first, FIRST.get(key)):
            if first is not None:
                first()
    desk = place.desk(letter)
    more = BROUGHT[key](desk) if key in BROUGHT else {}
    id = place.id(own(letter), door)
    made = place.form(key, id) | more
    read = {name: (value[0].read(), value[1]) if isinstance(value, tuple) else value for name, value in made.items()}
    return Form(desk, place.address(key, id), desk.tokens() | read)


def allowed() -> None:
    for asked in db.session.query(ExportRequest):
        asked.state, asked.decided_by, asked.decided_at = ALLOWED, "county_reviewer", asked.asked_at
        asked.open_until = realtime.now() + timedelta(hours=1)


def with_generators() -> None:
    for user in db.session.query(User):
        keep(user, new_secret(), 1, "x")


def uploaded(desk: Desk) -> dict[str, str]:
    file = forms.list_of("roster_province.xlsx")(None)
    return {"sha256": hidden(desk.post("/admin/roster/check", kind="roster", file=file).text, "sha256")}


# Forms that do something only with what came before; beside those that the table of doors says do something.
FIRST: dict[str, Callable[[], None]] = {"POST leaving.fetch": allowed, "POST user.generator": with_generators}
BROUGHT: dict[str, Callable[[Desk], dict[str, str]]] = {"POST roster.confirm": uploaded}
OTHERS = (*FIRST, *BROUGHT, "POST user.sessions", "POST signin.end")
DOORS = [key for key, door in TABLE.items() if key.startswith("POST") and (door.does or key in OTHERS)]
# Asked outside an exercise only: tests/test_once.py.
ELSEWHERE = {"account.generator", "account.confirm"}


def state(place: Place) -> dict[str, Counter]:
    return {table: Counter(map(repr, rows)) for table, rows in place.kept(*APART).items()}


def acts(place: Place) -> list[tuple]:
    with place.looking():
        found = db.session.query(audit.AuditEntry).order_by(audit.AuditEntry.id)
        told = [(entry.act, entry.subject, entry.row_id, entry.result, len(entry.changed)) for entry in found]
        ended = db.session.query(SignIn).filter(SignIn.ended_at.isnot(None)).count()
    return sorted([*told, ("sessions ended", "", ended)], key=str)


def effects(place: Place, form: Form, times: int) -> tuple[Any, list[tuple]]:
    """What so many submits of a form at once change: rows that went and came, entries of the trail; and the answers."""
    before, told = state(place), acts(place)
    answers = form.at_once(times)
    after = state(place)
    changed = {table: ((before[table] - after[table]).total(), (after[table] - before[table]).total()) for table in after}
    return ({table: counts for table, counts in changed.items() if any(counts)}, Counter(acts(place)) - Counter(told)), answers


# The first of them ended the session of the others, which is the more careful of two right answers.
SIGNED_OUT = {"POST account.password": {(302, "/login?next=/admin/")}}


@pytest.mark.parametrize("key", DOORS)
def test_twenty_at_once_are_one(place_at, key):
    alone, [answer] = effects(place_at, form_of(place_at, key), 1)
    assert alone[0]["form_key"] == (0, 1), "the form does nothing by itself"
    together, answers = effects(place_at, form_of(place_at, key), TIMES)
    assert together == alone
    if key != "POST account.password":
        assert len({repr(answer) for answer in answers}) == 1
    assert {answer[:2] for answer in answers} - {answer[:2]} <= SIGNED_OUT.get(key, set())
    COUNTED["once"] += 1


def test_no_form_is_left_out(place_at):
    """Every address that takes a form is repeatable for a reason, or was sent twenty times above."""
    taking = {rule.endpoint for rule in place_at.app.url_map.iter_rules() if "POST" in rule.methods}
    before_signing_in = {"login", "login_code", "language"}
    keyed = {endpoint for endpoint in taking - before_signing_in if not once.repeatable(endpoint)}
    tried = {ruled(key).split()[1] for key in DOORS}
    assert (keyed - tried, tried - keyed) == (ELSEWHERE, set())
    named = {name for name in once.REPEATABLE if "*" not in name}
    assert named <= taking
    assert all(once.REPEATABLE.values())


@pytest.mark.parametrize("key", ["", "short", "x" * 23, "x" * 21 + "%", "٣" * 22])
def test_without_a_key_nothing_is_done(place, key):
    before = state(place)
    for door in DOORS:
        letter = (TABLE[door].does or TABLE[door].who)[0]
        id = place.id(own(letter), TABLE[door])
        assert place.knock(place.desk(letter), door, id, form=place.form(door, id) | {"once": key}).status_code == 400
    assert state(place) == before


def careless() -> Any:
    """A screen whose verb checks nothing: each time is one more."""
    db.session.add(ExportRequest(sheet="cases_full", area_code=TIANNING, reason="存档", people=1, asked_by="x", asked_at=NOW))
    db.session.commit()
    return redirect("/admin/")


@pytest.mark.parametrize(("guarded", "rows"), [(True, 1), (False, TIMES)])
def test_a_screen_that_checks_nothing_is_kept_to_one_by_the_key_alone(place, monkeypatch, guarded, rows):
    monkeypatch.setitem(place.app.view_functions, "handing.plan", careless)
    if not guarded:
        monkeypatch.setattr(once, "claimed", nullcontext)
    (changed, told), answers = effects(place, form_of(place, "POST handing.plan"), TIMES)
    assert changed["export_request"] == (0, rows)
    assert told == {("handing.plan", "export_request", row, "done", 1): 1 for row in range(3, 3 + rows)}
    assert {status for status, *_ in answers} == {302}


@pytest.mark.parametrize("key", ["POST case.step", "POST user.ask"])
def test_without_the_key_who_pressed_twice_would_read_that_it_was_refused(place, monkeypatch, key):
    """Versions and rules hold the second off as well, but its answer is the one that the browser shows."""
    monkeypatch.setattr(once, "claimed", nullcontext)
    (_rows, told), answers = effects(place, form_of(place, key), TIMES)
    assert Counter(status >= 400 for status, *_ in answers) == {False: 1, True: TIMES - 1}
    assert sum(told.values()) == TIMES
