"""Nothing typed is lost with a session: a form that came too late is kept for its person, shown, and sent on."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from factories import PASSWORD
from peopled import HERE, OTHER, TOWN
from screening import TOKENS, Clock, Desk, Page, looking
from sqlalchemy import select

from models.base import db
from models.campaign import Handout
from models.draft import Draft
from models.user import User
from portal import drafts

TYPED = "王\"<b>&'\n第二行　㐂𠮷 "


class Forms(HTMLParser):
    """The forms to post of a page: (address, [(name, what would be sent)]), everything that can be typed in filled in."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []
        self.fields: list | None = None
        self.select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form" and given.get("method", "").lower() == "post":
            self.fields = []
            self.found.append((given.get("action") or "", self.fields))
        elif self.fields is None or not (given.get("name") or tag == "option"):
            return
        elif tag == "input" and given.get("type") == "hidden":
            self.fields.append((given["name"], given.get("value") or ""))
        elif tag in ("input", "textarea") and given.get("type") not in ("file", "radio", "checkbox"):
            self.fields.append((given["name"], TYPED))
        elif tag == "input" and given.get("type") != "file":
            self.fields.append((given["name"], given.get("value") or "on"))
        elif tag == "select":
            self.select = given["name"]
        elif tag == "option" and self.select and given.get("value"):
            self.fields.append((self.select, given["value"]))
            self.select = None

    def handle_endtag(self, tag):
        if tag == "form":
            self.fields = None


@pytest.fixture(scope="module")
def place(townships):
    with townships.opened("drafts") as app:
        yield townships, app, townships.ids["here"]


@pytest.fixture
def app(place):
    townships, app, _ids = place
    with app.app_context():
        db.engine.dispose()
    townships.fresh("drafts")
    app.extensions["real_now"] = Clock()
    return app


@pytest.fixture
def clock(app) -> Clock:
    return app.extensions["real_now"]


def back(app, desk: Desk, username: str = TOWN):
    """Sign in again in the same browser; where that leads."""
    desk.get("/login")
    return desk.post("/login", username=username, password=PASSWORD)


def late(desk: Desk, clock: Clock, url: str = "/admin/handing/plan", **fields: str):
    clock.on(minutes=15)
    return desk.post(url, fields or {"leader": "张三", "members": "李四、王五"})


def waiting() -> list[Draft]:
    """What was kept here; the second clerks of both townships have theirs from the start."""
    return list(db.session.scalars(select(Draft).join(User).where(User.username.not_like("second-%"))))


def typed(kept: Draft) -> list[list[str]]:
    """Its fields without its key, which goes on with it."""
    return [field for field in kept.fields if field[0] != "once"]


def count(app) -> int:
    with looking(app):
        return len(waiting())


PAGES = {
    TOWN: ("/admin/handing/", "/admin/case/", "/admin/document/", "/admin/certificate/", "/admin/case/details/?id={}"),
    "county_admin": ("/admin/user/new/", "/admin/rate/new/", "/admin/campaign/edit/?id=1", "/admin/township/edit/?id=1",
                     "/admin/village/edit/?id=1", "/admin/user/details/?id=5", "/admin/ranking/", "/admin/signin/"),
    "county_clerk": ("/admin/handing/", "/admin/roster/", "/admin/ranking/", "/admin/case/{}/correct", "/admin/case/{}/benefit",
                     "/admin/case/details/?id={}")}


