"""What is sent twice, wrongly, or by several at the same moment."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from factories import TIANNING
from peopled import HERE, HERS, TOWN
from screening import Desk, looking
from sqlalchemy import select

from access.forms import RATE, USER
from access.knocking import kept
from models.base import db
from models.campaign import Campaign
from models.case import Case, Person


def test_the_same_order_of_papers_twice_is_one(app):
    with looking(app):
        case = db.session.scalars(select(Case).join(Person).where(Person.name == f"{HERS[0]}邻")).one()
        url, typed = f"/admin/case/{case.id}/paper", {"kind": "certification", "version": str(case.version)}
    desk, papers = Desk(app, TOWN), lambda: len(kept(app)["document"])
    before, ordered = papers(), [desk.post(url, typed).location for _ in range(3)]
    assert len(set(ordered)) == 1
    assert "/admin/task/" in ordered[0]
    assert papers() == before + 1


def test_odd_signs_and_days_are_answered(app):
    desk = Desk(app, "county_admin")
    for text in ("\U0010ffff", "\ud7ff", "王\U0010ffff", "9999-12-31", "0001-01-01", "2021-02-30", "%", "'", "0"*10):
        for room in ("case", "audit", "village", "user", "settlement"):
            assert desk.get(f"/admin/{room}/", query_string={"search": text}).status_code == 200, (room, text)
    for day in ("0001-01-01", "0001-01-05", "9999-12-31", "1800-01-01"):
        assert desk.get(f"/admin/ranking/?day={day}").status_code in (200, 422), day
        assert desk.post(f"/admin/ranking/workbook?day={day}").status_code in (200, 404), day


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "x", "9" * 30, "9999-99-99"])
def test_no_blank_and_no_nonsense_gets_past_a_form(app, blank):
    desk = Desk(app, "county_admin")
    with looking(app):
        version = str(db.session.get(Campaign, 1).version)
    forms = {
        "/admin/campaign/edit/?id=1": {"title": "清理", "document_no": "号", "verify_by": "2021-09-20", "clear_by": "2021-10-31",
                                       "bureau": "局", "office": "中心", "address": "地址", "phone": "电话", "refund_days": "30",
                                       "version": version},
        "/admin/rate/new/": RATE,
        "/admin/user/new/": {"username": "li", "name": "李", "role": "township", "township": TIANNING}}
    for url, typed in forms.items():
        for name in typed:
            status = desk.post(url, typed | {name: blank}).status_code
            assert status in ((409,) if name == "version" else (422,) if not blank.strip() else (302, 422)), (url, name)
            if status == 302:
                break


def test_a_sign_no_browser_sends_is_refused(app, ids):
    desk = Desk(app, "county_clerk")
    assert desk.post(f"/admin/case/{ids['here']['case']}/number", why="a\0b").status_code == 400
    stranger = Desk(app)
    stranger.get("/login")
    assert stranger.post("/login", username="a\0", password="b").status_code == 400


@pytest.mark.parametrize("number", ["9" * 19, "9" * 400, "-" + "9" * 400])
def test_a_number_of_any_length_is_answered(app, ids, number):
    desk = Desk(app, "county_admin")
    assert desk.post("/admin/rate/new/", RATE | {"min_age": number}).status_code == 422
    clerk = Desk(app, "county_clerk")
    assert clerk.post(f"/admin/case/{ids['here']['case']}/benefit", {"years_paid": number}).status_code in (409, 422)


@pytest.mark.parametrize("township", ["141122999", "141122400", "999999999", "", "x"])
def test_a_login_belongs_to_a_township_with_a_government(app, township):
    desk = Desk(app, "county_admin")
    assert desk.post("/admin/user/new/", username="li", name="李", role="township", township=township).status_code == 422
    assert desk.post("/admin/user/new/", username="li\n", name="李", role="auditor").status_code == 422


def at_once(app, desk: Desk, url: str, fields: dict, times: int = 5) -> list[int]:
    """The statuses of the same form, sent by as many browsers of one sign-in at the same moment."""
    start, cookie = Barrier(times), desk.client.get_cookie("session").value

    def send(_: int) -> int:
        client = app.test_client()
        client.set_cookie("session", cookie)
        start.wait(10)
        return client.post(url, data=desk.tokens() | fields).status_code
    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(send, range(times)))


def test_a_form_sent_by_two_at_the_same_moment_has_one_effect(app, ids):
    clerk, town = Desk(app, "county_admin"), Desk(app, TOWN)
    with looking(app):
        case = db.session.scalars(select(Case).where(Case.area_code == HERE, Case.category == "unknown")).one()
        step = {"step": "establish", "version": str(case.version), "fact-category": "no_card", "fact-how": "phone"}
        url = f"/admin/case/{case.id}/step"
    assert at_once(app, town, url, step) == [302, 409, 409, 409, 409]
    assert at_once(app, clerk, "/admin/rate/new/", RATE) == [302, 422, 422, 422, 422]
    assert at_once(app, clerk, "/admin/user/new/", USER) == [302, 422, 422, 422, 422]
    assert at_once(app, town, "/admin/handing/receipt", {"handout": str(ids["here"]["handout"]), "person": "某"}) \
        == [302, 422, 422, 422, 422]


@pytest.mark.parametrize("field", ["from_month", "amount", "basis", "item", "min_age"])
def test_a_file_in_place_of_a_text_is_no_text(app, field):
    answer = Desk(app, "county_admin").post("/admin/rate/new/", RATE | {field: (io.BytesIO(b"x"), "x.txt")})
    assert answer.status_code == 422
