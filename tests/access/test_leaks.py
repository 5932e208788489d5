"""Nothing of another township is named, listed, found, counted, offered, exported or touched."""

from __future__ import annotations

import re

import pytest
from factories import TIANNING, XIAJIAYING
from peopled import HERS, THEIRS, THERE, TOWN
from screening import Desk, Page, looking
from sqlalchemy import select
from tally import holds

from access.knocking import LOGS, does, is_in, unpacked
from access.policy import TABLE
from access.test_tokens import without_tokens
from models.area import Village, short_name
from models.base import db
from models.campaign import Handout
from models.case import UNVERIFIED, Case, Person
from models.outbox import FAILED, Task


def crawled(desk: Desk, start: str = "/admin/", most: int = 150) -> list[tuple[str, str]]:
    """(address, text) of every page that links lead to."""
    seen, ahead = {}, [start]
    while ahead and len(seen) < most:
        url = ahead.pop(0)
        if url in seen or not url.startswith("/admin/") or "sort=" in url or "page_size=" in url:
            continue
        answer = desk.get(url)
        seen[url] = answer.text if answer.mimetype == "text/html" else ""
        ahead += Page(seen[url]).links if answer.mimetype == "text/html" and answer.status_code == 200 else []
    return list(seen.items())


def test_no_page_of_a_township_names_anybody_or_any_village_of_another(app):
    with looking(app):
        villages = set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(XIAJIAYING))))
        villages -= set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(TIANNING))))
    pages = crawled(Desk(app, TOWN))
    assert len(pages) > 60
    for url, text in pages:
        assert THEIRS[0] not in text, url
        assert not [name for name in villages if name in text or f">{short_name(name)}<" in text], url
        assert XIAJIAYING not in text, url
    assert any(HERS[0] in text for _url, text in pages)


def test_nothing_of_another_township_is_found_or_counted(app):
    with looking(app):
        person = db.session.scalars(select(Person).where(Person.name.startswith(THEIRS[0]))).first()
        number, name = person.id_number, person.name
    desk = Desk(app, TOWN)
    for room in ("case", "certificate", "document"):
        for text in (name, name[:2], "weichi", number):
            page = desk.get(f"/admin/{room}/", query_string={"search": text}).text
            assert re.findall(r"共 (\d+) 条", page) == [], (room, text)
            assert "details/?id=" not in page, (room, text)
    every = desk.get("/admin/case/").text
    assert re.search(r"共 (\d+) 条", every)[1] == "12"
    asked = "flt0_township={0}", "flt0_village={1}", "flt0_township={0}&flt0_village={1}"
    for query in asked:
        assert re.search(r"共 (\d+) 条", desk.get(f"/admin/case/?{query.format(XIAJIAYING, THERE)}").text)[1] == "12"


def theirs(place) -> list[str]:
    """What stands on rows of the other township and nowhere else: names of people, of villages, its code."""
    with place.looking():
        names = set(db.session.scalars(select(Person.name).where(Person.name.startswith(THEIRS[0]))))
        villages = set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(XIAJIAYING))))
        villages -= set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(TIANNING))))
    return [*names, *villages, XIAJIAYING, f"{THEIRS[0]}证明", f"{THEIRS[0]}名单"]


def test_no_answer_to_a_township_holds_anything_of_another(place):
    """Every door that is open to it, files unpacked: drop-downs, filters, tables, workbooks, archives, papers, results."""
    forbidden, seen = theirs(place), 0
    for key, door in TABLE.items():
        if is_in(door, "T"):
            place.fresh()
            id = place.id("here", door)
            answer = place.knock(place.desk("T"), key, id, form=place.form(key, id) if key.startswith("POST") else None)
            for text in unpacked(answer.data):
                holds([word for word in forbidden if word in text] == [], key)
                seen += HERS[0] in text
    assert seen >= 12, "its own people are on these pages, so the look would see others"


OFFERED = re.compile(r'<option value="([^"]*)"')