def forms(app, ids: dict, post: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The forms on the pages of a post that are more than a button, each kind once; the frame around the pages left out."""
    desk, found = Desk(app, post), {}
    for page in PAGES[post]:
        for url in [page.format(case) for case in range(ids["case"], ids["case"] + 10)] if "{}" in page else [page]:
            for address, fields in Forms(desk.get(url).text).found:
                address = address or url
                if address.startswith("/admin/") and address != "/admin/find/" and {name for name, _ in fields} > set(TOKENS):
                    kind = re.sub(r"\d+", "N", address), *sorted({name for name, _ in fields})
                    found.setdefault(kind, (address, fields))
    return list(found.values())


@pytest.mark.parametrize(("end", "most", "least"), [("idle", 9, 20), ("elsewhere", 2, 6)])
def test_no_field_of_twenty_forms_is_lost(app, place, clock, end, most, least):
    sent = 0
    for post in PAGES:
        for address, fields in forms(app, place[2], post)[:most]:
            desk = Desk(app, post)
            typed = [(name, desk.token if name == "csrf_token" else value) for name, value in fields]
            clock.on(minutes=15) if end == "idle" else Desk(app, post)
            answer = desk.client.post(address, data=_grouped(typed), headers={"Referer": "http://localhost/admin/"})
            assert answer.location == "/login?next=/draft", address
            assert "已保留" in desk.follow(answer).text
            assert back(app, desk, post).location == "/draft"
            page = desk.get("/draft").text
            assert not desk.english(Page(page)), address
            (again, kept), _drop = Forms(page).found
            wanted = [field for field in fields if field[0] != "csrf_token"]
            assert again == address
            assert sorted(kept) == sorted([*wanted, ("csrf_token", desk.token), (drafts.MARK, "1")]), address
            sent += 1
    print(f"{sent} forms came too late ({end}); 0 fields lost")
    assert sent >= least


def _grouped(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)
    return grouped


def test_what_was_kept_is_done_when_it_is_sent_and_then_forgotten(app, place, clock):
    desk = Desk(app, TOWN)
    with looking(app):
        handout = db.session.get(Handout, place[2]["handout"])
        handout.received_at = handout.received_by = None
    late(desk, clock, "/admin/handing/receipt", handout=str(place[2]["handout"]), person="赵收件")
    back(app, desk)
    page = desk.get("/draft").text
    assert "赵收件" in page
    [(address, fields), _drop] = Forms(page).found
    assert desk.post(address, dict(fields)).status_code == 302
    with looking(app):
        assert db.session.get(Handout, place[2]["handout"]).received_by == "赵收件"
    assert count(app) == 0
    assert desk.get("/draft").location == "/admin/"


def test_what_is_refused_when_sent_is_kept_on(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock, "/admin/case/bulk", deed="none", why="登记有误")
    back(app, desk)
    [(address, fields), _drop] = Forms(desk.get("/draft").text).found
    assert desk.client.post(address, data=dict(fields), headers={"Referer": "http://localhost/draft"}).status_code == 404
    assert "登记有误" in desk.get("/draft").text


def test_a_form_that_shows_again_what_is_wrong_keeps_it_there(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock, "/admin/handing/plan", leader="张三", members="", version="1")
    back(app, desk)
    [(address, fields), _drop] = Forms(desk.get("/draft").text).found
    answer = desk.post(address, dict(fields))
    assert (answer.status_code, "张三" in answer.text, count(app)) == (422, True, 0)


def test_it_may_be_dropped(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock)
    back(app, desk)
    desk.get("/draft")
    assert desk.follow(desk.post("/draft/drop")).status_code == 200
    assert count(app) == 0


def test_the_words_of_the_form_are_shown_and_files_are_told_apart(app, clock):
    desk = Desk(app, TOWN)
    clock.on(minutes=15)
    desk.client.post("/admin/handing/plan", data={"csrf_token": desk.token, "leader": "张三", "members": "李四",
                                                  "plan": (io.BytesIO(b"%PDF-1.4"), "方案.pdf")})
    back(app, desk)
    page = desk.get("/draft").text
    assert "领导小组组长" in page or "组长" in page
    assert "张三" in page
    assert "附件没有保留" in page


@pytest.mark.parametrize("why", ["signed out", "by the county", "disabled", "a new password"])
def test_a_session_that_somebody_ended_keeps_nothing(app, clock, why):
    desk = Desk(app, TOWN)
    cookie, token = desk.client.get_cookie("session").value, desk.token
    with looking(app):
        user = db.session.scalars(select(User).where(User.username == TOWN)).one()
        id, version = user.id, user.version
    if why == "signed out":
        desk.post("/logout")
    else:
        verb = {"by the county": "sessions", "disabled": "active", "a new password": "password"}[why]
        assert Desk(app, "county_admin").post(f"/admin/user/{id}/{verb}", version=version).status_code == 302
    thief = app.test_client()
    thief.set_cookie("session", cookie)
    assert "draft" not in thief.post("/admin/handing/plan", data={"csrf_token": token, "leader": "x"}).location
    assert count(app) == 0


def test_without_a_session_or_with_a_foreign_token_nothing_is_kept(app, clock):
    desk, stranger = Desk(app, TOWN), Desk(app)
    foreign = Desk(app, OTHER).token
    stranger.get("/login")
    clock.on(minutes=15)
    assert "draft" not in stranger.post("/admin/handing/plan", leader="x").location
    for token in ("", "wrong", foreign, stranger.token):
        assert desk.post("/admin/handing/plan", csrf_token=token, leader="x").status_code == 400
    assert count(app) == 0


@pytest.mark.parametrize("url", ["/logout", "/stay", "/draft", "/nothing", "/admin/nothing"])
def test_only_forms_of_the_office_are_kept(app, clock, url):
    desk = Desk(app, TOWN)
    late(desk, clock, url, leader="x")
    assert count(app) == 0


@pytest.mark.parametrize(("url", "fields"), [
    ("/admin/handing/export", {}), ("/admin/handing/villages", {}), ("/admin/document/{document}/download", {}),
    ("/admin/find/", {"room": "case", "search": "贾本地"}), ("/admin/find/", {"room": "case", "search": "141120195003120018"}),
    ("/admin/account/password", {"old": "a", "new": "b", "again": "b"}), ("/admin/account/confirm", {"token": "t", "code": "1"})])
def test_a_button_a_search_and_the_own_page_are_asked_for_again(app, place, clock, url, fields):
    desk = Desk(app, TOWN)
    clock.on(minutes=15)
    data = desk.tokens() | fields
    answer = desk.client.post(url.format(**place[2]), data=data, headers={"Referer": "http://localhost/admin/document/"})
    assert answer.location == "/login?next=/admin/document/"
    assert count(app) == 0


def test_a_button_leaves_what_was_typed_before(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock)
    desk.post("/admin/handing/export")
    assert back(app, desk).location == "/draft"
    assert "李四" in desk.get("/draft").text


def test_passwords_codes_and_tokens_are_not_kept(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock, "/admin/handing/plan", leader="x", password="p1", new_password2="p2", one_time_code="p3", otp="p4",
         code="p5", kept_draft="1")
    with looking(app):
        assert [typed(kept) for kept in waiting()] == [[["leader", "x"]]]


@pytest.mark.parametrize(("size", "kept"), [(150_000, 1), (210_000, 0)])
def test_what_is_too_large_is_not_kept(app, clock, size, kept):
    desk = Desk(app, TOWN)
    late(desk, clock, "/admin/handing/plan", leader="x" * size)
    assert count(app) == kept


def test_nobody_else_sees_it(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock)
    for name in (OTHER, "county_admin", "county_clerk", "auditor"):
        assert back(app, desk, name).location == "/admin/"
        assert desk.get("/draft").location == "/admin/"
        desk.get("/admin/")
        assert desk.post("/draft").status_code == 405
        desk.post("/logout")
    assert back(app, desk, TOWN).location == "/draft"


def test_it_is_gone_after_eight_hours(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock)
    assert count(app) == 1
    clock.on(hours=8)
    assert back(app, desk).location == "/admin/"
    assert count(app) == 0


def test_a_cookie_of_yesterday_keeps_nothing(app, clock):
    desk = Desk(app, TOWN)
    clock.on(hours=9)
    desk.post("/admin/handing/plan", leader="x")
    assert count(app) == 0


def test_forms_in_other_tabs_stay_valid_for_who_comes_back(app, clock):
    desk = Desk(app, TOWN)
    old = desk.token
    clock.on(minutes=15)
    back(app, desk)
    assert desk.client.post("/stay", data={"csrf_token": old}).status_code == 200
    clock.on(minutes=15)
    back(app, desk, OTHER)
    assert desk.client.post("/stay", data={"csrf_token": old}).status_code == 400


def test_of_two_forms_the_later_one_is_kept(app, clock):
    desk = Desk(app, TOWN)
    late(desk, clock)
    desk.post("/admin/handing/plan", leader="钱七")
    with looking(app):
        assert [typed(kept) for kept in waiting()] == [[["leader", "钱七"]]]
    assert HERE.startswith(TOWN.removeprefix("township-"))
