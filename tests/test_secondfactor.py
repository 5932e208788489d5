"""Codes from a phone: set up once, taken once, asked for again before money is approved."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from factories import NOW, PASSWORD, TIANNING, a_case, step, walk
from flask import Flask
from phones import APPROVER, Phone, entered, half, the_user, with_phone
from screening import Desk, hidden, looking
from sqlalchemy import select

from models import realtime, schema, secondfactor
from models.audit import AuditEntry
from models.base import db
from models.ledger import Settlement
from models.scope import everything
from models.user import Role, User
from portal import create_app
from portal.settings import Settings

TOWN = f"township-{TIANNING}"
KEY = "a key of the portal, as long as one is"
MOMENT = datetime(2021, 9, 19, 2, 0, tzinfo=UTC)


# ---- the code itself

@pytest.fixture
def user() -> User:
    schema.metadata()  # a row alone needs every table known
    user = User(username="li", role=Role.COUNTY_APPROVER, code_secret=None, code_step=None)
    secondfactor.keep(user, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 0, KEY)
    return user


@pytest.mark.parametrize(("seconds", "code"), [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")])
def test_codes_are_those_of_rfc_6238(user, seconds, code):
    """Its appendix B, the last six digits of the SHA-1 column."""
    assert secondfactor.take(user, code, datetime.fromtimestamp(seconds, UTC), KEY)


@pytest.mark.parametrize(("seconds", "taken"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_half_a_minute_off(user, seconds, taken):
    code = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").at(MOMENT + timedelta(seconds=seconds))

    assert secondfactor.take(user, code, MOMENT, KEY) is taken


def test_fifty_replays_of_a_code_are_taken_zero_times(user):
    code = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").at(MOMENT)

    assert secondfactor.take(user, code, MOMENT, KEY)
    assert [secondfactor.take(user, code, MOMENT + timedelta(seconds=n), KEY) for n in range(50)] == [False] * 50


def test_a_code_before_the_one_taken_last_is_worth_nothing(user):
    codes = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

    assert secondfactor.take(user, codes.at(MOMENT), MOMENT, KEY)
    assert not secondfactor.take(user, codes.at(MOMENT - timedelta(seconds=30)), MOMENT, KEY)
    assert secondfactor.take(user, codes.at(MOMENT + timedelta(seconds=30)), MOMENT, KEY)


@pytest.mark.parametrize("typed", ["", " ", "28708", "2870820", "abcdef", "二八七零八二", "-87082", "0x1234", "287 083"])
def test_what_is_no_code_is_refused(user, typed):
    assert not secondfactor.take(user, typed, datetime.fromtimestamp(59, UTC), KEY)


@pytest.mark.parametrize("typed", ["287 082", "２８７０８２", " 287082 "])
def test_habits_of_typing_do_not_matter(user, typed):
    assert secondfactor.take(user, typed, datetime.fromtimestamp(59, UTC), KEY)


def test_under_another_key_the_secret_is_unreadable(user):
    assert "GEZD" not in user.code_secret
    assert secondfactor.unseal(user.code_secret, "another key of another portal") is None
    assert not secondfactor.take(user, "287082", datetime.fromtimestamp(59, UTC), "another key of another portal")


# ---- at sign-in

@pytest.fixture
def office(served):
    """The portal as a county runs it at grade 3."""
    return served(now=NOW)


def pardoned(app: Flask, username: str = APPROVER) -> None:
    """Forget wrong tries, so that a test meets the code's own refusal and not the lock."""
    with looking(app):
        user = the_user(username)
        user.failures, user.locked_until = 0, None


def acts(app: Flask) -> list[str]:
    with app.app_context(), everything("test"):
        return list(db.session.scalars(select(AuditEntry.act).where(AuditEntry.subject == "portal_user").order_by(AuditEntry.id)))


def test_password_then_code(office):
    phone = with_phone(office)
    desk = half(office)
    for url in ("/admin/", "/admin/case/", "/admin/settlement/", "/admin/account/"):
        assert desk.get(url).location.startswith("/login?next=")
    assert desk.post("/login/code", code="000000").status_code == 401
    assert desk.get("/admin/").location.startswith("/login")
    assert desk.post("/login/code", code=phone.code()).location == "/admin/"
    assert desk.get("/admin/").status_code == 200
    told = [act for act in acts(office) if act not in ("insert", "update")]
    assert told == ["password_accepted", "code_refused", "sign_in"]


