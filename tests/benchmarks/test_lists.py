"""Lists brought in: ten thousand rows from the file to the trail, a hundred thousand read, a few into a full county."""

from __future__ import annotations

import io
from itertools import count, islice

import crowd
import factories
import pytest
from factories import seeing_as
from measuring import seconds
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from exports import workbook
from exports.intake import bring_in
from exports.workbook import Column, Sheet
from models import audit
from models.area import Names
from models.base import db
from models.campaign import the_campaign
from models.case import Case
from models.imports import NEW, UNCHANGED
from models.roster import area_index
from models.roster_columns import ROSTER
from models.roster_rows import read_roster
from models.scope import everything

HEADINGS = (("序号", "number"), ("乡镇", "text"), ("村组", "text"), ("公民身份号码", "id"), ("姓名", "text"),
            ("性别", "text"), ("暂停年月", "month"), ("暂停原因", "text"))
MANY = 10_000
_fresh = count()


def a_list(start, rows):
    """A workbook of invented people in the county's villages, as the province exports it."""
    with everything("benchmark"):
        names, codes = Names(), crowd.villages()
    people = islice(crowd.invented(start), rows)
    lines = [(number, names.township(code), names.village(code), person.id_number, person.name, person.sex,
              f"{2018 + number % 3}{1 + number % 12:02d}", "未提供生存证明")
             for number, person in enumerate(people) for code in [codes[number % len(codes)]]]
    out = io.BytesIO()
    workbook.write(Sheet("暂停人员", [Column(title, 12, kind) for title, kind in HEADINGS], lines), out)
    return out.getvalue()


def unpacked(data):
    """The yardstick of reading: calamine alone, without a child, limits or checks."""
    return len(CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python())


def brought_in(data):
    """Bring a list in as the county's clerk and commit."""
    with everything("benchmark"):
        clerk = db.session.scalars(select(factories.User).where(factories.User.role == "county_clerk")).one()
    with seeing_as(clerk, "2021-09-08") as now:
        brought = bring_in("roster", data, "list.xlsx", the_campaign(), clerk.username, now)
        db.session.commit()
    return brought.result.counts


@pytest.fixture
def empty(open_office):
    """A county without a case."""
    office = open_office(f"list{next(_fresh)}")
    with office.app.app_context():
        yield office
        db.session.remove()


def test_import(empty, board):
    data, found = a_list(200_000, MANY), []
    unpacking = seconds(lambda: unpacked(data), runs=3)

    board.time(f"import of {MANY:,} rows, with the trail", seconds(lambda: found.append(brought_in(data)), 1, warm=False),
               "calamine reads the file", unpacking)
    assert found[0]["rows"] == found[0][NEW] == MANY
    with everything("benchmark"):
        assert db.session.scalar(select(func.count()).select_from(Case)) == MANY
        assert audit.verify() > MANY
        assert db.session.scalar(select(func.count(audit.AuditEntry.case_id.distinct()))) == MANY  # the trail tells of each

    found.clear()
    board.time("the same list once more", seconds(lambda: found.append(brought_in(data)), 1, warm=False),
               "calamine reads the file", unpacking)
    assert found[0]["rows"] == found[0][UNCHANGED] == MANY


def test_small_import(office, board):
    """Ten rows, where a hundred thousand cases are already."""
    before = office.count()
    with office.app.app_context():
        lists = [a_list(300_000 + 10 * number, 10) for number in range(3)]
        unpacking = seconds(lambda: unpacked(lists[0]))
        taken = seconds(lambda: brought_in(lists.pop()), 3, warm=False)
        db.session.remove()
    assert office.count() == before + 30
    board.time("import of 10 rows into the full county", taken, "calamine reads the file", unpacking)


@pytest.mark.parametrize("rows", [MANY, 10 * MANY])
def test_reading(rows, empty, board):
    """From the file to checked rows, without the database."""
    data = a_list(400_000, rows)
    with everything("benchmark"):
        areas = area_index(the_campaign())

    def read():
        listing = read_roster(workbook.read(data, "list.xlsx", recognises=ROSTER.recognises), areas, factories.COUNTY)
        assert [len(reading.problems) for reading in listing] == [0] * rows
    board.time(f"{rows:,} rows read and checked", seconds(read, 1, warm=False), "calamine reads the file",
               seconds(lambda: unpacked(data), 1))
