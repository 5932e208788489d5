"""Months told as stretches: 2020年1月至6月 6个月 每月103.00元, as 补发审批表 and 退回通知书 list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from models.money import fen, yuan
from models.months import Month
from models.words import N_, Refusal

# The items of the trial calculation in its order, as people call them.
ITEMS = {"basic": "基础养老金", "age": "高龄补贴", "years": "年限养老金", "account": "个人账户养老金",
         "supplement": "补充养老保险政府补贴", "supplement_account": "补充养老保险个人账户养老金"}

Line = dict[str, Any]


def segments(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Consecutive months of one item, one monthly sum and one basis as one row.

    *lines*: month 'YYYY-MM', item (a key of ITEMS), difference (yuan, either sign), basis. Rows, by item, then month:
    item (Chinese), from and to ('YYYY-MM'), months (a count), monthly and sum (yuan, without sign), basis.
    """
    stretches = [stretch for run in _runs(lines) for stretch in _stretches(run)]
    return [_row(stretch) for stretch in sorted(stretches, key=lambda s: (_place(s[0]["item"]), s[0]["month"]))]


def summed(lines: Iterable[Line]) -> str:
    """The sum of the lines' differences in yuan, without sign."""
    return yuan(abs(sum(fen(line["difference"]) for line in lines)))


def months_of(lines: Iterable[Line]) -> list[str]:
    """The months that occur, each once, in order."""
    return sorted({str(Month.parse(line["month"])) for line in lines})


def _runs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines of one item, sum and basis, by month."""
    def alike(line: Line) -> tuple:
        return _place(line["item"]), fen(line["difference"]), line["basis"]

    for _, run in groupby(sorted(lines, key=lambda line: (alike(line), line["month"])), alike):
        yield list(run)


def _stretches(run: list[Line]) -> Iterator[list[Line]]:
    start = 0
    for n in range(1, len(run) + 1):
        if n == len(run) or Month.parse(run[n]["month"]) != Month.parse(run[n - 1]["month"]).plus(1):
            yield run[start:n]
            start = n


def _row(stretch: list[Line]) -> dict[str, Any]:
    monthly = abs(fen(stretch[0]["difference"]))
    return {"item": ITEMS[stretch[0]["item"]], "from": stretch[0]["month"], "to": stretch[-1]["month"],
            "months": len(stretch), "monthly": yuan(monthly), "sum": yuan(monthly * len(stretch)),
            "basis": stretch[0]["basis"]}


def _place(item: str) -> int:
    if item not in ITEMS:
        raise Refusal(N_("“{item}” is no item of a pension."), item=item)
    return list(ITEMS).index(item)
