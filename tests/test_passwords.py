"""Passwords: what may be one, how long, the last five; codes that sign in once; logins that end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import conftest
import pytest
from argon2 import Type
from click.testing import CliRunner
from factories import PASSWORD, TIANNING, seeing_as
from screening import Desk, hidden, looking
from sqlalchemy import select
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from models import passwords, realtime
from models.base import db
from models.passwords import OldPassword, check_password, one_time, password_fits
from models.user import SHANGHAI, User
from models.words import Refusal
from portal.cli import main

GOOD, BETTER = "Test-Pass-2021!", "Xk-Sdfpq-83726"
TOWN = f"township-{TIANNING}"

GUESSED, CONTEXT, NAMED, PLAIN, LONG = "easily guessed", "everybody here", "user name or the name", "at least 10", "at most 256"


@pytest.mark.parametrize(("password", "why"), [
    ("Short-1a", PLAIN), ("", PLAIN), ("onlysmallletters", PLAIN), ("lower1234567", PLAIN), ("UPPER1234567", PLAIN),
    ("Aa1-" + "x7Q!" * 64, LONG),
    ("Zhangsan-4711!", NAMED), ("Xx-ZHANG-san-42", NAMED), ("张三-Blau-4711", NAMED), ("Zhao.Clerk-82736", NAMED),
    ("Zh4ng5an-88-Qw", NAMED),
    ("Portal-2021-go", CONTEXT), ("P0rt4l-2021-xy", CONTEXT), ("Jiaocheng-2021", CONTEXT), ("County-88-Blau", CONTEXT),
    ("Yang-Lao-2021!", CONTEXT), ("SheBao@20210919", CONTEXT), ("My-Pension-4711", CONTEXT),
    ("Passw0rd!2021", GUESSED), ("P@ssw0rd123", GUESSED), ("Password123!", GUESSED), ("Qwertyuiop1!", GUESSED),
    ("Admin@123456", GUESSED), ("Aa1234567890", GUESSED), ("Aa123456!!", GUESSED), ("1qaz@WSX3edc", GUESSED),
    ("Iloveyou-2021!", GUESSED), ("Welcome-2021", GUESSED), ("Abcd1234!!", GUESSED)])
def test_a_weak_password_is_refused_and_told_why(password, why):
    with pytest.raises(Refusal, match=why):
        check_password(password, "zhao.clerk", "张三")


@pytest.mark.parametrize("password", [
    GOOD, BETTER, "Another-2021-word", "Drei Birnen im Hut 7", "四个Birnen在Hut里9", "Zs-Blaue-Birne-7",
    "Correct horse 4 battery", ("Abcx7-" * 11)[:64], ("qT7-mW2.zK9!" * 22)[:256]])
def test_a_password_of_ones_own_is_taken(password):
    check_password(password, "zs", "张三")


def test_the_three_thousand_commonest_fall_with_the_usual_decorations():
    words = [word for word in FREQUENCY_LISTS["passwords"][:3000] if word.isalpha()]
    decorated = [text for word in words for text in (f"{word.capitalize()}2021!!!!", f"#1{word.capitalize()}-1234",
                                                     f"{word.capitalize()}@123456")]

    assert len(words) > 2000
    assert [text for text in decorated if not _refused(text)] == []


def _refused(password: str) -> bool:
    try:
        check_password(password, "nobody", "某")
    except Refusal:
        return True
    return False


def test_a_one_time_code_fits_every_rule_and_never_repeats():
    codes = {one_time() for _ in range(200)}

    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(r"[A-Z]{2}-[a-z]{5}-[2-9]{5}", code)


# ---- the last five

def test_none_of_the_last_five_comes_back_and_the_sixth_may(county, session):
    user = county.clerk
    series = [f"Nr-{n}-Blaue-Birne" for n in range(6)]
    with seeing_as(county.admin):
        for password in series:
            user.set_password(password)
            session.commit()
        for password in series[1:]:
            with pytest.raises(Refusal, match="last five"):
                user.set_password(password)
        user.set_password(series[0])
        session.commit()

    assert password_fits(user, series[0])
    assert session.query(OldPassword).filter_by(user_id=user.id).count() == 4


def test_a_code_in_between_does_not_bring_the_old_password_back(county, session):
    user = county.clerk
    with seeing_as(county.admin):
        user.set_password(GOOD)
        user.give_code()
        session.commit()
        with pytest.raises(Refusal, match="last five"):
            user.set_password(GOOD)


def test_a_hash_costs_what_rfc_9106_asks_of_machines_with_little_memory():
    real = conftest.HASHER
    assert (real.type, real.memory_cost, real.time_cost, real.parallelism) == (Type.ID, 65536, 3, 4)
    assert passwords.hasher is not real, "the tests' own is cheap"


def test_only_hashes_of_argon2id_are_kept(county, session):
    user = county.clerk
    with seeing_as(county.admin):
        user.set_password(GOOD)
        user.set_password(BETTER)
        session.commit()

    kept = [user.password_hash, *session.scalars(select(OldPassword.password_hash))]
    assert len(kept) == 3
    assert all(text.startswith("$argon2id$") for text in kept)


# ---- on screen, outside the demo

@pytest.fixture
def office(served):
    """The portal as a county runs it at grade 2: passwords alone, and all that is owed."""
    return served(second_factor=False)


def entered(app, username: str, password: str) -> Desk:
    desk = Desk(app)
    desk.get("/login")
    assert desk.post("/login", username=username, password=password).status_code == 302
    return desk


def refused(app, username: str, password: str) -> str:
    desk = Desk(app)
    desk.get("/login")
    answer = desk.post("/login", username=username, password=password)
    assert answer.status_code == 401
    return re.sub(r'(name="(?:csrf_token|once)" value=)"[^"]*"', r"\1", answer.text)


def change(app, username: str, **values: object) -> tuple[int, int]:
    """Set columns of a user behind the screens; id and version."""
    with looking(app):
        user = db.session.scalars(select(User).where(User.username == username)).one()
        for name, value in values.items():
            setattr(user, name, value)
        db.session.flush()
        return user.id, user.version


def code_for(app, username: str = TOWN) -> str:
    """A one-time code, made by the administrator on the user's page."""
    desk = Desk(app, "county_admin")
    id, version = change(app, username)
    page = desk.follow(desk.post(f"/admin/user/{id}/password", version=version)).text
    return re.search(r"只显示这一次）：(\S+?)<", page)[1]


