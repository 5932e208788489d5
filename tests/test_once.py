"""The one-time key of a form: sent again it shows its first answer; other content, other people, broken-off work are told."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pyotp
import pytest
from factories import NOW, PASSWORD, TIANNING, a_case, contents, step, walk
from peopled import OTHER, TOWN, scan
from phones import APPROVER, Phone, entered, with_phone
from screening import Clock, Desk, hidden, looking
from sending import Form
from sqlalchemy import func, select

from models import audit, formkey, realtime
from models.audit import AuditEntry
from models.base import db
from models.certificate import Certificate
from models.formkey import FormKey
from models.ledger import Settlement
from models.scope import everything
from models.user import User
from portal import once, schedule
from views import signing

PLAN = "/admin/handing/plan"


@pytest.fixture(scope="module")
def place(townships) -> Iterator[tuple]:
    with townships.opened("once") as app:
        yield townships, app


@pytest.fixture
def app(place):
    townships, app = place
    with app.app_context():
        db.engine.dispose()
    townships.fresh("once")
    app.extensions["real_now"] = Clock()
    return app


@pytest.fixture
def ids(place) -> dict[str, int]:
    return place[0].ids["here"]


def plan(name: str = "方案.png", content: bytes = b"", **fields: str) -> dict:
    return {"version": "1", "leader": "张三", "members": "李四", "plan": (io.BytesIO(content or scan()), name)} | fields


def rows(app, cls) -> list:
    with app.app_context(), everything("test"):
        return list(db.session.scalars(select(cls).order_by(cls.id)))


def all_of(app) -> dict[str, list]:
    with looking(app):
        return contents("sign_in")


def acts(app) -> int:
    with looking(app):
        return db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.result == "done"))


def rate(amount: str = "128") -> dict[str, str]:
    return {"item": "basic", "from_month": "2024-01", "amount": amount, "min_age": "0", "basis": "文件"}


# ---- the same form again

def test_a_reload_shows_the_first_page_again_and_does_nothing(app, ids):
    """A result page, as a browser sends for it again: byte by byte the same."""
    clerk = Desk(app, "county_clerk")
    form = {"ids": str(ids["case"]), "deed": "step-certify", "stage": "apply", "fact-certified_on": "2021-09-18",
            "fact-method": "app"} | clerk.tokens()
    first, before = clerk.post("/admin/case/bulk", form), all_of(app)
    for _ in range(3):
        again = clerk.post("/admin/case/bulk", form)
        assert (again.status_code, again.data, again.mimetype) == (200, first.data, "text/html")
    assert all_of(app) == before


def test_the_back_button_sends_to_where_the_first_led_with_its_words(app):
    town = Desk(app, TOWN)
    key = town.tokens()["once"]
    first = town.post(PLAN, plan(once=key))
    assert "已" in (told := town.follow(first).text)
    before = all_of(app)
    again = town.post(PLAN, plan(once=key))
    assert (again.status_code, again.location) == (first.status_code, first.location)
    assert notes(town.follow(again).text) == notes(told) != []
    assert notes(town.get(first.location).text) == []
    assert all_of(app) == before


def notes(page: str) -> list[str]:
    return re.findall(r'<p class="note done"[^>]*>([^<]+)', page)


def test_a_one_time_code_is_shown_again_to_who_made_it_and_lies_nowhere_readable(app, ids):
    keeper = Desk(app, "county_admin")
    form = {"version": str(next(user.version for user in rows(app, User) if user.id == ids["user"]))} | keeper.tokens()
    url = f"/admin/user/{ids['user']}/password"
    shown = notes(keeper.follow(keeper.post(url, form)).text)
    code = re.search(r"[\w-]{8,}$", shown[0])[0]
    assert notes(keeper.follow(keeper.post(url, form)).text) == shown
    [key] = [row for row in rows(app, FormKey) if row.endpoint == "user.password"]
    assert code.encode() not in key.answer
    assert form["once"] not in str(vars(key))
    assert formkey.Secret(form["once"], "another secret").unseal(key.answer) is None


def test_what_is_refused_may_be_sent_again_with_the_same_key(app):
    """Nothing was done, so nothing was used up."""
    admin = Desk(app, "county_admin")
    key = admin.tokens()
    assert admin.post("/admin/rate/new/", rate("x") | key).status_code == 422
    assert admin.post("/admin/rate/new/", rate() | key).status_code == 302
    assert admin.post("/admin/rate/new/", rate("x") | key).status_code == 409


def test_every_form_of_a_page_has_a_key_of_its_own(app, ids):
    page = Desk(app, TOWN).get(f"/admin/case/details/?id={ids['case']}").text
    keys = re.findall(r'name="once" value="([\w-]{22})" autocomplete="off"', page)
    assert len(keys) == len(set(keys)) == page.count('method="post"') > 5


# ---- what is not the same

def test_other_content_under_a_used_key_is_refused(app):
    town = Desk(app, TOWN)
    key = town.tokens()
    assert town.post(PLAN, plan(**key)).status_code == 302
    before = acts(app), len(rows(app, FormKey))
    others = {"a field": plan(leader="王五"), "one field more": plan(more="x"), "the file": plan(content=b"%PDF-1.4"),
              "the file's name": plan("另.png")}
    for what, form in others.items():
        answer = town.post(PLAN, form | key)
        assert (answer.status_code, "内容与此次不同" in answer.text) == (409, True), what
        assert rows(app, AuditEntry)[-1].why == once.OTHER
    assert (acts(app), len(rows(app, FormKey))) == before


def test_another_address_under_a_used_key_is_refused(app, ids):
    town = Desk(app, TOWN)
    key = town.tokens()
    with looking(app):
        version = str(db.session.get(Certificate, ids["certificate"]).case.version)
    town.post(f"/admin/case/{ids['case']}/attach", {"version": version, "proof-other": (io.BytesIO(scan()), "x.png")} | key)
    assert town.post(f"/admin/case/{ids['case'] + 1}/attach", {"version": version} | key).status_code == 409


def test_a_used_key_of_somebody_else_opens_nothing(app):
    town, other = Desk(app, TOWN), Desk(app, OTHER)
    key = town.tokens()["once"]
    first = town.post(PLAN, plan(once=key))
    answer = other.post(PLAN, plan(once=key))
    assert (first.status_code, answer.status_code) == (302, 409)
    assert "内容与此次不同" in answer.text


def test_what_fetches_may_be_sent_as_often_as_one_likes_from_the_same_page(app):
    clerk = Desk(app, "county_clerk")
    key = clerk.tokens()
    for code in (TIANNING, TIANNING, "141122101"):
        answer = clerk.post("/admin/leaving/take", {"place": code, "reason": "file"} | key)
        assert (answer.status_code, answer.mimetype.rpartition(".")[2]) == (200, "sheet")
    assert rows(app, FormKey)[-1].key_hash != formkey.hashed(key["once"])


# ---- broken off

def killed(desk: Desk, send: Callable[[], object], at: tuple[object, str]) -> None:
    """Send a form in a process of its own, which is killed where it calls a function."""
    with desk.client.application.app_context():
        db.session.remove()
        db.engine.dispose()
    child = os.fork()
    if not child:
        setattr(*at, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        send()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_killed_before_its_answer_was_kept_a_form_is_known_to_be_done(app, monkeypatch):
    monkeypatch.setattr(once, "TRIES", 2)
    town = Desk(app, TOWN)
    key = town.tokens()
    killed(town, lambda: town.post(PLAN, plan(**key)), (formkey, "answered"))
    before = all_of(app)
    answer = town.client.post(PLAN, data=plan(**key), headers={"Referer": "http://localhost/admin/handing/"})
    assert answer.location == "/admin/handing/"
    assert notes(town.get(answer.location).text) == ["本项操作已办理，不再重复办理。"]
    assert all_of(app) == before


def test_killed_before_it_was_committed_a_form_is_carried_out_when_it_is_sent_again(app):
    town = Desk(app, TOWN)
    key, before, told = town.tokens(), all_of(app), acts(app)
    killed(town, lambda: town.post(PLAN, plan(**key)), (audit, "append"))
    assert all_of(app) == before
    assert notes(town.follow(town.post(PLAN, plan(**key))).text)
    assert acts(app) == told + 1


def test_an_answer_on_its_way_is_waited_for(app, monkeypatch):
    """The second comes when the first is committed and its answer is not kept yet."""
    committed, asked = Event(), Event()
    answered, first = formkey.answered, formkey.first

    def slow(*of: object) -> None:
        committed.set()
        assert asked.wait(10)
        answered(*of)

    def seen(claim: formkey.Claim) -> FormKey | None:
        found = first(claim)
        asked.set()
        return found
    monkeypatch.setattr(formkey, "answered", slow)
    monkeypatch.setattr(formkey, "first", seen)
    one, two = Desk(app, TOWN), Desk(app)
    two.client.set_cookie("session", one.client.get_cookie("session").value)
    key = one.tokens()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(one.post, PLAN, plan(**key))
        assert committed.wait(10)
        again = two.post(PLAN, plan(**key))
        assert (again.status_code, again.location) == (302, sent.result().location)
    assert notes(two.follow(again).text) == notes(one.follow(sent.result()).text) != []


def test_who_looked_before_the_first_was_committed_is_answered_as_the_first(app, monkeypatch):
    """A screen that only looks at first meets a newer version before it meets the key, and says so to nobody."""
    town = Desk(app, TOWN)
    key = town.tokens()
    sent = town.post(PLAN, plan(**key))
    told, real, looked = notes(town.follow(sent).text), formkey.first, []

    def first(claim: formkey.Claim) -> FormKey | None:
        looked.append(claim)
        return real(claim) if len(looked) > 1 else None
    monkeypatch.setattr(formkey, "first", first)
    before = all_of(app)
    again = town.post(PLAN, plan(**key))
    assert (again.status_code, again.location) == (302, sent.location)
    assert notes(town.follow(again).text) == told
    assert all_of(app) == before


def test_without_its_answer_because_it_is_too_large_it_is_done_all_the_same(app, monkeypatch):
    monkeypatch.setattr(once, "TRIES", 2)
    monkeypatch.setattr(formkey, "LARGEST", 10)
    town = Desk(app, TOWN)
    key = town.tokens()
    town.post(PLAN, plan(**key))
    assert notes(town.follow(town.post(PLAN, plan(**key))).text)


# ---- a code from the phone comes before the act

@pytest.fixture
def approving(served) -> tuple[Desk, dict, Phone]:
    """A form that approves a settlement, with a code from the phone; no exercise."""
    office = served(now=NOW)
    with office.app_context(), everything("test"):
        walk(step(walk(a_case(category="uncertified"), "resume"), "settle"), "review")
        id = db.session.scalar(select(Settlement.id))
    phone = with_phone(office)
    desk = entered(office, phone)
    page = desk.post("/admin/settlement/sign", deed="approve", row=str(id)).text
    return desk, {"deed": "approve", "stage": "apply", "row": hidden(page, "row"), "code": phone.next()} | desk.tokens(), phone


SIGN = "/admin/settlement/sign"


def state(desk: Desk) -> str:
    return rows(desk.client.application, Settlement)[0].state


def test_twenty_approvals_at_once_take_the_code_once_and_count_no_wrong_try(approving):
    desk, form, phone = approving
    answers = {repr(answer) for answer in Form(desk, SIGN, form).at_once()}
    [answer] = answers
    assert (state(desk), answer[:5]) == ("approved", "(302,")
    assert [user.failures for user in rows(desk.client.application, User) if user.username == APPROVER] == [0]


def test_twenty_wrong_codes_at_once_are_one_wrong_try(approving):
    desk, form, phone = approving
    answers = {repr(answer) for answer in Form(desk, SIGN, form | {"code": "000000"}).at_once()}
    [answer] = answers
    assert (state(desk), answer[:5]) == ("reviewed", "(422,")
    assert [user.failures for user in rows(desk.client.application, User) if user.username == APPROVER] == [1]
    assert desk.post(SIGN, form | desk.tokens()).status_code == 302


def test_killed_between_the_code_and_the_act_a_form_is_not_told_to_be_done(approving, monkeypatch):
    monkeypatch.setattr(once, "TRIES", 2)
    desk, form, phone = approving
    killed(desk, lambda: desk.post(SIGN, form), (signing, "verdicts"))
    answer = desk.post(SIGN, form)
    assert (answer.status_code, "尚未办理完成" in answer.text, state(desk)) == (409, True, "reviewed")
    desk.client.application.extensions["real_now"] = lambda: datetime.now(UTC) + timedelta(minutes=1)
    assert desk.post(SIGN, form | desk.tokens() | {"code": phone.next()}).status_code == 302  # from the page, loaded again
    assert state(desk) == "approved"


def test_setting_a_code_generator_up_twenty_times_at_once_is_setting_it_up_once(served):
    office = served(now=NOW)
    desk = Desk(office, "county_admin")
    desk.get("/admin/account/")
    before = acts(office)
    asked = Form(desk, "/admin/account/generator", {"password": PASSWORD} | desk.tokens()).at_once()
    assert acts(office) == before + 1
    [page] = {answer[3] for answer in asked}
    picture = desk.post("/admin/account/generator", password=PASSWORD).text
    code = pyotp.TOTP(re.search(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b", picture)[0].replace(" ", "")).now()
    answers = Form(desk, "/admin/account/confirm", {"code": code} | desk.tokens()).at_once()
    assert len({repr(answer) for answer in answers}) == 1
    assert acts(office) == before + 3
    assert b"data:image/svg" in page


# ---- forgotten in time

def test_a_key_is_kept_for_two_days(app):
    town, clock = Desk(app, TOWN), app.extensions["real_now"]
    key = town.tokens()
    town.post(PLAN, plan(**key))
    for hours, left in ((24, 1), (23, 1), (1, 0)):
        clock.on(hours=hours)
        with realtime.ticking(clock):
            schedule.look(app)
        assert [row.key_hash for row in rows(app, FormKey)].count(formkey.hashed(key["once"])) == left


def test_a_form_that_came_too_late_goes_on_under_its_own_key(app):
    """The form kept for who was signed out, sent on, and then once more from the page it was typed on."""
    town = Desk(app, TOWN)
    key = town.tokens()
    app.extensions["real_now"].on(minutes=16)
    late = {"version": "1", "leader": "张三", "members": "李四"}
    town.post(PLAN, late | key)
    town.get("/login")
    town.follow(town.post("/login", username=TOWN, password=PASSWORD))
    page = town.get("/draft").text
    assert key["once"] in page
    sent = town.post(PLAN, late | {"once": key["once"], "kept_draft": "1"})
    assert sent.status_code == 422  # the file is chosen anew, so nothing was done
    first = town.post(PLAN, plan(once=key["once"], kept_draft="1"))
    again = town.post(PLAN, plan(once=key["once"]))
    assert (first.status_code, again.location) == (302, first.location)
