"""Pages of the desk, asked for as a browser would, against the plain SELECT of the rows they show."""

from __future__ import annotations

import re

import factories
import pytest
from measuring import seconds
from sqlalchemy import func, select

from models.audit import AuditEntry
from models.base import db
from models.case import Case, Person
from models.certificate import Certificate
from models.ledger import Settlement
from models.prefix import in_area

LIST, DETAILS = "/admin/case/", "/admin/case/details/"
SHOWN = select(Case.__table__, Person.__table__).join_from(Case.__table__, Person.__table__)


@pytest.fixture(scope="module")
def clients(office):
    """A client for each post, signed in once."""
    posts = {"county": "county_clerk", "township": f"township-{factories.TIANNING}", "auditor": "auditor"}
    return {post: office.sign_in(username) for post, username in posts.items()}


@pytest.fixture(scope="module")
def plain(office):
    """Seconds that the fifty rows of a first page take by hand."""
    statement = SHOWN.order_by(Case.area_code, Case.id).limit(50)

    def fetch():
        assert len(db.session.connection().execute(statement).all()) == 50
    with office.seeing():
        return seconds(fetch)


def page(client, address, **query):
    answer = client.get(address, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def listed(text):
    """(rows in all, rows shown) of a list."""
    found = re.search(r'class="pager".*?<span>\D*(\d+)', text, re.DOTALL)
    return int(found[1]) if found else 0, text.count('name="rowid"')


LISTS = {
    "first page": ({}, "county", lambda: ()),
    "first page, township": ({}, "township", lambda: ()),
    "one township": ({"flt0_township": "141122102"}, "county", lambda: (in_area(Case.area_code, "141122102"),)),
    "search by name": ({"search": "王桂兰"}, "county", lambda: _person(Person.name == "王桂兰")),
    "search by family name": ({"search": "王"}, "county", lambda: _person(Person.name.startswith("王"))),
    "search by ID tail": ({"search": "5028"}, "county", lambda: _person(Person.id_tail == "5028")),
    "search by pinyin": ({"search": "wangguilan"}, "county", lambda: _person(Person.name_key.like("wang% gui% lan%"))),
    "search by initials": ({"search": "wgl"}, "county", lambda: _person(Person.name_key.like("w% g% l%"))),
    "search by name, township": ({"search": "王桂兰"}, "township", lambda: _person(Person.name == "王桂兰")),
    "nobody found": ({"search": "欧阳"}, "county", lambda: _person(Person.name == "欧阳")),
    "page 1,900": ({"page": 1899}, "county", lambda: ()),
    "sorted by name": ({"sort": 0}, "county", lambda: ()),
    "overdue": ({"flt0_due": "late"}, "county", None),
    "waits for me": ({"flt0_waits": "me"}, "county", None),
    "material missing, township": ({"flt0_mark": "lacks"}, "township", None),
}


def _person(condition):
    return (Case.person_id.in_(select(Person.id).where(condition)),)


@pytest.mark.parametrize("name", LISTS)
def test_list(name, office, clients, plain, board):
    query, post, conditions = LISTS[name]
    text = page(clients[post], LIST, **query)
    count, rows = listed(text)
    assert rows == min(count, 50)
    if conditions:
        area = factories.COUNTY if post == "county" else factories.TIANNING
        assert count == office.count(*conditions(), area=area)

    board.time(f"list, {name}", seconds(lambda: page(clients[post], LIST, **query)), "plain SELECT of 50 cases", plain)


@pytest.mark.parametrize(("name", "row"), [("settlement", Settlement), ("certificate", Certificate), ("audit", AuditEntry)])
def test_other_list(name, row, office, clients, plain, board):
    client = clients["auditor" if name == "audit" else "county"]
    count, _ticks = listed(page(client, f"/admin/{name}/"))
    with office.seeing():
        assert count == db.session.scalar(select(func.count()).select_from(row))

    board.time(f"list of {count:,} {name} rows", seconds(lambda: page(client, f"/admin/{name}/")),
               "plain SELECT of 50 cases", plain)


@pytest.mark.parametrize("post", ["county", "township"])
def test_home(post, office, clients, plain, board):
    text = page(clients[post], "/admin/")
    late = office.count(Case.stock_township.is_not(None), Case.state != "cleared",
                        area=factories.COUNTY if post == "county" else factories.TIANNING)
    assert f">{late}<" in text

    board.time(f"home, {post}", seconds(lambda: page(clients[post], "/admin/"), runs=3), "plain SELECT of 50 cases", plain)


def test_case_page(office, clients, plain, board):
    """One that was walked to its end: all its steps, its settlement, its part of the trail."""
    with office.seeing():
        case = db.session.scalars(select(Case).where(Case.id.in_(office.walked), Case.state == "cleared",
                                                     Case.settlements.any())).first()
        number, steps = case.id, len(case.taken)
    text = page(clients["county"], DETAILS, id=number)
    assert text.count("✓") >= steps >= 3

    board.time("case page", seconds(lambda: page(clients["county"], DETAILS, id=number)), "plain SELECT of 50 cases", plain)