def grants_the_post(app, username: str) -> None:
    """The security administrator, on the user's page."""
    desk = Desk(app, "security_admin")
    page = f"/admin/user/details/?id={change(app, username)[0]}"
    asked = re.search(r'name="post" value="(\d+)"><input type="hidden" name="version" value="(\d+)"', desk.get(page).text)
    answer = desk.post(page.replace("details/?id=", "") + "/grant", post=asked[1], version=asked[2])
    assert answer.status_code == 302


def ago(**span: int) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def test_a_one_time_code_leads_to_a_password_of_ones_own_and_nowhere_else(office):
    code = code_for(office)
    desk = entered(office, TOWN, code)

    for url in ("/admin/", "/admin/case/", "/admin/case/details/?id=1", "/admin/ranking/", "/admin/task/?id=1"):
        assert desk.get(url).location == "/admin/account/"
    page = desk.get("/admin/account/").text
    assert "请先设置自己的密码" in page
    assert "/admin/case/" not in page
    assert desk.post("/admin/case/bulk", deed="accept", ids="1").location == "/admin/account/"
    for wrong in ({"old": "nothing", "new": GOOD, "again": GOOD}, {"old": code, "new": "short", "again": "short"},
                  {"old": code, "new": GOOD, "again": BETTER}, {"old": code, "new": code, "again": code}):
        assert desk.post("/admin/account/password", wrong).status_code == 422
    assert desk.get("/admin/").location == "/admin/account/"
    assert desk.post("/admin/account/password", old=code, new=GOOD, again=GOOD).location == "/admin/"
    assert desk.get("/admin/").status_code == 200
    assert entered(office, TOWN, GOOD).get("/admin/").status_code == 200


