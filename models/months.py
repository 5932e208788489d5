"""Calendar months: what pensions are counted in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from models.words import N_, Refusal

_ISO = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class Month(NamedTuple):
    """One calendar month; sorts and compares by time. Written YYYY-MM, stored as CHAR(7)."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read YYYY-MM. Raises Refusal for anything else (spreadsheets have their own, wider reader)."""
        found = _ISO.fullmatch(text) if isinstance(text, str) else None
        if not found or not 1 <= int(found[2]) <= 12 or not 1900 <= int(found[1]) <= 2999:
            raise Refusal(N_("“{text}” is not a month: write it as 2021-08."), text=text)
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    def plus(self, months: int) -> Month:
        """The month so many months later (earlier, when negative)."""
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def through(self, last: Month) -> Iterator[Month]:
        """Every month from this one to *last*, both included; nothing if *last* is earlier."""
        month = self
        while month <= last:
            yield month
            month = month.plus(1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def parse_date(text: str) -> date:
    """Read YYYY-MM-DD from 1800 to 2999. Raises Refusal for anything else."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise Refusal(N_("“{text}” is not a date: write it as 2021-09-19."), text=text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal(N_("“{text}” is not a date of the calendar."), text=text) from None
    if not 1800 <= day.year <= 2999:  # a week before or a day after has to be a date as well
        raise Refusal(N_("“{text}” is not a date of the calendar."), text=text)
    return day
