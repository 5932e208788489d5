"""The addresses that need no signed-in person: what a forged request can do with them."""

from __future__ import annotations

import re

import pytest
from factories import PASSWORD, contents
from screening import Desk, looking

FORMS = {"/login": {"username": "auditor", "password": PASSWORD}, "/logout": {}, "/language": {"locale": "en"}}


@pytest.fixture
def rows(portal):
    def read():
        with looking(portal):
            return contents()
    return read


def token(client) -> str:
    return re.search(r'csrf_token" value="([^"]+)', client.get("/login").text)[1]


@pytest.mark.parametrize("forged", ["no token", "a wrong one", "another's"])
@pytest.mark.parametrize("url", FORMS)
def test_a_forged_form_signs_nobody_in_or_out_and_turns_no_language(portal, rows, url, forged):
    desk, given = Desk(portal, "county_clerk"), {"a wrong one": "x", "another's": token(portal.test_client())}
    before = rows()
    answer = desk.client.post(url, data=FORMS[url] | ({"csrf_token": given[forged]} if forged in given else {}))
    assert answer.status_code == 400
    told = ("audit_entry", "audit_head")  # that somebody signed in sent what was refused
    assert {name: kept for name, kept in rows().items() if name not in told} == {
        name: kept for name, kept in before.items() if name not in told}
    page = desk.get("/admin/").text
    assert 'lang="zh-CN"' in page
    assert "张lerk" in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("url", ["/logout", "/language"])
def test_they_are_reached_by_a_form_only(portal, rows, url, method):
    desk, before = Desk(portal, "county_clerk"), rows()
    answer = desk.client.open(f"{url}?locale=en", method=method)
    assert answer.status_code in (400, 405)
    assert rows() == before
    assert desk.get("/admin/").status_code == 200


def test_the_health_page_names_no_person_and_no_version(portal):
    answer = portal.test_client().get("/healthz")
    assert set(answer.json) <= {
        "database", "redis", "waiting", "oldest_seconds", "backup", "backup_age_seconds", "chain",
        "chain_age_seconds", "free_bytes"}
