"""Standings, the trail and the export of the whole county, against plain SELECTs of the same rows."""

from __future__ import annotations

import io

import factories
import openpyxl
from measuring import seconds
from sqlalchemy import func, select

from exports import sheets
from models import audit, ranking
from models.base import db
from models.case import Case, Milestone, Person

NOW = factories.moment("2021-11-02")


def fetched(*tables):
    """All rows of the tables joined, by hand; how many."""
    statement = select(*tables)
    if len(tables) > 1:
        statement = statement.select_from(tables[0].join(tables[1]))
    return sum(1 for _ in db.session.connection().execute(statement, execution_options={"yield_per": 5000}))


def test_standings(office, board):
    with office.seeing() as campaign:
        found = ranking.standings(campaign, NOW.date())
        stock = db.session.scalar(select(func.count(Case.stock_township)))
        cleared = db.session.scalar(select(func.count()).select_from(Case).where(
            Case.stock_township.is_not(None), Case.state == "cleared"))
        assert (found["total"]["stock"], found["total"]["cleared"]) == (stock, cleared)
        assert (found["total"]["overdue"], len(found["rows"])) == (stock - cleared, 8)

        taken = seconds(lambda: ranking.standings(campaign, NOW.date()), runs=3)
        plain = seconds(lambda: (fetched(Case.__table__), fetched(Milestone.__table__)), runs=1)
    board.time("standings with the week before", taken, "plain SELECT of cases and milestones", plain)


def test_verify(office, board):
    with office.seeing(""):
        entries = db.session.scalar(select(func.count()).select_from(audit.AuditEntry))
        assert audit.verify() == entries

        taken = seconds(audit.verify, runs=3, warm=False)
        plain = seconds(lambda: fetched(audit.AuditEntry.__table__), runs=3, warm=False)
    board.time(f"the trail verified, {entries:,} entries", taken, "plain SELECT of them", plain)


def test_export(office, board):
    built = []
    with office.seeing() as campaign:
        taken = seconds(lambda: built.append(sheets.build("cases", campaign, NOW, str)), runs=1, warm=False)
        plain = seconds(lambda: fetched(Case.__table__, Person.__table__), runs=1, warm=False)
    people = office.count()
    assert rows_of(built[0]) == people + 3  # title, moment, headings

    board.time(f"XLSX of {people:,} cases", taken, "plain SELECT of them", plain)


def rows_of(workbook):
    sheet = openpyxl.load_workbook(io.BytesIO(workbook), read_only=True).active
    return sheet.max_row