def test_the_page_of_the_code_is_for_who_gave_the_password(office):
    phone = with_phone(office)
    stranger = Desk(office)
    stranger.get("/login")

    assert stranger.get("/login/code").location == "/login"
    assert stranger.post("/login/code", code=phone.code()).location == "/login"


def test_fifty_replays_at_the_door(office):
    phone = with_phone(office)
    code = phone.code()
    assert half(office).post("/login/code", code=code).location == "/admin/"
    thief = half(office)

    for _ in range(50):
        pardoned(office)
        assert thief.post("/login/code", code=code).status_code == 401
        assert thief.get("/admin/").location.startswith("/login")


def test_of_eight_who_give_the_same_code_at_once_one_is_let_in(office):
    phone = with_phone(office)
    desks = [half(office) for _ in range(8)]
    code = phone.code()
    # The lock would hide the replay; it comes after five.
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda desk: desk.post("/login/code", code=code).location, desks))

    assert found.count("/admin/") == 1
    assert sum(desk.get("/admin/").status_code == 200 for desk in desks) == 1


def test_five_wrong_codes_lock_and_the_right_password_does_not_forget_them(office):
    phone = with_phone(office)
    for _ in range(5):
        assert half(office).post("/login/code", code="000000").status_code == 401
    desk = Desk(office)
    desk.get("/login")

    assert desk.post("/login", username=APPROVER, password=PASSWORD).status_code == 401
    with looking(office):
        assert the_user(APPROVER).locked_until > realtime.now()
    late = datetime.now(UTC) + timedelta(minutes=16)
    with realtime.ticking(lambda: late):
        desk = half(office)
        assert desk.post("/login/code", code=phone.codes.at(late)).location == "/admin/"


def test_who_waits_too_long_begins_again(office):
    phone = with_phone(office)
    desk = half(office)
    late = datetime.now(UTC) + timedelta(minutes=6)
    with realtime.ticking(lambda: late):
        assert desk.post("/login/code", code=phone.codes.at(late)).location == "/login"
    assert desk.get("/login/code").location == "/login"


@pytest.mark.parametrize("change", [{"active": False}, {"password_hash": "another"}, {"ends_on": datetime(2020, 1, 1).date()},
                                    {"code_secret": None}])
def test_what_changes_between_password_and_code_counts(office, change):
    phone = with_phone(office)
    desk = half(office)
    with looking(office):
        for name, value in change.items():
            setattr(the_user(APPROVER), name, value)

    assert desk.post("/login/code", code=phone.code()).location == "/login"


def test_the_way_on_is_kept(office):
    phone = with_phone(office)
    desk = Desk(office)
    desk.get("/login")
    answer = desk.post("/login?next=/admin/case/", username=APPROVER, password=PASSWORD)
    desk.follow(answer)

    assert desk.post(answer.location, code=phone.code()).location == "/admin/case/"


# ---- setting up

def set_up(desk: Desk) -> Phone:
    page = desk.post("/admin/account/generator", password=PASSWORD).text
    assert 'src="data:image/svg+xml' in page
    phone = Phone(re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)[1].replace(" ", ""))
    assert desk.post("/admin/account/confirm", code="000000").status_code == 422
    assert desk.post("/admin/account/confirm", code=phone.code()).location == "/admin/"
    return phone


@pytest.mark.parametrize("username", ["county_admin", "county_clerk", "county_reviewer", APPROVER, "auditor"])
def test_county_posts_owe_a_generator_and_nothing_is_open_before(office, username):
    desk = Desk(office, username)
    for url in ("/admin/", "/admin/case/", "/admin/ranking/", "/admin/user/"):
        assert desk.get(url).location == "/admin/account/"
    page = desk.get("/admin/account/").text
    assert "设置动态码生成器" in page
    assert desk.post("/admin/account/password", old=PASSWORD, new="Xk-Sdfpq-83726", again="Xk-Sdfpq-83726").location == \
        "/admin/account/"
    phone = set_up(desk)
    assert desk.get("/admin/").status_code == 200
    assert half(office, username).post("/login/code", code=phone.next()).location == "/admin/"


