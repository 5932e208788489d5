"""Dated rates (待遇标准): what an item pays from which month, at which age, by which document.

No figure is ever a constant in the code: provinces differ, and an officer corrects the table.
`models/data/rates.csv` ships Shanxi's figures; those nobody could verify say so in their basis.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from io import StringIO
from typing import Any

from models.fields import Field, amount, one_of, placed, read_list, read_object, whole
from models.money import yuan
from models.months import Month
from models.words import N_, Refusal

#: Every item of a pension, in the order of every list of them, with what officers call it.
ITEMS = {
    "basic": "基础养老金",
    "age": "高龄基础养老金",
    "years": "缴费年限养老金",
    "account": "个人账户养老金",
    "supplement": "补充养老保险政府补贴",
    "supplement_account": "补充养老保险个人账户养老金",
}

#: The person's own money: its monthly figure stands in the person's record and has no rate.
OWN_MONEY = ("account", "supplement_account")
RATED = tuple(item for item in ITEMS if item not in OWN_MONEY)

COLUMNS = ("item", "from", "amount", "min_age", "basis")


@dataclass(frozen=True)
class Rate:
    """What *item* pays from *from_month* to people of at least *min_age*: *amount* 分 a month (`years`: a month
    for each full year paid beyond 15). *basis* is the document that set it."""

    item: str
    from_month: Month
    amount: int
    min_age: int
    basis: str


class RateTable:
    """The dated rates of a place. Raises Refusal for two rates alike in item, month and age."""

    def __init__(self, rates: Iterable[Rate]):
        # By age, then month, so that the row that fits is the last one that qualifies.
        self.rates = sorted(rates, key=lambda rate: (rate.min_age, rate.from_month))
        keys = set()
        for rate in self.rates:
            key = rate.item, rate.from_month, rate.min_age
            if key in keys:
                raise Refusal(N_("Two rates of “{item}” from {month} for age {age}: only one can be right, "
                                 "so take the other out."), item=rate.item, month=rate.from_month, age=rate.min_age)
            keys.add(key)

    def fitting(self, item: str, month: Month, age: int) -> Rate | None:
        """The rate of *item* in *month* for someone of *age*: of those in force for that age, the one for
        the greatest age, then the latest. None where there is none; the caller knows whether that may be."""
        rates = [rate for rate in self._in_force(item, month) if rate.min_age <= age]
        return rates[-1] if rates else None

    def in_force(self, item: str, month: Month) -> bool:
        """Whether any rate of *item* is in force in *month*, whatever the age."""
        return bool(self._in_force(item, month))

    def first(self, item: str) -> Rate | None:
        """The earliest rate of *item*: the month in which the item began to exist."""
        return min((rate for rate in self.rates if rate.item == item), key=lambda rate: rate.from_month, default=None)

    def _in_force(self, item: str, month: Month) -> list[Rate]:
        return [rate for rate in self.rates if rate.item == item and rate.from_month <= month]


FIELDS = (
    Field("item", one_of(*RATED)),
    Field("from", Month.parse),
    Field("amount", amount),
    Field("min_age", whole(150), kind=int, optional=True),
    Field("basis", optional=True),
)


def read_rates(value: Any, where: str = "rates") -> list[Rate]:
    """Rates from a JSON list of `{"item", "from": "2020-07", "amount": "108.00", "min_age": null, "basis"}`.

    A min_age of null is 0. Raises Refusal, naming the entry, for what cannot be read.
    """
    return read_list(value, _read_rate, where)


def read_rates_csv(content: str) -> list[Rate]:
    """Rates from CSV with the columns `item,from,amount,min_age,basis`; an empty min_age is 0.

    Raises Refusal, naming the line, for what cannot be read. A byte order mark, as Excel leaves it, does no harm.
    """
    reader = csv.reader(StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    rates: list[Rate] = []
    heading = None
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if heading is None:
                heading = _read_heading(cells)
            else:
                rates.append(_read_line(heading, cells, f"rates, line {reader.line_num}"))
    except csv.Error as error:
        raise Refusal(N_("rates, line {line}: this is not CSV ({error})."), line=reader.line_num, error=error) from None
    if heading is None:
        raise Refusal(N_("rates: the file is empty; its first line must be {columns}."), columns=",".join(COLUMNS))
    return rates


def shipped_rates() -> list[Rate]:
    """Shanxi's rates, as the portal ships them: where a county starts from."""
    return read_rates_csv(resources.files("models").joinpath("data/rates.csv").read_text("utf-8"))


def _read_heading(cells: list[str]) -> list[str]:
    if sorted(cells) != sorted(COLUMNS):
        raise Refusal(N_("rates: the first line must name the columns {columns}."), columns=",".join(COLUMNS))
    return cells


def _read_line(heading: list[str], cells: list[str], where: str) -> Rate:
    if len(cells) != len(heading):
        raise Refusal(N_("{where}: {found} cells where {expected} belong; a comma inside a cell needs quotation marks "
                         "around the cell."), where=where, found=len(cells), expected=len(heading))
    row: dict[str, Any] = dict(zip(heading, cells, strict=True))
    row["min_age"] = placed(f"{where}.min_age", _age, row["min_age"])
    return _read_rate(row, where)


def _age(cell: str) -> int | None:
    if cell and not (cell.isascii() and cell.isdecimal() and len(cell) <= 3):
        raise Refusal(N_("“{text}” is not an age: write whole years, or nothing for every age."), text=cell)
    return int(cell) if cell else None


def _read_rate(value: Any, where: str) -> Rate:
    row = read_object(value, FIELDS, where)
    # A line of a settlement always shows what it rests on; a rate that came without its document says just that.
    basis = row["basis"] or f"{ITEMS[row['item']]}{yuan(row['amount'])}元，{row['from']}起（未注明依据）"
    return Rate(row["item"], row["from"], row["amount"], row["min_age"] or 0, basis)
