"""Workbooks in and out: the one door through which spreadsheets pass.

`read` comes from exports/reading.py; the columns of an export are declared, and its cells are written by kind,
so that no text ever becomes a formula, a number or a link.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter

from exports.reading import read
from models.money import yuan
from models.words import N_, Refusal

__all__ = ["Column", "Sheet", "read", "to_csv", "write"]

Out = str | Path | BinaryIO
LONGEST = 32_767   # characters that a cell can hold
DROP_DOWN = 1_000  # rows below the headings that offer the choices


@dataclass(frozen=True)
class Column:
    """A column of an export. *width* in characters; *kind*, what its values are:

    text (anything, as text) · id (ID and account numbers, text) · month (Month or text) · date (date) ·
    money (int, 分; shown in yuan with two decimals) · number (int or Decimal). None leaves a cell empty.
    *choices*: what a drop-down offers, 255 characters in all.
    """

    title: str
    width: float = 12
    kind: str = "text"
    choices: tuple[str, ...] = ()

    def __post_init__(self):
        if self.kind not in KINDS or len(",".join(self.choices)) > 255:
            raise ValueError(self)


@dataclass
class Sheet:
    """One sheet: *lines* stand above the headings, *notes* below the rows, the *watermark* on each printed page."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    lines: Sequence[str] = ()
    notes: Sequence[str] = ()
    watermark: str = ""
    leaving: str = ""  # who takes it out and what for: the last line, and the foot of each printed page
    hidden: bool = False


def write(sheets: Sheet | Iterable[Sheet], out: Out) -> None:
    """Write a workbook to a path or an open file. Raises Refusal for a text that no cell can hold."""
    with new_book(out) as book:
        formats = formats_of(book)
        for sheet in [sheets] if isinstance(sheets, Sheet) else sheets:
            _write_sheet(book.add_worksheet(sheet_name(sheet.title)), sheet, formats)


def new_book(out: Out) -> xlsxwriter.Workbook:
    """An empty workbook that keeps no rows in memory and makes nothing of a text but text."""
    return xlsxwriter.Workbook(out if hasattr(out, "write") else str(out), {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False})


BASE = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
BOXED = {"border": 1, "border_color": "#BFBFBF"}
LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "line": {"font_color": "#595959"},
    "heading": {"bold": True, "bg_color": "#DDEBF7", "text_wrap": True, "align": "center", **BOXED},
    "text": {"num_format": "@", **BOXED},
    "date": {"num_format": "yyyy-mm-dd", "align": "center", **BOXED},
    "money": {"num_format": "#,##0.00", **BOXED},
    "number": {"num_format": "0.##########", **BOXED},
    "whole": {"num_format": "0", **BOXED},
    "wrong": {"num_format": "@", "bg_color": "#FFC7CE", **BOXED},
    "wrong_date": {"num_format": "yyyy-mm-dd", "bg_color": "#FFC7CE", **BOXED},
}


def formats_of(book: xlsxwriter.Workbook) -> dict[str, Any]:
    """The looks above as formats of a workbook."""
    return {name: book.add_format(BASE | look) for name, look in LOOKS.items()}


def _write_sheet(page: Any, sheet: Sheet, formats: Mapping[str, Any]) -> None:
    _dress(page, sheet, formats)
    number = 0
    for number, line in enumerate(sheet.lines, 1):
        put_text(page, number - 1, 0, line, formats["title" if number == 1 else "line"])
    first = number
    for place, column in enumerate(sheet.columns):
        put_text(page, first, place, column.title, formats["heading"])
    number = first
    for number, row in enumerate(sheet.rows, first + 1):
        for place, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
            if value is None:
                _empty(page, number, place, formats)
            else:
                KINDS[column.kind](page, number, place, value, formats)
    if number > first:
        page.autofilter(first, 0, number, len(sheet.columns) - 1)
    for after, note in enumerate([*sheet.notes, *filter(None, [sheet.leaving])], number + 2):
        put_text(page, after, 0, note, formats["line"])