def test_a_code_signs_in_once(office):
    code = code_for(office)
    entered(office, TOWN, code)

    assert refused(office, TOWN, code) == refused(office, TOWN, "wrong")


def test_a_code_lives_24_hours(office):
    code = code_for(office)
    with realtime.ticking(lambda: datetime.now(UTC) + timedelta(hours=23, minutes=59)):
        entered(office, TOWN, code)
    code = code_for(office)
    with realtime.ticking(lambda: datetime.now(UTC) + timedelta(hours=24)):
        assert refused(office, TOWN, code) == refused(office, TOWN, "wrong")


def test_an_administrators_code_is_in_no_trail_and_the_old_password_is_dead(office):
    code = code_for(office)

    assert code not in Desk(office, "county_admin").get("/admin/audit/").text
    refused(office, TOWN, PASSWORD)


def test_a_new_user_gets_a_code_and_an_end(office):
    desk = Desk(office, "county_admin")
    answer = desk.post("/admin/user/new/", username="neu", name="新人", role="township", township=TIANNING,
                       basis="任命〔2021〕8号", ends_on="2099-12-31")
    code = re.search(r"只显示这一次）：(\S+?)<", desk.follow(answer).text)[1]

    assert refused(office, "neu", code) == refused(office, "neu", "wrong")
    grants_the_post(office, "neu")
    assert entered(office, "neu", code).get("/admin/").location == "/admin/account/"
    assert "2099-12-31" in desk.get(f"/admin/user/details/?id={change(office, 'neu')[0]}").text


def test_a_code_that_waited_for_the_grant_lives_24_hours_from_it(office):
    desk = Desk(office, "county_admin")
    answer = desk.post("/admin/user/new/", username="neu", name="新人", role="township", township=TIANNING,
                       basis="任命〔2021〕8号")
    code = re.search(r"只显示这一次）：(\S+?)<", desk.follow(answer).text)[1]
    change(office, "neu", code_until=ago(days=3))
    grants_the_post(office, "neu")
    since = datetime.now(UTC)
    with realtime.ticking(lambda: since + timedelta(hours=25)):
        assert refused(office, "neu", code) == refused(office, "neu", "wrong")
    with realtime.ticking(lambda: since + timedelta(hours=23)):
        assert entered(office, "neu", code).get("/admin/").location == "/admin/account/"


@pytest.mark.parametrize(("days", "home", "warned"), [
    (0, True, False), (75, True, False), (76, True, True), (89, True, True), (90, False, False), (400, False, False)])
def test_a_password_is_warned_of_from_day_76_and_changed_after_90(office, days, home, warned):
    change(office, TOWN, password_set_at=ago(days=days, minutes=1))
    desk = entered(office, TOWN, PASSWORD)
    answer = desk.get("/admin/")

    assert (answer.status_code == 200) is home
    assert ("天内修改密码" in answer.text) is warned
    if not home:
        assert "超过 90 天" in desk.follow(answer).text


def test_nobody_is_stopped_in_the_middle_of_work(office):
    desk = entered(office, TOWN, PASSWORD)
    change(office, TOWN, password_set_at=ago(days=89, hours=23, minutes=59))
    assert desk.get("/admin/").status_code == 200
    since = datetime.now(UTC)
    with realtime.ticking(lambda: since + timedelta(minutes=10)):
        assert desk.get("/admin/").status_code == 200
        assert entered(office, TOWN, PASSWORD).get("/admin/").location == "/admin/account/"


@pytest.mark.parametrize(("left", "open_"), [(1, True), (0, True), (-1, False)])
def test_a_login_ends_after_its_last_day(office, left, open_):
    change(office, TOWN, ends_on=datetime.now(SHANGHAI).date() + timedelta(days=left))

    if open_:
        assert entered(office, TOWN, PASSWORD).get("/admin/").status_code == 200
    else:
        assert refused(office, TOWN, PASSWORD) == refused(office, TOWN, "wrong")


def test_a_live_session_ends_with_the_login(office):
    desk = entered(office, TOWN, PASSWORD)
    change(office, TOWN, ends_on=(ago(days=2)).date())

    assert desk.get("/admin/").location.startswith("/login")


