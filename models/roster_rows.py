"""Rows of the suspension list and of the benefits list, read and checked against each other.

Nothing here reads the database: `already_open` and `conflict` are added by whoever loads the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from models import idnumber
from models.areanames import AreaIndex
from models.cellreaders import Complaint
from models.cells import Table
from models.listing import Headings, Layout, Reading
from models.proposals import propose
from models.roster_columns import BENEFITS, ROSTER
from models.words import N_


@dataclass(frozen=True)
class Listing:
    """A list read: where its headings stand, and one reading per data row, in order."""

    headings: Headings
    readings: list[Reading]

    def __iter__(self) -> Iterator[Reading]:
        return iter(self.readings)

    def __len__(self) -> int:
        return len(self.readings)


def read_list(layout: Layout, table: Table, check: Callable[[Reading, Headings], None]) -> Listing:
    """Read each data row of a list and check it; a person's later rows are `duplicate_in_file`."""
    headings = layout.headings(table)
    readings, first = [], {}
    for row in layout.data_rows(table, headings):
        reading = layout.read(row, headings)
        check(reading, headings)
        _once(reading, headings, first)
        readings.append(reading)
    return Listing(headings, readings)


def _once(reading: Reading, headings: Headings, first: dict[str, int]) -> None:
    number = reading.values.get("id_number")
    if number and first.setdefault(number, reading.row) != reading.row:
        reading.complain(headings.titles["id_number"], "duplicate_in_file",
                         N_("The same person stands in row {row} already: keep one of the rows."), row=first[number])


def read_roster(table: Table, areas: AreaIndex, within: str = "", today: date | None = None) -> Listing:
    """The suspension list. *within*: code of the importing person's area; *today* judges a column 年龄.

    values: id_number (18 characters), name, sex ('男'/'女', by the number), born (date, by the number), paused_from
    (Month), area_code (12 digits, 9 for a township alone), category (a key or None), and reason, remark, hukou (text
    or None). Raises Refusal if a column is missing.
    """
    def check(reading: Reading, headings: Headings) -> None:
        _place(reading, headings, areas, within)
        _agree(reading, headings, today)
        values = reading.values
        values["category"] = values.get("category") or propose(values.get("reason"), values.get("remark"))
    return read_list(ROSTER, table, check)


def _place(reading: Reading, headings: Headings, areas: AreaIndex, within: str) -> None:
    """Turn township and village into a code inside the importing person's area."""
    village, township = reading.values.pop("village", None), reading.values.pop("township", None)
    reading.values["area_code"] = None
    if village is None:
        return
    try:
        code = _find(areas, township, village)
    except Complaint as complaint:
        reading.complain(headings.titles["village"], complaint.code, complaint.message)
        return
    if not code.startswith(within):
        reading.complain(headings.titles["village"], "outside_area", N_(
            "{place} is not in your area: leave the row to the township it belongs to."), place=areas.full_name(code))
        return
    reading.values["area_code"] = code


def _find(areas: AreaIndex, township: str | None, village: str) -> str:
    """A village with its township in a column of its own, or in front of its name."""
    if not township:
        return areas.find(village)
    try:
        return areas.find(township + village)
    except Complaint as complaint:
        code = _or_code(areas, village)
        if code is None or not code.startswith(areas.find(township)):
            raise complaint from None
        return code


def _or_code(areas: AreaIndex, text: str) -> str | None:
    try:
        return areas.find(text)
    except Complaint:
        return None


def _agree(reading: Reading, headings: Headings, today: date | None) -> None:
    """Warn where sex or age contradict the number, which is what counts."""
    values, number = reading.values, reading.values.get("id_number")
    said_sex, said_born, said_age = (values.pop(key, None) for key in ("sex", "born", "age"))
    values["sex"], values["born"] = (idnumber.sex(number), idnumber.birth_date(number)) if number else (None, None)
    if not number:
        return
    if said_sex and said_sex != values["sex"]:
        reading.complain(headings.titles["sex"], "sex_differs", N_(
            "The list says {said}, the ID number {number}: check which of them is right."),
            said=said_sex, number=values["sex"])
    if said_born and said_born != values["born"]:
        reading.complain(headings.titles["born"], "age_differs", N_(
            "The list says {said}, the ID number {number}: check which of them is right."),
            said=said_born.isoformat(), number=values["born"].isoformat())
    if said_age is not None and today and abs(today.year - values["born"].year - said_age) > 1:
        reading.complain(headings.titles["age"], "age_differs", N_(
            "The list says {said}, the ID number {number}: check which of them is right."),
            said=said_age, number=today.year - values["born"].year)


def read_benefits(table: Table) -> Listing:
    """The benefits list, keyed as the trial calculation's person, money in 分.

    values: id_number, name, basic_from (Month), supplement_from (Month or None), years_paid, account_pension,
    account_balance, government_subsidy, supplement_account_pension, supplement_account_balance.
    """
    return read_list(BENEFITS, table, _benefit)


def _benefit(reading: Reading, headings: Headings) -> None:
    """Supplementary figures may be empty only without a supplementary pension; a subsidy is part of a balance."""
    values = reading.values
    for key in ("supplement_account_pension", "supplement_account_balance"):
        bad = any(problem.column in (headings.titles[key], headings.titles["supplement_from"])
                  for problem in reading.problems)
        if values[key] is None and values["supplement_from"] is None and not bad:
            values[key] = 0
        elif values[key] is None and not bad:
            reading.complain(headings.titles[key], "missing", N_("“{column}” is empty: fill it in."),
                             column=headings.titles[key])
    subsidy, balance = values["government_subsidy"], values["account_balance"]
    if subsidy is not None and balance is not None and subsidy > balance:
        reading.complain(headings.titles["government_subsidy"], "amount_format", N_(
            "The government subsidy is part of the balance and cannot be above it."))
