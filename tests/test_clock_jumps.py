"""The server's clock is set by a day, as when its battery is empty, and set right again: nobody is locked out or let in by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from factories import PASSWORD, TIANNING, a_case
from phones import the_user
from screening import Desk, hidden, looking
from sqlalchemy import select

from models import addresstry, formkey, machinecheck, realtime, signin
from models.base import db
from models.draft import Draft
from models.formkey import FormKey
from models.leaving import ALLOWED, LASTS, ExportRequest, is_open
from models.numberview import MOST, NumberView, whole_number
from models.signin import SignIn
from models.user import TRIES, User
from models.words import Refusal
from portal import machine, schedule

TOWN = f"township-{TIANNING}"
DAY = timedelta(days=1)


@pytest.fixture
def app(portal, clock):
    return portal


def enters(app, name: str = TOWN) -> bool:
    desk = Desk(app)
    desk.get("/login")
    desk.post("/login", username=name, password=PASSWORD)
    return desk.get("/admin/").status_code == 200


def wrong(app, times: int, name: str = TOWN) -> None:
    desk = Desk(app)
    desk.get("/login")
    for _ in range(times):
        desk.post("/login", username=name, password="not this one")


# A moment, and what holds from it

@pytest.mark.parametrize(("by", "holds"), [
    (timedelta(), True), (timedelta(minutes=4), True), (timedelta(minutes=5), False), (DAY, False),
    (-timedelta(seconds=90), True), (-timedelta(minutes=3), False), (-DAY, False)])
def test_what_holds_five_minutes_holds_neither_before_nor_after_them(by, holds):
    then = datetime(2021, 9, 20, 8, tzinfo=UTC)
    assert realtime.within(then, then + by, timedelta(minutes=5)) is holds
    assert realtime.until(then + timedelta(minutes=5), then + by, timedelta(minutes=5)) is holds


# Sessions

@pytest.mark.parametrize(("jump", "why"), [(DAY, signin.TOO_OLD), (-DAY, signin.CLOCK)])
def test_a_session_ends_with_a_jump_and_its_person_signs_in_again(app, clock, jump, why):
    desk = Desk(app, TOWN)
    clock.at += jump
    with looking(app):
        assert db.session.scalar(select(SignIn).where(*signin.live(clock.at))) is None
    assert desk.get("/admin/").location.startswith("/login")
    assert enters(app)
    clock.at -= jump
    assert enters(app)
    with looking(app):
        ends = db.session.scalars(select(SignIn.ended_why).where(SignIn.user_id == the_user(TOWN).id).order_by(SignIn.id)).all()
    assert ends[0] == why


def test_a_clock_that_is_set_by_a_minute_ends_nothing(app, clock):
    desk = Desk(app, TOWN)
    clock.on(minutes=-1)
    assert desk.get("/admin/").status_code == 200


def test_what_was_typed_before_a_jump_is_kept(app, clock):
    desk = Desk(app, TOWN)
    desk.get("/admin/handing/plan")
    clock.at -= DAY
    desk.post("/admin/handing/plan", leader="张三", members="李四")
    with looking(app):
        assert db.session.scalars(select(Draft.fields).where(Draft.user_id == the_user(TOWN).id)).one()
    desk.get("/login")
    assert desk.post("/login", username=TOWN, password=PASSWORD).location == "/draft"
    assert "张三" in desk.get("/draft").text


# Wrong passwords

def test_a_login_locked_by_a_clock_that_ran_ahead_opens_when_it_is_right(app, clock):
    clock.at += DAY
    for _ in range(TRIES):
        wrong(app, 1)
        clock.on(minutes=1)  # the address may try again
    with looking(app):
        assert the_user(TOWN).locked(clock.at)
        assert db.session.scalar(select(User.username).where(User.locked_at(clock.at))) == TOWN
    clock.at -= DAY
    with looking(app):
        assert not the_user(TOWN).locked(clock.at)
        assert db.session.scalar(select(User.username).where(User.locked_at(clock.at))) is None
    assert enters(app)


def test_an_address_that_waits_waits_a_minute_at_most(app, clock):
    clock.at += DAY
    wrong(app, addresstry.FREE + 2)
    with looking(app):
        assert addresstry.wait("127.0.0.1", clock.at) > 0
    clock.at -= DAY
    with looking(app):
        assert addresstry.wait("127.0.0.1", clock.at) == 0
    assert enters(app)


# Rights that hold for a time

def test_looks_by_a_clock_that_ran_ahead_do_not_count_for_a_day(app, clock):
    with looking(app):
        case, clerk = a_case(), the_user("county_clerk")
        for _ in range(MOST):
            whole_number(case, clerk, "核对", clock.at + DAY)
        with pytest.raises(Refusal):
            whole_number(case, clerk, "核对", clock.at + DAY)
        assert whole_number(case, clerk, "核对", clock.at)
        db.session.flush()
        assert [view.seen_at for view in db.session.scalars(select(NumberView))] == [clock.at]


@pytest.mark.parametrize(("jump", "opens"), [(timedelta(), True), (DAY, False), (-DAY, False), (timedelta(hours=-1), False)])
def test_what_may_be_fetched_for_a_day_is_not_open_longer(app, clock, jump, opens):
    with looking(app):
        clerk = the_user("county_clerk")
        request = ExportRequest(state=ALLOWED, asked_by=clerk.username, open_until=clock.at + LASTS)
        assert is_open(request, clerk, clock.at + jump) is opens


# What the portal does by itself

@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_the_chain_is_checked_again_after_a_jump(app, clock, jump):
    with looking(app):
        machinecheck.note(machinecheck.CHAIN, True, clock.at, {"entries": 1})
        assert not machine._chain_due(machinecheck.latest(), clock.at + timedelta(hours=1))
        assert machine._chain_due(machinecheck.latest(), clock.at + jump)


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_backup_that_failed_by_another_clock_does_not_hold_up_the_next(app, clock, jump):
    with looking(app):
        machinecheck.note(machinecheck.BACKUP, False, clock.at, {"id": "x", "values": {}})
        assert not machine._backup_due(machinecheck.latest(), clock.at)
        assert machine._backup_due(machinecheck.latest(), clock.at + jump)


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_form_is_known_again_after_a_jump(app, clock, jump):
    with looking(app):
        url = f"/admin/case/{a_case().id}/correct"
    desk = Desk(app, TOWN)
    page = desk.get(url).text
    form = desk.tokens() | {"version": hidden(page, "version"), "name": "王改", "area_code": "141122100001", "phone": ""}
    assert desk.post(url, form).status_code == 302
    clock.at += jump
    with realtime.ticking(clock):
        schedule.look(app)
    with looking(app):
        kept = db.session.scalars(select(FormKey.key_hash)).all()
    assert formkey.hashed(form["once"]) in kept