def test_the_administrator_sets_the_last_day_and_sees_who_is_unused(office):
    id, version = change(office, TOWN, last_seen_on=ago(days=120).date())
    desk = Desk(office, "county_admin")

    assert "已 90 天未使用" in desk.get("/admin/user/").text
    assert desk.post(f"/admin/user/{id}/ends", version=version, ends_on="nonsense").status_code in (302, 409)
    assert desk.post(f"/admin/user/{id}/ends", version=version, ends_on="2099-01-02").status_code == 302
    page = desk.get(f"/admin/user/details/?id={id}").text
    assert hidden(page, "ends_on") == "2099-01-02"
    assert desk.post(f"/admin/user/{id}/ends", version=version, ends_on="").status_code == 409


def test_ones_own_password_ends_every_other_session(office):
    desk, other = entered(office, TOWN, PASSWORD), None
    copied = desk.client.get_cookie("session").value
    desk.get("/admin/account/")
    assert desk.post("/admin/account/password", old=PASSWORD, new=GOOD, again=GOOD).location == "/admin/"
    other = Desk(office)
    other.client.set_cookie("session", copied)

    assert desk.get("/admin/").status_code == 200
    assert other.get("/admin/").location.startswith("/login")


def test_guessing_the_present_password_locks_like_signing_in(office):
    desk = entered(office, TOWN, PASSWORD)
    desk.get("/admin/account/")
    for _ in range(5):
        desk.post("/admin/account/password", old="guess", new=GOOD, again=GOOD)

    assert desk.get("/admin/").location.startswith("/login")
    assert refused(office, TOWN, PASSWORD) == refused(office, TOWN, "wrong")


def test_known_and_unknown_users_get_the_same_page(office):
    known = refused(office, TOWN, "wrong")

    assert known == refused(office, "nobody", "wrong").replace("nobody", TOWN)


def test_the_demo_signs_in_by_password_alone_and_says_so(portal):
    change(portal, TOWN, password_set_at=ago(days=400))
    code = code_for(portal, "county_clerk")

    assert "演练中只凭密码登录" in Desk(portal).get("/login").text
    assert entered(portal, TOWN, PASSWORD).get("/admin/").status_code == 200
    for _ in range(2):
        assert entered(portal, "county_clerk", code).get("/admin/").status_code == 200


# ---- by command

@pytest.fixture
def shell(database, tmp_path, monkeypatch):
    for name, value in {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": database, "PORTAL_NOW": "",
                        "PORTAL_LOCALE": "en", "PORTAL_USER_PASSWORD": GOOD}.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(main, list(words))


def test_a_user_of_the_prompt_has_a_password_of_their_own(shell, office):
    assert shell("user", "add", "neu", "--role", "township", "--area", TIANNING).exit_code == 0

    assert entered(office, "neu", GOOD).get("/admin/").status_code == 200


@pytest.mark.parametrize("words", [
    ("add", "neu", "--role", "township", "--area", TIANNING, "--one-time"), ("password", TOWN, "--one-time")])
def test_a_code_is_printed_on_demand(shell, office, words):
    result = shell("user", *words)
    code = re.search(r"[A-Z]{2}-[a-z]{5}-[2-9]{5}", result.stdout)[0]

    assert result.exit_code == 0
    assert entered(office, words[1], code).get("/admin/").location == "/admin/account/"


def test_a_password_is_set_by_command_under_the_same_rules(shell, office, monkeypatch):
    assert shell("user", "password", TOWN).exit_code == 0
    assert entered(office, TOWN, GOOD).get("/admin/").status_code == 200
    again = shell("user", "password", TOWN)
    assert (again.exit_code, "last five" in again.stderr) == (1, True)
    monkeypatch.setenv("PORTAL_USER_PASSWORD", "Portal-2021-go")
    assert shell("user", "password", TOWN).exit_code == 1
    assert shell("user", "password", "nobody").exit_code == 1
    assert shell("user", "reset-code", "nobody").exit_code == 1
