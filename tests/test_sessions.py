"""Sessions: when they begin and end, that a copied cookie ends with them, and that wrong passwords are slowed down."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from click.testing import CliRunner
from factories import COUNTY, PASSWORD, TIANNING, XIAJIAYING, moved_to
from phones import the_user
from screening import Desk, Page, looking
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from stages import outsider

from models import schema, signin
from models.audit import AuditEntry
from models.base import db
from models.scope import everything
from models.signin import SignIn
from models.words import Refusal
from portal.cli import main
from portal.settings import Settings

TOWN = f"township-{TIANNING}"
PAGES = ("/admin/", "/admin/case/", "/admin/village/", "/admin/document/", "/draft")
FORMS = ("/admin/handing/plan", "/stay", "/logout", "/draft", "/admin/case/bulk")


@pytest.fixture
def app(portal, clock):
    return portal


def last(name: str = TOWN) -> SignIn:
    return db.session.scalars(select(SignIn).where(SignIn.user_id == the_user(name).id).order_by(SignIn.id.desc())).first()


def signed_in(desk: Desk) -> bool:
    return desk.get("/admin/").status_code == 200


# Ends

def changes(**values: object):
    def change(app, clock, desk):
        with looking(app):
            changed = the_user(TOWN)
            for name, value in values.items():
                setattr(changed, name, value)
    return change


def moves(role: str, area: str):
    def move(app, clock, desk):
        with looking(app):
            moved_to(the_user(TOWN), role, area)
    return move


def new_password(app, clock, desk):
    with looking(app):
        the_user(TOWN).set_password("Another-2021-word")


def pressed(verb: str):
    def press(app, clock, desk):
        with looking(app):
            id, version = the_user(TOWN).id, the_user(TOWN).version
        assert Desk(app, "county_admin").post(f"/admin/user/{id}/{verb}", version=version).status_code == 302
    return press


def ended_in_the_list(app, clock, desk):
    with looking(app):
        id = last().id
    assert Desk(app, "county_admin").post(f"/admin/signin/{id}/end").status_code == 302


ENDS = {
    "signing out": (lambda app, clock, desk: desk.post("/logout"), "signed_out"),
    "signing in elsewhere": (lambda app, clock, desk: Desk(app, TOWN), "elsewhere"),
    "15 minutes without use": (lambda app, clock, desk: clock.on(minutes=15), None),
    "8 hours, always used": (lambda app, clock, desk: [clock.on(minutes=10) or desk.get("/admin/") for _ in range(48)], None),
    "being disabled": (changes(active=False), "disabled"),
    "another area": (moves("township", XIAJIAYING), "moved"),
    "another post": (moves("auditor", COUNTY), "moved"),
    "a new password": (new_password, "password"),
    "a new password by the county": (pressed("password"), "password"),
    "being disabled by the county": (pressed("active"), "disabled"),
    "the county's button": (pressed("sessions"), "by_admin"),
    "the list of who is signed in": (ended_in_the_list, "by_admin")}


@pytest.mark.parametrize("end", ENDS)
def test_a_copied_cookie_ends_with_the_session(app, clock, end):
    desk, (act, why) = Desk(app, TOWN), ENDS[end]
    assert signed_in(desk)
    copied, token = desk.client.get_cookie("session").value, desk.token
    act(app, clock, desk)
    before = None
    thief = app.test_client()
    thief.set_cookie("session", copied)
    with looking(app):
        before = db.session.scalar(select(func.count(AuditEntry.id)))
        assert last().ended_why == (why if end != "signing in elsewhere" else None)
        assert end != "signing in elsewhere" or db.session.get(SignIn, last().id - 1).ended_why == why
    answers = [thief.get(url) for url in PAGES] + [thief.post(url, data={"csrf_token": token}) for url in FORMS]
    assert [answer.location.partition("?")[0] for answer in answers] == ["/login"] * len(answers)
    with looking(app):
        assert db.session.scalar(select(func.count(AuditEntry.id))) == before


def test_so_many_replays_were_tried():
    assert len(ENDS) * (len(PAGES) + len(FORMS)) >= 100


def test_a_cookie_of_nobody_is_nobody_s(app):
    client = app.test_client()
    for token in ("", "x", "0" * 64):
        with client.session_transaction() as cookie:
            cookie["token"] = token
        assert client.get("/admin/").location.startswith("/login"), token


def test_what_is_no_change_of_the_login_ends_nothing(app, clock):
    desk = Desk(app, TOWN)
    changes(name="王小明", failures=2, active=True)(app, clock, desk)
    assert signed_in(desk)


def test_a_session_lasts_as_long_as_it_is_used_and_no_longer_than_eight_hours(app, clock):
    desk = Desk(app, TOWN)
    for _ in range(34):
        clock.on(minutes=14)
        assert signed_in(desk)
    clock.on(minutes=3, seconds=59)
    assert signed_in(desk)
    clock.on(seconds=1)
    assert not signed_in(desk)


def test_a_form_that_is_refused_is_use_too(app, clock):
    desk = Desk(app, TOWN)
    for _ in range(3):
        clock.on(minutes=10)
        assert desk.post("/admin/case/999/step", step="x").status_code == 404
    assert signed_in(desk)


def test_who_types_may_say_so(app, clock):
    desk = Desk(app, TOWN)
    for _ in range(3):
        clock.on(minutes=13)
        answer = desk.post("/stay")
        assert answer.json["idle"] == 900
    assert answer.json["life"] == 8 * 3600 - 39 * 60
    clock.on(minutes=14)
    assert signed_in(desk)


def test_saying_so_needs_the_token_of_the_page(app, clock):
    desk = Desk(app, TOWN)
    clock.on(minutes=13)
    assert desk.client.post("/stay").status_code == 400
    clock.on(minutes=3)
    assert not signed_in(desk)


def test_a_page_tells_how_long_the_session_lasts(app, clock):
    desk = Desk(app, TOWN)
    clock.on(seconds=50)
    text = desk.get("/admin/").text
    assert 'data-idle="850" data-life="28750"' in text


# Being seen

def test_being_seen_is_written_once_a_minute_and_leaves_no_trail(app, clock):
    desk = Desk(app, TOWN)

    def seen() -> tuple:
        signed_in(desk)
        with looking(app):
            return last().seen_at, db.session.scalar(select(func.count(AuditEntry.id)))
    first, entries = seen()
    clock.on(seconds=50)
    assert seen() == (first, entries)
    clock.on(seconds=20)
    later, entries_later = seen()
    assert later - first == timedelta(seconds=70)
    assert entries_later == entries


def test_no_page_waits_for_a_database_that_is_busy(app, clock, database):
    desk = Desk(app, TOWN)
    clock.on(minutes=5)
    other = outsider(database)
    with other.connect() as connection:  # another writer holds the row, and with SQLite the whole database
        if other.dialect.name == "sqlite":
            connection.connection.isolation_level = None
        connection.execute(text("BEGIN IMMEDIATE" if other.dialect.name == "sqlite" else "SELECT 1"))
        connection.execute(text("UPDATE sign_in SET browser = 'x'"))
        assert signed_in(desk)
        connection.execute(text("ROLLBACK")) if other.dialect.name == "sqlite" else connection.rollback()
    other.dispose()
    with looking(app):
        assert last().seen_at == last().began_at
    assert signed_in(desk)
    with looking(app):
        assert last().seen_at - last().began_at == timedelta(minutes=5)


def test_a_hurried_connection_is_patient_again_afterwards(app):
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            for _ in range(8):
                with schema.hurried(db.engine) as connection:
                    connection.execute(text("SELECT 1"))
            assert db.session.scalar(text("PRAGMA busy_timeout")) == 20000


# One each

def test_the_database_holds_one_live_session_for_each_person(app):
    Desk(app, TOWN)
    with app.app_context(), everything("test"):
        row = last()
        db.session.add(SignIn(user_id=row.user_id, area_code=row.area_code, key_hash="x", began_at=row.began_at,
                              seen_at=row.seen_at, address="", browser=""))
        with pytest.raises(IntegrityError):
            db.session.flush()


def test_of_five_who_sign_in_with_one_name_at_the_same_moment_one_stays(app):
    desks = [Desk(app) for _ in range(5)]
    start = Barrier(5)
    for desk in desks:
        desk.get("/login")

    def enter(desk: Desk) -> int:
        start.wait(10)
        return desk.post("/login", username=TOWN, password=PASSWORD).status_code
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(enter, desks)) == [302] * 5
    assert sum(desk.get("/admin/").status_code == 200 for desk in desks) == 1


# The cookie and the row

def test_the_cookie_holds_the_token_the_secret_of_forms_and_the_language(app):
    desk = Desk(app, TOWN)
    desk.post("/language", locale="zh_Hans_CN", next="/admin/")
    with desk.client.session_transaction() as cookie:
        assert set(cookie) == {"token", "csrf_token", "locale"}
        token = cookie["token"]
    with looking(app):
        row = last()
        assert token not in [getattr(row, column.key) for column in SignIn.__mapper__.columns]
        assert (row.area_code, row.address, row.browser[:8], row.ended_at) == (TIANNING, "127.0.0.1", "Werkzeug", None)


def test_each_sign_in_has_a_token_and_a_secret_of_its_own(app):
    desk, cookies = Desk(app, TOWN), []
    for _ in range(2):
        with desk.client.session_transaction() as cookie:
            cookies.append((cookie["token"], cookie["csrf_token"]))
        desk.post("/logout")
        desk.get("/login")
        assert desk.post("/login", username=TOWN, password=PASSWORD).status_code == 302
        desk.get("/admin/")
    assert cookies[0][0] != cookies[1][0]
    assert cookies[0][1] != cookies[1][1]


@pytest.mark.parametrize(("minutes", "words"), [(15, "15 分钟没有操作"), (1, None)])
def test_the_sign_in_page_says_why_one_is_there(app, clock, minutes, words):
    desk = Desk(app, TOWN)
    clock.on(minutes=minutes)
    page = desk.get("/login").text
    assert ('role="alert"' in page) is (words is not None)
    assert (words or "登录") in page


def test_signing_in_elsewhere_is_told_where_it_ended(app):
    desk = Desk(app, TOWN)
    Desk(app, TOWN)
    assert "已在别处登录" in desk.follow(desk.get("/admin/")).text


# Wrong passwords from one address

def tries(app, clock, username: str = "nobody", address: str = "10.1.1.1", password: str = "wrong"):
    desk = Desk(app)
    desk.get("/login")
    return desk.client.post("/login", data={"csrf_token": desk.token, "username": username, "password": password},
                            environ_base={"REMOTE_ADDR": address})


WAITS = (0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60)


@pytest.mark.parametrize("username", ["nobody", TOWN])
def test_an_address_waits_longer_after_each_wrong_try(app, clock, username):
    for number, seconds in enumerate(WAITS, 1):
        assert tries(app, clock, username).status_code == 401, number
        if seconds:
            answer = tries(app, clock, username)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(seconds)), number
            clock.on(seconds=seconds - 0.5)
            assert tries(app, clock, username).headers["Retry-After"] == "1", number
            clock.on(seconds=0.5)


def test_who_has_to_wait_learns_nothing_and_the_right_password_waits_too(app, clock):
    for _ in range(3):
        tries(app, clock)
    with looking(app):
        before = db.session.scalar(select(func.count(AuditEntry.id)))
    answers = [tries(app, clock, name, password=password)
               for name, password in (("nobody", "wrong"), (TOWN, "wrong"), (TOWN, PASSWORD))]
    assert {answer.status_code for answer in answers} == {429}
    assert len({answer.text.replace(TOWN, "nobody").split("csrf_token")[0] for answer in answers}) == 1
    with looking(app):
        assert db.session.scalar(select(func.count(AuditEntry.id))) == before
        assert the_user(TOWN).failures == 0


def test_another_address_need_not_wait(app, clock):
    for _ in range(3):
        tries(app, clock)
    assert tries(app, clock, address="10.1.1.2").status_code == 401
    assert tries(app, clock, TOWN, address="10.1.1.2", password=PASSWORD).status_code == 302


@pytest.mark.parametrize("forgiven", ["by signing in", "by an hour"])
def test_wrong_tries_are_forgiven(app, clock, forgiven):
    for _ in range(3):
        tries(app, clock)
    clock.on(seconds=2)
    if forgiven == "by signing in":
        assert tries(app, clock, TOWN, password=PASSWORD).status_code == 302
    else:
        clock.on(hours=1)
    assert [tries(app, clock).status_code for _ in range(4)] == [401, 401, 401, 429]


def test_the_number_of_proxies_is_a_small_number(monkeypatch, tmp_path):
    for text_, wanted in (("", 0), ("2", 2)):
        monkeypatch.setenv("PORTAL_PROXIES", text_)
        assert Settings.from_env().proxies == wanted
    for text_ in ("x", "-1", "10", "1.5", "٣"):
        monkeypatch.setenv("PORTAL_PROXIES", text_)
        with pytest.raises(Refusal, match="PORTAL_PROXIES"):
            Settings.from_env()


@pytest.mark.parametrize(("given", "processors", "wanted"), [
    ("", 2, 2), ("", 64, 4), ("", None, 1), ("1", 8, 1), ("9", 2, 9)])
def test_so_many_processes_answer_browsers(monkeypatch, tmp_path, given, processors, wanted):
    monkeypatch.setenv("PORTAL_WEB_PROCESSES", given)
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    assert Settings.from_env(data_dir=tmp_path).web_processes == wanted


@pytest.mark.parametrize("given", ["0", "10", "-1", "two", "²"])
def test_none_is_too_few_and_words_are_no_number(monkeypatch, given):
    monkeypatch.setenv("PORTAL_WEB_PROCESSES", given)
    with pytest.raises(Refusal, match="PORTAL_WEB_PROCESSES"):
        Settings.from_env()


# Who is signed in

def test_the_list_names_who_is_signed_in_and_nobody_else(app, clock):
    Desk(app, "county_clerk")
    clock.on(minutes=20)
    Desk(app, TOWN)
    Desk(app, "auditor").post("/logout")
    admin = Desk(app, "county_admin")
    page = admin.get("/admin/signin/").text
    assert f"{TOWN}<" in page
    assert "天宁镇" in page
    assert "127.0.0.1" in page
    assert ("county_clerk" in page, "auditor" in page) == (False, False)
    assert page.count("formaction=") == 1  # one's own has no button
    assert "本人" in page
    assert not admin.english(Page(page))


def test_one_s_own_session_is_not_ended_in_the_list(app):
    admin = Desk(app, "county_admin")
    with looking(app):
        id = last("county_admin").id
    assert admin.post(f"/admin/signin/{id}/end").status_code in (302, 409)
    assert signed_in(admin)


def test_a_session_that_has_ended_cannot_be_ended(app, clock):
    desk = Desk(app, TOWN)
    with looking(app):
        id = last().id
    desk.post("/logout")
    admin = Desk(app, "county_admin")
    assert [admin.post(f"/admin/signin/{each}/end").status_code for each in (id, 999, "x")] == [404] * 3


@pytest.mark.parametrize("agent", [
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36", "Chrome 120, Windows"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/121.0", "Edg 121, Windows"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128, Linux"),
    ("<script>" + "x" * 300, "&lt;script&gt;xxxx")])
def test_the_list_names_the_browser(app, agent):
    desk = Desk(app)
    desk.get("/login")
    desk.client.post("/login", data={"csrf_token": desk.token, "username": TOWN, "password": PASSWORD},
                     headers={"User-Agent": agent[0]})
    assert agent[1] in Desk(app, "county_admin").get("/admin/signin/").text


def test_the_model_finds_nobody_by_the_hash_of_a_token(app):
    Desk(app, TOWN)
    with looking(app):
        assert signin.find(last().key_hash) is None


# By command

@pytest.fixture
def run(app, monkeypatch, database, tmp_path):
    """Runs a command on the portal's own database."""
    for name, value in {"DATABASE_URL": database, "DATA_DIR": str(tmp_path), "LOCALE": "en", "NOW": "", "REDIS_URL": ""}.items():
        monkeypatch.setenv(f"PORTAL_{name}", value)
    return lambda *words: CliRunner().invoke(main, list(words), catch_exceptions=False)


def test_commands_list_sessions_and_end_them(app, run):
    desk, clerk = Desk(app, TOWN), Desk(app, "county_clerk")
    listed = json.loads(run("sessions", "--json").stdout)["sessions"]
    assert [(each["user"], each["address"]) for each in listed] == [("county_clerk", "127.0.0.1"), (TOWN, "127.0.0.1")]
    assert run("sessions").stdout.endswith("2 people are signed in.\n")
    ended = run("sessions", "end", TOWN)
    assert (ended.exit_code, ended.stdout) == (0, f"{TOWN} is signed out.\n")
    assert (signed_in(desk), signed_in(clerk)) == (False, True)
    with looking(app):
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.act, entry.row_id, entry.origin) == ("end_sessions", the_user(TOWN).id, "command")
        assert last().ended_why == "by_admin"


def test_nobody_s_session_cannot_be_ended(run):
    refused = run("sessions", "end", "nobody")
    assert (refused.exit_code, refused.stderr) == (1, "There is no user “nobody”.\n")
