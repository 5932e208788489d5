"""What is withdrawn, a copied cookie, wrong tries, and forms that came too late."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from factories import PASSWORD, moved_to
from peopled import OTHER, TOWN
from screening import Clock, Desk, looking
from sqlalchemy import select

from access.test_tokens import without_tokens
from models.base import db
from models.user import Role, User


def test_what_is_withdrawn_is_withdrawn_at_the_next_request(app, ids):
    desk = Desk(app, "county_clerk")
    assert desk.get("/admin/roster/").status_code == 200
    with looking(app):
        moved_to(user(Role.COUNTY_CLERK), Role.AUDITOR)
    assert desk.get("/admin/roster/").location.startswith("/login")
    desk = Desk(app, "county_clerk")
    assert desk.get("/admin/roster/").status_code == 403
    with looking(app):
        user(Role.COUNTY_CLERK).active = False
    assert desk.get("/admin/").location.startswith("/login")
    assert desk.post("/login", username="county_clerk", password=PASSWORD).status_code == 401


def user(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


@pytest.mark.parametrize("ended_by", ["sign-out", "sign-in elsewhere", "disabling", "new password", "ended by the county"])
def test_a_copied_cookie_is_dead(app, ended_by):
    desk = Desk(app, TOWN)
    copied = desk.client.get_cookie("session").value
    if ended_by == "sign-out":
        assert desk.post("/logout").status_code == 302
    elif ended_by == "sign-in elsewhere":
        Desk(app, TOWN)
    else:
        with looking(app):
            id, version = user(TOWN).id, user(TOWN).version
        verb = {"disabling": "active", "new password": "password"}.get(ended_by, "sessions")
        assert Desk(app, "county_admin").post(f"/admin/user/{id}/{verb}", version=version).status_code == 302
    thief = Desk(app)
    thief.client.set_cookie("session", copied)
    assert thief.get("/admin/").location.startswith("/login")
    assert thief.get("/admin/case/").location.startswith("/login")


def test_five_wrong_tries_lock_the_name_and_nobody_else(app, monkeypatch):
    monkeypatch.setitem(app.extensions, "real_now", clock := Clock())
    desk = Desk(app)
    desk.get("/login")

    def tried(username: str, password: str = PASSWORD):
        clock.on(minutes=1)  # past what the address has to wait
        return desk.post("/login", username=username, password=password)
    assert [tried(TOWN, "wrong").status_code for _ in range(5)] == [401] * 5
    assert tried(TOWN).status_code == 401
    unknown = tried("nobody").text.replace("nobody", TOWN)
    assert without_tokens(unknown) == without_tokens(tried(TOWN).text)
    assert tried(OTHER).status_code == 302
    clock.on(minutes=15)
    assert Desk(app, TOWN).get("/admin/").status_code == 200


def test_a_form_that_came_too_late_leads_back_to_its_page(app, ids):
    desk, url = Desk(app), f"/admin/case/{ids['here']['case']}/"
    desk.get("/login")
    for page, wanted in ((f"/admin/case/details/?id={ids['here']['case']}",) * 2, ("/admin/case/bulk", None), ("//evil/", None)):
        answer = desk.client.post(f"{url}step", data=desk.tokens(), headers={"Referer": f"http://localhost{page}"})
        assert parse_qs(urlsplit(answer.location).query).get("next", [None])[0] == wanted, page
