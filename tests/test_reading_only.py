"""GET reads: its transactions are read-only in the database itself, so that a screen that would write fails instead."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from factories import a_user, contents
from flask import Response
from peopled import TOWN
from screening import Desk, looking
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError

from models.base import db
from models.campaign import Campaign
from models.schema import writing
from models.user import Role, User

KINDS = {"handing.village": "handout", "handing.plan_file": "plan", "ranking.download": "bulletin"}
ROLES = (None, "county_admin", "county_clerk", "county_approver", "auditor", TOWN)


@pytest.fixture(scope="module")
def place(townships):
    with townships.opened("reading") as app:
        yield app, townships.ids["here"]


def rows(app) -> dict:
    with looking(app):
        return contents()


def address(rule, ids: dict[str, int]) -> str:
    """The address of a rule, for a row that is there where it is one's."""
    row = ids.get(KINDS.get(rule.endpoint, rule.endpoint.partition(".")[0]), 1)
    filled = re.sub("<(?:int:)?id>", str(row), rule.rule).replace("<kind>", "roster").replace("<path:filename>", "portal.css")
    return filled if filled != rule.rule or "index" in rule.endpoint else f"{filled}?id={row}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_address_writes_when_it_is_only_asked_for(place, method):
    app, ids = place
    statuses, asked = Counter(), 0
    desks = [Desk(app, username) for username in ROLES]
    before = rows(app)
    for desk in desks:
        for rule in app.url_map.iter_rules():
            if method in rule.methods:
                statuses[desk.client.open(address(rule, ids), method=method).status_code] += 1
                asked += 1
    print(f"\n{method}: {asked} requests, {dict(statuses)}")
    assert [table for table, found in rows(app).items() if found != before[table]] == []
    assert statuses[200] > 100
    assert statuses[500] == 0


def writes() -> Response:
    db.session.scalars(db.select(Campaign)).first().title = "anders"
    db.session.commit()
    return Response("written", mimetype="text/plain")


def writes_in_sql() -> Response:
    db.session.execute(text("DELETE FROM portal_user"))
    db.session.commit()
    return Response("written", mimetype="text/plain")


def writes_after_its_own_rollback() -> Response:
    db.session.rollback()
    return writes()


@pytest.mark.parametrize("view", [writes, writes_in_sql, writes_after_its_own_rollback], ids=lambda view: view.__name__)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_screen_that_writes_when_asked_fails_and_changes_nothing(portal, caplog, method, view):
    desk, before = Desk(portal, "county_admin"), rows(portal)
    portal.view_functions["case.index_view"] = view
    answer = desk.client.open("/admin/case/", method=method)
    assert answer.status_code == 500
    assert re.search("readonly database|read-only transaction", caplog.text)
    assert rows(portal) == before


def test_the_same_screen_writes_when_it_is_sent_a_form(portal):
    desk = Desk(portal, "county_admin")
    portal.view_functions["campaign.edit_view"] = writes
    assert desk.post("/admin/campaign/edit/?id=1").text == "written"


@pytest.mark.parametrize("after", [True, False])
def test_a_pooled_connection_forgets_who_used_it_last(app, county, after):
    """One connection, lent to a reader and to a writer in turn."""
    connections = set()
    event.listen(db.engine, "checkout", lambda connection, *_: connections.add(id(connection)))
    with looking(app):
        for name in ("eins", "zwei"):
            for may_write in (not after, after):
                token = writing.set(may_write)
                try:
                    a_user(Role.AUDITOR, username=f"{name}{may_write}")
                    db.session.flush()
                    assert may_write
                    db.session.commit()
                except DatabaseError:
                    assert not may_write
                    db.session.rollback()
                finally:
                    writing.reset(token)
        assert sorted(db.session.scalars(db.select(User.username).where(User.username.like("%True")))) == [
            "einsTrue", "zweiTrue"]
    assert len(connections) == 1