def test_the_confirming_code_counts_as_used_and_the_secret_is_not_shown_again(office):
    desk = Desk(office, APPROVER)
    desk.get("/admin/account/")
    phone = set_up(desk)

    assert half(office).post("/login/code", code=phone.code()).status_code == 401
    assert desk.post("/admin/account/confirm", code=phone.next()).status_code == 422
    with looking(office):
        assert phone.codes.secret not in str(the_user(APPROVER).code_secret)
        assert phone.codes.secret not in str(list(db.session.scalars(select(AuditEntry.changes))))


def test_a_township_owes_none_and_may_have_one(office):
    desk = Desk(office, TOWN)
    assert desk.get("/admin/").status_code == 200
    desk.get("/admin/account/")
    phone = set_up(desk)

    assert half(office, TOWN).post("/login/code", code=phone.next()).location == "/admin/"


def test_setting_up_asks_for_the_password_and_replacing_for_the_old_code_too(office):
    phone = with_phone(office)
    desk = entered(office, phone)
    desk.get("/admin/account/")

    assert desk.post("/admin/account/generator", password="wrong").status_code == 422
    assert desk.post("/admin/account/generator", password=PASSWORD).status_code == 422
    assert desk.post("/admin/account/generator", password=PASSWORD, code="000000").status_code == 422
    assert desk.post("/admin/account/generator", password=PASSWORD, code=phone.next()).status_code == 200


def test_a_lost_phone(office):
    """Its generator is set up anew for the security administrator alone: whoever makes one-time codes could enter as anybody."""
    keepers = "county_admin", "system_admin", "security_admin"
    lost = entered(office, with_phone(office))
    county, system, desk = (entered(office, with_phone(office, keeper), keeper) for keeper in keepers)
    with looking(office):
        user = the_user(APPROVER)
        id, version = user.id, user.version

    for keeper in (county, system, lost):
        assert keeper.post(f"/admin/user/{id}/generator", version=version).status_code in (403, 404)
    assert desk.post(f"/admin/user/{id}/password", version=version).status_code == 403
    assert desk.post(f"/admin/user/{id}/generator", version=version + 7).status_code in (302, 409)
    assert lost.get("/admin/").status_code == 200
    assert desk.post(f"/admin/user/{id}/generator", version=version).status_code == 302
    assert lost.get("/admin/").location.startswith("/login")
    again = Desk(office, APPROVER)
    assert again.get("/admin/").location == "/admin/account/"


@pytest.mark.parametrize(("variable", "asked"), [("", True), ("on", True), ("off", False)])
def test_grade_2_may_do_without(database, tmp_path, monkeypatch, variable, asked):
    monkeypatch.setenv("PORTAL_SECOND_FACTOR", variable)
    monkeypatch.setenv("PORTAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PORTAL_DATABASE_URL", database)
    app = create_app(Settings.from_env())

    assert app.config["SECOND_FACTOR"] is asked
    assert (Desk(app, APPROVER).get("/admin/").status_code == 302) is asked
    with app.app_context():
        db.engine.dispose()


def test_the_demo_asks_for_none(portal):
    with_phone(portal)

    desk = Desk(portal, APPROVER)
    assert desk.get("/admin/").status_code == 200
    assert "动态码" not in desk.get("/admin/account/").text
    assert desk.post("/admin/account/generator", password=PASSWORD).status_code == 404


# ---- before money is approved

@pytest.fixture
def reviewed(office) -> list[int]:
    """Ids of two settlements that wait for approval."""
    with office.app_context(), everything("test"):
        for name in ("王秀英", "李桂兰"):
            case = walk(step(walk(a_case(category="uncertified", name=name), "resume"), "settle"), "review")
            assert case.next_step == "approve"
        return list(db.session.scalars(select(Settlement.id)))


