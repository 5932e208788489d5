"""Standings: order and ties by exact fractions, past days as they were recorded, the same for whoever asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from factories import (
    COUNTY,
    TIANNING,
    XIAJIAYING,
    a_case,
    arranging,
    established,
    holder,
    moment,
    seeing_as,
    step,
    walk,
)
from hypothesis import given
from hypothesis import strategies as st

from models.base import db
from models.handing import hand_out
from models.ranking import Standing, on, ranked, rate, standings
from models.user import Role
from models.workflow import reclassify, undo

HERE, THERE, PARK = "141122100001", "141122101200", "141122400498"


def row(code: str, stock: int, cleared: int, verified: int = 0, **more: int) -> Standing:
    return Standing(code, code.upper(), stock=stock, cleared=cleared, verified=verified, **more)


# ---- order, by hand

@pytest.mark.parametrize(("rows", "expected"), [
    pytest.param([row("a", 10, 9), row("b", 10, 10)], {"b": 1, "a": 2}, id="cleared rate first"),
    pytest.param([row("a", 10, 5, 5), row("b", 10, 5, 6)], {"b": 1, "a": 2}, id="then verified rate"),
    pytest.param([row("a", 10, 5, 5), row("b", 20, 10, 10)], {"b": 1, "a": 2}, id="then the larger stock"),
    pytest.param([row("a", 9, 9, 9), row("b", 5, 3, 3), row("c", 5, 3, 3), row("d", 5, 1, 1)],
                 {"a": 1, "b": 2, "c": 2, "d": 4}, id="1, 2, 2, 4"),
    pytest.param([row("c", 5, 3), row("a", 5, 3), row("b", 5, 3)], {"a": 1, "b": 1, "c": 1}, id="all alike, by code"),
    pytest.param([row("a", 0, 0), row("b", 5, 0)], {"b": 1, "a": None}, id="without stock last and unranked"),
    pytest.param([row("a", 0, 0), row("b", 0, 0)], {"a": None, "b": None}, id="nobody has stock"),
    pytest.param([row("a", 0, 0, added=4), row("b", 1, 0)], {"b": 1, "a": None}, id="additions are no stock"),
    # 98.25 % and 98.3 % both print as 98.3 (or 98.2); the fraction decides, not the print.
    pytest.param([row("a", 400, 393), row("b", 1000, 983)], {"b": 1, "a": 2}, id="fractions, not printed rates"),
    pytest.param([row("a", 3000, 2999), row("b", 2000, 1999)], {"a": 1, "b": 2}, id="both print as 100.0"),
    pytest.param([row("a", 3, 1), row("b", 9, 3)], {"b": 1, "a": 2}, id="a third is a third"),
    pytest.param([], {}, id="nobody"),
])
def test_the_order(rows, expected):
    assert {r.code: r.rank for r in ranked(rows)} == expected
    assert [r.code for r in ranked(rows)] == list(expected)


@pytest.mark.parametrize(("part", "whole", "percent"), [
    (118, 120, "98.3"), (100, 120, "83.3"), (1, 3, "33.3"), (2, 3, "66.7"), (1, 2000, "0.1"), (1, 2001, "0.0"),
    (0, 5, "0.0"), (5, 5, "100.0"), (1999, 2000, "100.0"), (1, 800, "0.1"), (9985, 10000, "99.9"), (0, 0, None)])
def test_rates_have_one_decimal_half_up(part, whole, percent):
    assert rate(part, whole) == percent


@st.composite
def townships(draw) -> list[Standing]:
    rows = []
    for n in range(draw(st.integers(0, 9))):
        # Few figures, so that ties are many.
        stock = draw(st.integers(0, 6))
        verified = draw(st.integers(0, stock))
        rows.append(row(f"{n:09d}", stock, draw(st.integers(0, verified)), verified))
    return draw(st.permutations(rows))


def better(one: Standing, other: Standing) -> bool:
    """Whether *one* stands before *other*, said as the contract says it."""
    for what in ("cleared", "verified"):
        mine, theirs = Fraction(getattr(one, what), one.stock), Fraction(getattr(other, what), other.stock)
        if mine != theirs:
            return mine > theirs
    return one.stock > other.stock


@given(townships())
def test_a_rank_is_one_more_than_those_who_are_better(rows):
    with_stock = [r for r in rows if r.stock]
    found = ranked(rows)

    assert {r.code: r.rank for r in found} == {
        r.code: 1 + sum(better(other, r) for other in with_stock) if r.stock else None for r in rows}
    assert [r.rank for r in found] == sorted((r.rank for r in found), key=lambda rank: (rank is None, rank))


@given(townships())
def test_the_order_of_asking_does_not_matter(rows):
    assert ranked(rows) == ranked(list(reversed(rows)))


# ---- from the database

@pytest.fixture
def listed(county, session):
    """Two cases in 天宁镇, one in 夏家营镇, handed out on the 18th at noon."""
    cases = [a_case(HERE), a_case(HERE), a_case(THERE)]
    with arranging("2021-09-18 12:00") as now:
        hand_out(county.campaign, "county_clerk", now)
    return cases


def of(county, day: str, code: str = TIANNING, document=None) -> dict:
    return next(r for r in (document or standings(county.campaign, date.fromisoformat(day)))["rows"] if r["code"] == code)


def test_the_document_of_the_contract(county, listed):
    walk(listed[0], category="uncertified")

    document = standings(county.campaign, date(2021, 9, 19))

    assert document["as_of"] == "2021-09-19"
    assert document["campaign"] == "2021"
    assert document["total"] == {
        "stock": 3, "verified": 1, "verified_rate": "33.3", "cleared": 1, "cleared_rate": "33.3", "outstanding": 2,
        "overdue": 0, "added": 0}
    assert document["rows"][0] == {
        "rank": 1, "code": TIANNING, "name": "天宁镇", "stock": 2, "verified": 1, "verified_rate": "50.0", "cleared": 1,
        "cleared_rate": "50.0", "outstanding": 1, "overdue": 0, "added": 0, "rank_before": None}
    assert [r["rank"] for r in document["rows"]] == [1, 2] + [None] * 6


def test_a_statistical_unit_has_no_rank(county, listed):
    a_case(PARK)

    assert len(on(county.campaign, date(2021, 9, 19))) == 8


@pytest.mark.parametrize(("recorded", "counted"), [
    ("2021-09-20 23:59", True), ("2021-09-20 23:59:59", True), ("2021-09-21 00:00", False), ("2021-09-21 00:30", False),
    (datetime(2021, 9, 20, 15, 59, 59, tzinfo=UTC), True), (datetime(2021, 9, 20, 16, 0, tzinfo=UTC), False),
    # The UTC day is still the 20th; in Shanghai the 21st has begun.
    (datetime(2021, 9, 20, 20, 0, tzinfo=UTC), False),
])
def test_a_day_ends_at_24_in_shanghai(county, listed, recorded, counted):
    established(listed[0], "uncertified", at=recorded)

    assert of(county, "2021-09-20")["verified"] == int(counted)
    assert of(county, "2021-09-21")["verified"] == 1


def test_a_step_of_an_earlier_day_counts_from_when_it_was_recorded(county, listed):
    step(listed[0], "establish", at="2021-09-22", on=date(2021, 9, 19), category="uncertified")

    assert [of(county, day)["verified"] for day in ("2021-09-19", "2021-09-21", "2021-09-22")] == [0, 0, 1]


def test_a_past_day_answers_the_same_after_a_step_is_taken_back(county, listed):
    case = established(listed[0], "deceased", at="2021-09-19")
    step(case, "death", "2021-09-19", died_on="2021-02-03")
    before = standings(county.campaign, date(2021, 9, 19))
    by = holder(Role.TOWNSHIP, case)
    with seeing_as(by, "2021-09-25") as now:
        undo(case, "death", by, now, "误录")
        db.session.commit()

    assert standings(county.campaign, date(2021, 9, 19)) == before
    assert [of(county, day)["verified"] for day in ("2021-09-24", "2021-09-25")] == [1, 0]


@pytest.mark.parametrize(("taken_back", "still"), [("2021-09-20 23:59", 0), ("2021-09-21 00:00", 1)])
def test_what_is_lost_after_24_was_reached_that_day(county, listed, taken_back, still):
    case = step(established(listed[0], "deceased"), "death", died_on="2021-02-03")
    by = holder(Role.TOWNSHIP, case)
    with seeing_as(by, taken_back) as now:
        undo(case, "death", by, now, "误录")
        db.session.commit()

    assert of(county, "2021-09-20")["verified"] == still


def test_a_past_day_answers_the_same_after_the_category_changes(county, listed):
    case = walk(established(listed[0], "imprisoned", at="2021-09-19"), serving="yes", at="2021-09-19")
    before = standings(county.campaign, date(2021, 9, 20))
    by = holder(Role.TOWNSHIP, case)
    with seeing_as(by, "2021-09-25") as now:
        reclassify(case, "deceased", by, now, "已死亡")
        db.session.commit()
    walk(case, family="reached", died_on="2021-02-03", at="2021-09-28")

    assert standings(county.campaign, date(2021, 9, 20)) == before
    assert [(of(county, day)["verified"], of(county, day)["cleared"]) for day in
            ("2021-09-24", "2021-09-25", "2021-09-27", "2021-09-28")] == [(1, 1), (0, 0), (0, 0), (1, 1)]


def test_a_past_day_answers_the_same_after_a_case_moves(county, listed):
    established(listed[0], "uncertified", at="2021-09-19")
    before = standings(county.campaign, date(2021, 9, 20))
    with arranging("2021-09-25"):
        listed[0].area_code = THERE

    assert standings(county.campaign, date(2021, 9, 20)) == before
    assert of(county, "2021-09-25")["stock"] == 2


def test_still_serving_counts_as_cleared(county, listed):
    walk(established(listed[0], "imprisoned"), serving="yes")

    assert of(county, "2021-09-19")["cleared"] == 1


# ---- stock and additions

@pytest.mark.parametrize(("paused_from", "at", "stock", "added"), [
    ("2021-07", "2021-09-18 11:00", 3, 0), ("2021-08", "2021-09-18 11:00", 2, 1),
    ("2021-09", "2021-09-18 11:00", 2, 1)])
def test_stock_is_who_was_suspended_before_the_cut_off(county, session, paused_from, at, stock, added):
    a_case(HERE), a_case(HERE)
    a_case(HERE, paused_from, at=at)
    with arranging("2021-09-18 12:00") as now:
        hand_out(county.campaign, "county_clerk", now)

    found = of(county, "2021-09-18")
    assert (found["stock"], found["added"]) == (stock, added)


def test_who_is_listed_after_the_hand_out_is_an_addition(county, listed):
    case = a_case(HERE, "2020-01", at="2021-09-20")
    walk(established(case, "uncertified", at="2021-09-21"), at="2021-09-21")

    found = of(county, "2021-09-21")
    assert (found["stock"], found["added"], found["cleared"], found["cleared_rate"]) == (2, 1, 0, "0.0")
    assert of(county, "2021-09-19")["added"] == 0


def test_stock_counts_in_the_township_of_its_hand_out(county, listed):
    with arranging("2021-09-20"):
        listed[2].area_code = HERE

    assert (of(county, "2021-09-21")["stock"], of(county, "2021-09-21", XIAJIAYING)["stock"]) == (2, 1)


def test_before_the_hand_out_the_stock_is_provisional(county, session):
    a_case(HERE)
    a_case(HERE, "2021-08")

    found = of(county, "2021-09-18")
    assert (found["stock"], found["added"]) == (1, 1)
    assert of(county, "2021-09-17")["stock"] == 0


# ---- deadlines and the week before

@pytest.mark.parametrize(("day", "overdue"), [
    ("2021-09-20", 0), ("2021-09-21", 1), ("2021-10-31", 1), ("2021-11-01", 2)])
def test_overdue_begins_the_day_after_each_deadline(county, session, day, overdue):
    # One cleared, one verified and not cleared, one neither.
    cases = [a_case(HERE) for _ in range(3)]
    with arranging("2021-09-18 12:00") as now:
        hand_out(county.campaign, "county_clerk", now)
    walk(established(cases[0], "no_card"))
    established(cases[1], "uncertified")

    assert of(county, day)["overdue"] == overdue


def test_additions_are_never_overdue(county, listed):
    a_case(HERE, at="2021-09-20")

    assert of(county, "2021-11-05")["overdue"] == 2


def test_the_rank_of_the_week_before(county, listed):
    established(listed[2], "uncertified", at="2021-09-20")
    for case in listed[:2]:
        walk(established(case, "no_card", at="2021-09-27"), at="2021-09-27")

    found = {code: of(county, "2021-09-28", code) for code in (TIANNING, XIAJIAYING)}
    assert [(found[code]["rank"], found[code]["rank_before"]) for code in found] == [(1, 2), (2, 1)]


# ---- whoever asks

def test_a_township_is_told_the_same(county, listed):
    walk(established(listed[0], "no_card"))
    answers = []
    for user in (county.clerk, county.township(TIANNING), county.township(XIAJIAYING), county.auditor):
        with seeing_as(user):
            answers.append(standings(county.campaign, date(2021, 9, 21)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["total"]["stock"] == 3


def test_asking_leaves_the_area_of_whoever_asks_alone(county, listed):
    from models.scope import current
    with seeing_as(county.township()):
        standings(county.campaign, date(2021, 9, 21))
        assert current() == TIANNING
    assert current() == COUNTY


def test_another_campaign_is_not_counted(county, listed, session):
    from sqlalchemy import inspect

    from models.campaign import Campaign
    with arranging():
        other = Campaign(**{c.key: getattr(county.campaign, c.key) for c in inspect(Campaign).column_attrs
                            if c.key not in ("id", "version", "key", "handed_out_at")}, key="2022")
        session.add(other)
        session.flush()
    a_case(HERE, campaign=other)

    assert of(county, "2021-09-19", document=standings(other, date(2021, 9, 19)))["stock"] == 1
    assert moment("2021-09-18 12:00") < moment("2021-09-19")