def test_drop_downs_offer_only_what_is_one_s_own(place):
    desk = place.desk("T")
    for url in ("/admin/case/", "/admin/certificate/", "/admin/document/", "/admin/village/",
                f"/admin/case/{place.ids['here']['case']}/correct", f"/admin/case/details/?id={place.ids['here']['case']}"):
        offered = OFFERED.findall(desk.get(url).text)
        holds([value for value in offered if value.startswith("1411221") and not value.startswith(TIANNING)] == [], url, offered)
    county = OFFERED.findall(place.desk("C").get("/admin/case/").text)
    assert XIAJIAYING in county, "the county is offered every township, so the look above can see one"


LISTS = ("case", "unknown", "document", "settlement")  # kinds of row that a form names many of


@pytest.mark.parametrize(("key", "kind"), [
    (key, door.row) for key, door in TABLE.items() if door.by[0] not in "<?" and door.row in LISTS and "T" in door.who])
def test_of_rows_ticked_here_and_elsewhere_only_one_s_own_are_touched(place, key, kind):
    """A forged form names its own row and another's: what is elsewhere stays as it was, and is not spoken of."""
    mine, other, door = place.ids["here"][kind], place.ids["there"][kind], TABLE[key]
    shown = lambda id: place.form(key, id).get(door.by, str(id))  # with the version it was seen in, where that travels
    both = [shown(other), shown(mine)]
    form = place.form(key, mine) | {door.by: ",".join(both) if door.by == "ids" else both}
    before = place.kept(*LOGS)
    answer = place.knock(place.desk("T"), key, mine, form=form)
    assert answer.status_code == 200
    assert not [word for word in theirs(place) for text in unpacked(answer.data) if word in text]
    after = place.kept(*LOGS)
    lost_or_new = [row for table in before for row in {*map(str, after[table])} ^ {*map(str, before[table])}]
    assert [row for row in lost_or_new if XIAJIAYING in row] == []
    assert (before != after) == does(door, "T")


def test_numbers_of_the_frame_and_the_home_count_one_s_own(place):
    """The badges of the menu, the tiles of the home and the progress of the villages: nothing changes when there changes."""
    desk = place.desk("T")
    before = {url: without_tokens(desk.get(url).text) for url in ("/admin/", "/admin/handing/", "/admin/task/", "/admin/case/")}
    with place.looking():
        for cls, name, value in ((Case, "state", UNVERIFIED), (Task, "state", FAILED), (Handout, "received_at", None)):
            rows = db.session.scalars(select(cls).where(cls.area_code.startswith(XIAJIAYING))).all()
            assert [setattr(row, name, value) for row in rows if getattr(row, name) != value]
    for url, page in before.items():
        holds(without_tokens(desk.get(url).text) == page, url)


def test_the_others_in_a_ranking_are_numbers_without_a_way_in(place):
    """A township sees where all stand; only its own numbers lead to a list."""
    page = Page(place.desk("T").get("/admin/ranking/").text)
    assert not [url for url in page.links if XIAJIAYING in url]
    assert len([url for url in page.links if "/admin/case/" in url and "flt" in url]) == len(
        [url for url in Page(place.desk("O").get("/admin/ranking/").text).links if "/admin/case/" in url and "flt" in url]) > 0


def test_the_street_learns_of_health_and_of_nothing_else(place):
    told = place.desk("-").get("/healthz").json
    assert set(told) == {"database", "redis", "waiting", "oldest_seconds", "backup", "backup_age_seconds", "chain",
                         "chain_age_seconds", "free_bytes"}
    assert all(value is None or isinstance(value, int) or value in ("ok", "failed", "none", "broken") for value in told.values())


def test_the_trail_is_not_open_to_a_township_by_any_door(place):
    """Its own case's timeline is; the trail's room is not, and an entry of another township is on no page of its own."""
    assert place.desk("T").get("/admin/audit/").status_code == 403
    assert place.desk("T").get("/admin/audit/?search=county_clerk").status_code == 403
