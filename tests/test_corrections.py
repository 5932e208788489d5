"""What a list brought wrongly, put right by a person and kept by later lists."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from factories import a_case, a_person, refused, seeing_as, walk
from sqlalchemy import select

from exports import workbook
from exports.workbook import Column, Sheet
from models.case import Case
from models.ranking import standings
from models.roster import area_index, correct, load_roster
from models.roster_rows import read_roster

MAGNETIC_KILN, SUNKEN = "141122100201", "141122101200"  # 磁窑村 of 天宁镇, 段村 of 夏家营镇


def listed(folder: Path, case: Case, **changes: str):
    """The suspension list with this one person on it, read again."""
    row = {"name": case.person.name, "village": "天宁镇西街社区", "month": str(case.paused_from)} | changes
    columns = [Column(title, 12, "text") for title in ("所在村组", "证件号码", "姓名", "暂停年月")]
    out = folder / "list.xlsx"
    workbook.write(Sheet("名单", columns, [(row["village"], case.person.id_number, row["name"], row["month"])]), out)
    return read_roster(workbook.read(out), area_index(case.campaign), "141122")


def test_a_corrected_name_is_not_overwritten_by_a_later_list(county, session, tmp_path):
    case = a_case(person=a_person("王桂兰"))
    with seeing_as(county.clerk) as now:
        correct(case, name="王桂蓝")
        session.commit()

        result = load_roster(listed(tmp_path, case, name="王桂兰"), county.campaign, now)

    assert [(o.outcome, [p.code for p in o.problems]) for o in result.outcomes] == [("refused", ["conflict"])]
    assert case.person.name == "王桂蓝"


def test_what_nobody_corrected_is_taken_from_the_later_list(county, session, tmp_path):
    case = a_case(person=a_person("王桂兰"))
    with seeing_as(county.clerk) as now:
        result = load_roster(listed(tmp_path, case, name="王桂蓝", village="天宁镇磁窑村"), county.campaign, now)
        session.commit()

    assert [o.outcome for o in result.outcomes] == ["updated"]
    assert (case.person.name, case.area_code) == ("王桂蓝", MAGNETIC_KILN)


def test_another_pause_month_of_an_open_case_is_already_open(county, tmp_path):
    case = a_case(paused_from="2020-01")
    with seeing_as(county.clerk) as now:
        result = load_roster(listed(tmp_path, case, month="2020-05"), county.campaign, now)

    assert [p.code for o in result.outcomes for p in o.problems] == ["already_open"]


def test_a_case_moves_with_all_that_hangs_on_it_and_the_stock_stays(county, session):
    from models.handing import hand_out
    case = walk(a_case(village="141122100001", category="deceased"), family="reached")
    with seeing_as(county.clerk, "2021-09-18") as now:
        hand_out(county.campaign, county.clerk.username, now)
        session.commit()
    with seeing_as(county.clerk):
        correct(case, area_code=SUNKEN)
        session.commit()

    assert {row.area_code for row in (case, *case.certificates, *case.settlements)} == {SUNKEN}
    stock = {row["code"]: row["stock"] for row in standings(county.campaign, date(2021, 9, 19))["rows"]}
    assert (stock["141122100"], stock["141122101"]) == (1, 0)


@pytest.mark.parametrize("code", ["141122999001", "110101001001", "141122100"])
def test_a_place_that_is_none_is_refused(county, code):
    case = a_case()
    with seeing_as(county.clerk), refused("no village"):
        correct(case, area_code=code)


def test_a_township_moves_nobody_into_another_one(county, session):
    case = a_case(village="141122100001")
    with seeing_as(county.township()), refused("no village"):
        correct(case, area_code=SUNKEN)
    assert session.scalar(select(Case.area_code).where(Case.id == case.id)) == "141122100001"


def test_past_standings_stay_when_an_addition_moves(county, session):
    from models.handing import hand_out
    first = a_case(village="141122100001", paused_from="2020-01")
    with seeing_as(county.clerk, "2021-09-18") as now:
        hand_out(county.campaign, county.clerk.username, now)
        session.commit()
    addition = a_case(village="141122100001", paused_from="2021-08", at="2021-09-18T12:00:00+08:00")
    before = {day: standings(county.campaign, date(2021, 9, day)) for day in (17, 18, 19)}

    with seeing_as(county.clerk):
        correct(first, area_code=SUNKEN)
        correct(addition, area_code=SUNKEN)
        session.commit()

    assert {day: standings(county.campaign, date(2021, 9, day)) for day in (17, 18, 19)} == before
    assert next(row for row in before[19]["rows"] if row["code"] == "141122100")["added"] == 1
