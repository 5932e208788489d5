"""Papers ordered for several people at once: numbers run on, and the trail tells of each. And the order of texts."""

from __future__ import annotations

import re

import pytest
from factories import NOW, TIANNING, a_case, arranging, walk
from screening import Desk, looking
from sqlalchemy import select, text

from models.area import sort_key
from models.audit import AuditEntry
from models.base import db
from models.campaign import the_campaign
from models.case import Person
from models.document import Document
from models.papers import order_documents
from models.scope import everything, seeing
from models.user import User
from models.words import Refusal
from views.filters import prefix

DRAWN = {"alive": "yes", "impostor_from": "2019-10", "impostor_to": "2019-12"}


@pytest.fixture
def three(county):
    """Three people to whom an impostor's refund is owed, and the account it goes to."""
    cases = [walk(a_case(f"{TIANNING}001", category="impostor"), "approve", **DRAWN) for _ in range(3)]
    with arranging():
        the_campaign().bank_account = "某银行 0000"
    return cases


def test_numbers_run_on_without_a_gap(county, three):
    for _ in range(2):  # the second order is the first once more
        with arranging():
            order_documents(three, "recovery", county.clerk, NOW)
    numbers = db.session.scalars(select(Document.number).order_by(Document.id)).all()
    assert [number[-2:] for number in numbers] == ["1号", "2号", "3号"]
    told = db.session.scalars(select(AuditEntry.case_id).where(AuditEntry.act == "order_paper")).all()
    assert told == [case.id for case in three]


def test_an_order_that_is_refused_gives_no_number_in_vain(county, three):
    other = a_case(f"{TIANNING}001", category="uncertified")
    with pytest.raises(Refusal), arranging():
        order_documents([*three, other], "recovery", county.clerk, NOW)
    db.session.rollback()
    assert db.session.scalars(select(Document.id)).all() == []
    with arranging():
        order_documents(three[:1], "recovery", county.clerk, NOW)
    assert db.session.scalars(select(Document.number)).one().endswith("〕1号")


def test_names_stand_by_their_pinyin_and_signs_by_their_bytes(county):
    """The same on every database, also on one whose own order is that of pinyin, or leaves spaces and signs out."""
    names = ["尉迟外", "王秀英", "乙", "单于", "安", "昂", "李 四", "李四", "阿·孜古丽", "Ａ", "𬴂小明", "曾子", "曽子"]
    with arranging():
        db.session.add_all(a_case(f"{TIANNING}001", name=name).person for name in names)
    with seeing(TIANNING):
        by_key = db.session.scalars(select(Person.name_key).order_by(Person.name_key)).all()
        by_name = db.session.scalars(select(Person.name).order_by(Person.name)).all()
        tails = db.session.scalars(select(Person.id_number).order_by(Person.id_number)).all()
        if db.engine.dialect.name == "postgresql":  # the control: the order of the database itself is another
            theirs = Person.name.collate("zh-Hans-x-icu")
            assert db.session.scalars(select(Person.name).order_by(theirs)).all() != sorted(names)
    assert by_key == sorted(map(sort_key, names))
    assert by_name == sorted(names)
    assert tails == sorted(tails)
    with everything("test"):
        assert db.session.scalars(select(User.username).order_by(User.username)).all() == sorted(
            user.username for user in db.session.scalars(select(User)))


@pytest.mark.parametrize("start", ["王", "w", "wang2", "李 ", "14112019", "%", "_", "\\", "𬴂"])
def test_what_starts_with_a_text_is_what_python_says(county, start):
    names = ["王秀英", "汪洋", "李 四", "李四", "%x", "_x", "\\x", "𬴂小明", "王"]
    with arranging():
        db.session.add_all(a_case(f"{TIANNING}001", name=name).person for name in names)
    with seeing(TIANNING):
        for column in (Person.name, Person.name_key, Person.id_number):
            every = db.session.scalars(select(column)).all()
            found = db.session.scalars(select(column).where(prefix(column, start))).all()
            assert sorted(found) == sorted(value for value in every if value.startswith(start))


@pytest.mark.parametrize("column", ["name", "name_key", "id_number", "id_tail"])
def test_a_prefix_is_looked_up_in_an_index(county, column):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite's own order is by bytes")
    with seeing(TIANNING):
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        question = select(Person.id).where(prefix(getattr(Person, column), "x"))
        plan = db.session.execute(text("EXPLAIN " + str(question.compile(db.engine, compile_kwargs={"literal_binds": True}))))
        assert "Index Cond: (((" + column in "\n".join(plan.scalars())


@pytest.mark.parametrize(("order", "down"), [
    ("", False), *((f"sort={column}&desc={int(down)}&", down) for column in (0, 2, 4) for down in (False, True))])
def test_people_alike_in_what_a_list_is_sorted_by_are_on_one_page_each(portal, order, down):
    with looking(portal):
        ids = [a_case(name="王秀英").id for _ in range(25)]
    pages = [Desk(portal, "county_clerk").get(f"/admin/case/?{order}page_size=20&page={page}").text
             for page in range(2)]
    shown = [int(id) for page in pages for id in re.findall(r'name="rowid" value="(\d+)"', page)]
    assert shown == sorted(ids, reverse=down)
