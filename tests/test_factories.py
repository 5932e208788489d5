"""The factories themselves: what other tests take for granted."""

from __future__ import annotations

from datetime import date

import pytest
from factories import a_case, id_number, moment, seeing_as, walk
from sqlalchemy import func, select

from models import idnumber
from models.area import Township, Village
from models.case import CLEARED, Case


@pytest.mark.parametrize("n", [0, 1, 499, 500, 999])
@pytest.mark.parametrize("sex", ["男", "女"])
def test_an_invented_number_is_a_right_one(n, sex):
    number = id_number(date(1946, 2, 28), n, sex)

    assert idnumber.canonical(number) == number
    assert (idnumber.birth_date(number), idnumber.sex(number)) == (date(1946, 2, 28), sex)
    assert number[:6] in ("141120", "142320")


def test_the_county_stands(county, session):
    with seeing_as(county.clerk):
        assert session.scalar(select(func.count()).select_from(Township)) == 9
        assert session.scalar(select(func.count()).select_from(Village)) == 111
    assert len(county.townships) == 8
    assert county.campaign.key == "2021"


def test_a_moment_is_of_shanghai():
    assert moment("2021-09-19 23:59").isoformat() == "2021-09-19T23:59:00+08:00"


def test_a_case_walks_to_its_end(county, session):
    case = walk(a_case(category="uncertified"))

    assert case.state == CLEARED


def test_each_test_finds_an_empty_list(county, session):
    with seeing_as(county.clerk):
        assert session.scalar(select(func.count()).select_from(Case)) == 0