def _dress(page: Any, sheet: Sheet, formats: Mapping[str, Any]) -> None:
    """What belongs to the sheet as a whole; in constant memory it has to be said before the rows."""
    first = len(sheet.lines)
    for place, column in enumerate(sheet.columns):
        kind = "text" if column.kind in ("text", "id", "month") else column.kind
        page.set_column(place, place, column.width, formats[kind])
        if column.choices:
            page.data_validation(first + 1, place, first + DROP_DOWN, place,
                                 {"validate": "list", "source": list(column.choices)})
    page.freeze_panes(first + 1, 0)
    page.repeat_rows(first)
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_footer(foot(sheet.leaving))
    if sheet.watermark:
        page.set_header("&L&8" + sheet.watermark[:200].replace("&", "&&"))
    if sheet.hidden:
        page.hide()


def leaving_line(name: str, username: str, now: datetime, purpose: str) -> str:
    """Who takes a sheet out, when and what for. It begins as signature lines do, so that no import takes it for a person."""
    return f"导出：{name}（{username}） {now:%Y-%m-%d %H:%M} 用途：{purpose}"


def by_command(now: datetime, purpose: str) -> str:
    """The same, where nobody is signed in but to the machine."""
    return leaving_line("命令行", "system", now, purpose)


def foot(leaving: str) -> str:
    """The foot of each printed page: who took it out, and the page. Excel takes 255 characters."""
    return ("&L&8" + leaving[:200].replace("&", "&&"))[:230] * bool(leaving) + "&R&8&P / &N"


def put_text(page: Any, row: int, place: int, text: str, look: Any) -> None:
    """Write text as text, whatever it begins with."""
    if len(text) > LONGEST:
        raise Refusal(N_("Row {row}: a text of {length} characters does not fit into a cell. Shorten it."),
                      row=row + 1, length=len(text))
    page.write_string(row, place, text, look)


def _empty(page: Any, row: int, place: int, formats: Mapping[str, Any]) -> None:
    page.write_blank(row, place, None, formats["text"])


def _text(page: Any, row: int, place: int, value: Any, formats: Mapping[str, Any]) -> None:
    put_text(page, row, place, str(value), formats["text"])


def _date(page: Any, row: int, place: int, value: date, formats: Mapping[str, Any]) -> None:
    if value.year < 1900:  # Excel has no earlier days
        put_text(page, row, place, value.isoformat(), formats["text"])
    else:
        page.write_datetime(row, place, value, formats["date"])


def _money(page: Any, row: int, place: int, value: int, formats: Mapping[str, Any]) -> None:
    page.write_number(row, place, Decimal(yuan(value)), formats["money"])


def _number(page: Any, row: int, place: int, value: int | Decimal, formats: Mapping[str, Any]) -> None:
    page.write_number(row, place, value, formats["whole" if value == int(value) else "number"])


KINDS: dict[str, Callable[..., None]] = {
    "text": _text, "id": _text, "month": _text, "date": _date, "money": _money, "number": _number}


def sheet_name(title: str) -> str:
    """A title as Excel takes it for a sheet: 31 characters, none of []:*?/\\, no apostrophe at its ends."""
    return re.sub(r"[\[\]:*?/\\]", "·", title)[:31].strip("'") or "Sheet"


def to_csv(columns: Sequence[Column], rows: Iterable[Sequence[Any]], out: BinaryIO) -> None:
    """Write a table as UTF-8 CSV with a mark, for other programs; Excel would lose digits of ID numbers in it.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which `read` takes off again.
    """
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([column.title for column in columns])
    for row in rows:
        writer.writerow([_field(column, value) for column, value in zip(columns, row, strict=True)])
    text.detach()


def _field(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind in ("money", "number"):
        return yuan(value) if column.kind == "money" else str(value)
    text = str(value)
    return "'" + text if re.match(r"'*[=+\-@\t\r]", text) else text
