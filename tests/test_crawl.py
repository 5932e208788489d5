"""Every page of two posts in a real Chromium: nothing from elsewhere, nothing that the policy had to stop, no error."""

from __future__ import annotations

from collections import Counter

import pytest
import serving
from browsing import PATIENCE, Person
from factories import PASSWORD
from peopled import HERS, TOWN, scan
from playwright.sync_api import Error, expect
from screening import Desk, Page, looking

from models.base import db
from models.certificate import Certificate
from portal.settings import ROOT

pytestmark = pytest.mark.browser
MOST = 150


@pytest.fixture(scope="module")
def place(townships):
    with townships.opened("crawl") as app:
        with looking(app):
            for sha256 in db.session.scalars(db.select(Certificate.sha256)):  # the factories keep no files
                path = app.extensions["store"].path(sha256)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(scan())
        yield app, townships.ids["here"]


@pytest.fixture(scope="module")
def address(place):
    """The two townships behind the real web server."""
    with serving.served(place[0]) as address:
        yield f"http://{address}"


def opened(person: Person, url: str) -> list[str]:
    """The addresses that a page leads to; a file leads nowhere."""
    try:
        person.page.goto(url)
    except Error as error:
        if "Download is starting" not in str(error):
            raise
        return []
    return person.page.locator("a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")


@pytest.mark.parametrize("username", ["county_admin", TOWN])
def test_a_whole_crawl_asks_no_other_host_and_meets_no_error(browser, address, username):
    person, statuses, seen, ahead = Person(browser, address), Counter(), [], ["/admin/"]
    person.page.on("response", lambda answer: statuses.update([answer.status]))
    person.sign_in(username, PASSWORD)
    while ahead and len(seen) < MOST:
        url = ahead.pop(0)
        if url not in seen and url.startswith("/"):
            seen.append(url)
            # Rooms and rows before the same list in another order.
            found = [link for link in opened(person, url) if link.startswith("/")]
            ahead = [link for link in found if "?" not in link or "details" in link] + ahead + found
    person.context.close()
    print(f"\n{username}: {len(seen)} pages, {dict(statuses)}")
    assert person.faults == []
    assert [status for status in statuses if status >= 400] == []
    assert len(seen) > 60


def test_rows_are_ticked_checked_and_done_under_the_policy(browser, address):
    """The mass action with its confirmation, in a browser that would stop anything inline."""
    person = Person(browser, address)
    person.sign_in(TOWN, PASSWORD)
    person.enter("人员清单")
    person.tick(f"{HERS[0]}0", f"{HERS[0]}1")
    person.page.get_by_role("combobox", name="批量办理", exact=True).select_option("paper-certification")
    person.press("继续")
    heading = person.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("核对", timeout=PATIENCE)
    person.page.get_by_role("button", name="办理").first.click()
    expect(heading).not_to_contain_text("核对", timeout=PATIENCE)
    assert person.faults == []
    person.context.close()


def test_the_watch_sees_what_the_policy_stops(browser, place, address):
    """Were a page to hold what Flask-Admin's own hold, the crawl would say so."""
    app, _ = place
    shown = app.view_functions["healthz"]
    inline = "<!doctype html><title>x</title><button onclick='x()'>y</button><script>1</script><img src='http://127.0.0.2/'>"
    app.view_functions["healthz"] = lambda: inline
    person = Person(browser, address)
    person.page.goto("/healthz")
    person.page.get_by_role("button").click()
    assert sum("Content Security Policy" in fault for fault in person.faults) >= 3
    app.view_functions["healthz"] = shown
    person.context.close()


def test_no_stock_template_of_flask_admin_is_ever_drawn(place):
    """Theirs hold handlers that a strict policy blocks, so that their delete button would delete unasked."""
    app, ids = place
    for username in ("county_admin", "county_clerk", "county_reviewer", "auditor", TOWN):
        desk = Desk(app, username)
        for rule in app.url_map.iter_rules():
            url = rule.rule.replace("<id>", "1").replace("<kind>", "roster")
            for address in (url, f"{url}?id={ids.get(rule.endpoint.partition('.')[0], 1)}"):
                if "GET" in rule.methods and "<" not in url:
                    answer = desk.get(address)
                    if answer.mimetype == "text/html":
                        assert not [word for word in ("onclick", "onsubmit", "onchange", "javascript:") if word in answer.text]
                        assert Page(answer.text).faults == [] or answer.status_code == 302
    drawn = {name: app.jinja_env.get_template(name).filename for _loader, name in app.jinja_env.cache.keys()}  # noqa: SIM118
    print(f"\n{len(drawn)} templates")
    assert len(drawn) > 15
    assert [name for name, file in drawn.items() if not file.startswith(str(ROOT / "templates"))] == []