def states(app: Flask) -> list[str]:
    with app.app_context(), everything("test"):
        return list(db.session.scalars(select(Settlement.state).order_by(Settlement.id)))


def signing(desk: Desk, ids: list[int]) -> dict:
    page = desk.post("/admin/settlement/sign", deed="approve", row=[str(id) for id in ids]).text
    assert 'name="code"' in page
    return {"deed": "approve", "stage": "apply", "row": re.findall(r'name="row" value="([^"]+)"', page)}


@pytest.mark.parametrize("count", [1, 2])
def test_a_settlement_is_approved_with_a_fresh_code_only(office, reviewed, count):
    phone = with_phone(office)
    desk = entered(office, phone)
    form = signing(desk, reviewed[:count])

    for wrong in ({}, {"code": ""}, {"code": "000000"}, {"code": phone.code()}):  # the last one signed in
        answer = desk.post("/admin/settlement/sign", form | wrong)
        assert answer.status_code == 422
        assert "须输入手机上新的动态码" in answer.text
    assert set(states(office)) == {"reviewed"}
    desk.post("/admin/settlement/sign", form | {"code": phone.next()})
    assert states(office).count("approved") == count


def test_a_proof_holds_five_minutes_of_the_same_session(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    desk.post("/admin/settlement/sign", signing(desk, reviewed[:1]) | {"code": phone.next()})
    page = desk.post("/admin/settlement/sign", deed="approve", row=str(reviewed[1])).text
    assert 'name="code"' not in page

    desk.post("/admin/settlement/sign", deed="approve", stage="apply", row=re.findall(r'name="row" value="([^"]+)"', page))
    assert states(office) == ["approved", "approved"]


def test_after_five_minutes_the_code_is_asked_again(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    desk.post("/admin/settlement/sign", signing(desk, reviewed[:1]) | {"code": phone.next()})
    later = datetime.now(UTC) + timedelta(minutes=6)
    with realtime.ticking(lambda: later):
        signing(desk, reviewed[1:])


def test_the_page_of_a_case_asks_too_and_keeps_what_was_typed(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    with looking(office):
        case = db.session.get(Settlement, reviewed[0]).case_id
    page = desk.get(f"/admin/case/details/?id={case}").text
    form = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("version", "seen")}
    form |= {"step": "approve", "on": "2021-09-19"}

    answer = desk.post(f"/admin/case/{case}/step", form)
    assert (answer.status_code, 'value="2021-09-19"' in answer.text) == (422, True)
    assert set(states(office)) == {"reviewed"}
    assert desk.post(f"/admin/case/{case}/step", form | {"code": phone.next()}).status_code == 302
    assert states(office).count("approved") == 1


def test_many_cases_at_once_ask_too(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    with looking(office):
        cases = ",".join(str(db.session.get(Settlement, id).case_id) for id in reviewed)
    form = {"deed": "step-approve", "ids": cases}

    check = desk.post("/admin/case/bulk", form | {"stage": "check"}).text
    assert 'name="code"' in check
    form["ids"] = hidden(check, "ids")
    assert desk.post("/admin/case/bulk", form | {"stage": "apply"}).status_code == 422
    assert set(states(office)) == {"reviewed"}
    assert desk.post("/admin/case/bulk", form | {"stage": "apply", "code": phone.next()}).status_code == 200
    assert set(states(office)) == {"approved"}


def test_a_code_that_approved_counts_as_used_even_if_the_approval_fails(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    form = signing(desk, reviewed[:1])
    code = phone.next()
    desk.post("/admin/settlement/sign", form | {"row": f"{reviewed[0]}:99", "code": code})

    assert set(states(office)) == {"reviewed"}
    pardoned(office)
    assert half(office).post("/login/code", code=code).status_code == 401


def test_guessing_codes_at_the_desk_locks_and_ends_the_session(office, reviewed):
    phone = with_phone(office)
    desk = entered(office, phone)
    form = signing(desk, reviewed[:1])
    for _ in range(5):
        desk.post("/admin/settlement/sign", form | {"code": "000000"})

    assert desk.get("/admin/").location.startswith("/login")
    with looking(office):
        assert the_user(APPROVER).locked_until > realtime.now()
