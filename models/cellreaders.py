"""Readers of single cells: every way in which clerks write a month, a date, an amount or an ID number.

Each reader returns None for an empty cell, a value, or raises Complaint. What can be read in two ways is refused.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation

from models import idnumber
from models.cells import BOOL, DATE, EMPTY, ERROR, FORMULA, NUMBER, TEXT, Cell, number_text
from models.months import Month
from models.words import N_, Message, Refusal

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_BETWEEN_HANZI = re.compile(r"(?<=[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])\s+"
                            r"(?=[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
_DASHES = str.maketrans("‐‑‒–—―−", "-------")

_MONTH = re.compile(r"(\d{4})(?:(\d{2})|[-/.](\d{1,2})|年(\d{1,2})月份?)", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})"
                   r"|年(\d{1,2})月(\d{1,2})[日号]?)(?:T?0?0:00(?::00(?:\.0+)?)?)?", re.ASCII)
_AMOUNT = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,2})?", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.ASCII)
_YEARS = range(1900, 2100)


class Complaint(Refusal):
    """What is wrong with one cell. *code* is one of the import's codes."""

    def __init__(self, code: str, message: str | Message, **values: object):
        super().__init__(message, **values)
        self.code = code


def _settled(cell: Cell) -> Cell:
    """The cell, once it is sure to hold a value. Raises Complaint `formula` otherwise."""
    if cell.kind == FORMULA:
        raise Complaint("formula", N_("The cell holds a formula whose result was not stored: "
                                      "open the list in Excel and save it again, or type the value."))
    if cell.kind == ERROR:
        raise Complaint("formula", N_("The cell shows the error {error}: replace the formula by its value."),
                        error=cell.value)
    return cell


def _compact(cell: Cell) -> str:
    """Text or number as one word: half-width, no blanks, no invisible characters, one kind of dash."""
    text = number_text(cell.value) if cell.kind == NUMBER else str(cell.value if cell.value is not None else "")
    return idnumber.tidy(text).translate(_DASHES)


def read_text(cell: Cell) -> str | None:
    """Text, one line, NFC; blanks between Chinese characters (张　三) are dropped, other runs become one."""
    cell = _settled(cell)
    if cell.kind == EMPTY:
        return None
    text = cell.value if cell.kind == TEXT else cell.shown
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text).lstrip("'"))
    return _BETWEEN_HANZI.sub("", " ".join(text.split())) or None


def read_id(cell: Cell) -> str | None:
    """An ID number in its 18-character form.

    Raises Complaint `id_precision_lost`, `id_format`, `id_checksum` or `formula`.
    """
    cell = _settled(cell)
    lost = cell.kind == NUMBER and abs(cell.value) >= 1e15
    number = _compact(cell)
    if lost or _SCIENTIFIC.fullmatch(number):
        raise Complaint("id_precision_lost", N_(
            "The ID number is stored as a number, so its last digits are lost: "
            "set the column to text and type the number again."))
    if not number:
        return None
    try:
        return idnumber.canonical(number)
    except idnumber.IdRefusal as refusal:
        raise Complaint(refusal.code, refusal.message) from None


def read_month(cell: Cell) -> Month | None:
    """A month: 202001, 2020-01, 2020/1, 2020年1月, text 2020.1 (January), a whole date, a date cell.

    The number 2020.1 may have been typed as 2020.10, and is refused: Complaint `month_format`.
    """
    cell = _settled(cell)
    if cell.kind == DATE and cell.value.year in _YEARS:
        return Month.of(cell.value)
    text = _compact(cell)
    if cell.kind == NUMBER and "." in text:
        raise Complaint("month_format", N_("The number {shown} may mean month 1 or month 10: write it as 202001."),
                        shown=text)
    if not text:
        return None
    month = None if cell.kind in (BOOL, DATE) else _month(text)
    if month is None:
        raise Complaint("month_format", N_("“{shown}” is not a month: write it as 202001."), shown=cell.shown)
    return month


def _month(text: str) -> Month | None:
    found = _MONTH.fullmatch(text)
    if not found:
        day = _date(text)
        return Month.of(day) if day else None
    month = Month(int(found[1]), int(found[2] or found[3] or found[4]))
    return month if month.year in _YEARS and 1 <= month.month <= 12 else None


def read_date(cell: Cell) -> date | None:
    """A day: 2021-08-01, 2021/8/1, 2021.8.1, 20210801, 2021年8月1日, a date cell. Complaint `date_format` otherwise."""
    cell = _settled(cell)
    if cell.kind == DATE and cell.value.year in _YEARS:
        return cell.value.date()
    text = _compact(cell)
    if not text:
        return None
    day = None if cell.kind in (BOOL, DATE) else _date(text)
    if day is None:
        raise Complaint("date_format", N_("“{shown}” is not a day of the calendar: write it as 2021-08-01."),
                        shown=cell.shown)
    return day


def _date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    if not found or int(found[1]) not in _YEARS:
        return None
    month, day = [part for part in found.groups()[1:] if part]
    try:
        return date(int(found[1]), int(month), int(day))
    except ValueError:
        return None


def read_amount(cell: Cell) -> int | None:
    """An amount of yuan in 分, exact: 1,234.50 · ￥1234.5 · 1234.5元 · full-width · a number cell.

    Never rounds: more than two decimals is Complaint `amount_format`.
    """
    cell = _settled(cell)
    text = _compact(cell)
    if not text:
        return None
    plain = re.fullmatch(r"(-?)[¥￥]?(-?)([\d,.]*?)元?整?", text, re.ASCII)
    digits = plain[1] + plain[2] + plain[3] if plain and cell.kind in (TEXT, NUMBER) else ""
    if not _AMOUNT.fullmatch(digits):
        raise Complaint("amount_format", N_("“{shown}” is not an amount: write yuan with at most two decimals, "
                                            "such as 103.00."), shown=cell.shown)
    return _fen(digits)


def _fen(digits: str) -> int:
    try:
        return int(Decimal(digits.replace(",", "")).scaleb(2))
    except InvalidOperation:  # pragma: no cover - the pattern above admits only decimals
        raise Complaint("amount_format", N_("“{shown}” is not an amount."), shown=digits) from None


def read_owed(cell: Cell) -> int | None:
    """An amount in 分 that cannot be below zero."""
    amount = read_amount(cell)
    if amount is not None and amount < 0:
        raise Complaint("amount_format", N_("The amount {shown} is below zero: write it without a sign."),
                        shown=cell.shown)
    return amount


def read_count(cell: Cell) -> int | None:
    """A whole number of years, months or people: 15, 15.0, 15年. Complaint `amount_format` otherwise."""
    cell = _settled(cell)
    text = _compact(cell)
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,3})(?:\.0+)?[年岁个月]*", text, re.ASCII)
    if not found or cell.kind not in (TEXT, NUMBER):
        raise Complaint("amount_format", N_("“{shown}” is not a whole number."), shown=cell.shown)
    return int(found[1])
