"""The rows that an import refused, as a workbook that can be mended and imported again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from exports.workbook import Out, foot, formats_of, new_book, put_text
from models.cells import BLANK, BOOL, DATE, ERROR, FORMULA, NUMBER, TEXT, Cell, Row, Table
from models.listing import Headings, Reading, heading_key

REASON = "错误原因"
LONG = 1e11  # numbers of 12 digits and more are ID and account numbers


def write_errors(table: Table, headings: Headings, readings: Iterable[Reading], out: Out,
                 say: Callable[[str], str] = str, leaving: str = "") -> None:
    """Write the refused rows of a list: its columns in their order, wrong cells marked, the reason in a last column.

    *headings* and *readings*: as models/roster_rows.py gives them; *say*: translates a message id; *leaving*: the last
    line. Texts stay texts, numbers numbers and dates dates, so that the file reads as the list did.
    """
    refused = {reading.row: reading for reading in readings if reading.refused}
    head = next(row for row in table.rows if row.number == headings.row)
    titles = _titles(table, head)
    rows = [row for row in table.rows if row.number in refused]
    width = max([len(titles), *(len(row.cells) for row in rows)])
    reason = next((place for place, title in enumerate(titles) if heading_key(title) == REASON), width)
    with new_book(out) as book:
        formats = formats_of(book)
        page = book.add_worksheet("错误行")
        page.set_column(0, max(width, reason), 18, formats["text"])
        page.set_column(reason, reason, 60, formats["text"])
        page.freeze_panes(1, 0)
        page.set_footer(foot(leaving))
        for place in range(max(width, reason + 1)):
            title = REASON if place == reason else titles[place] if place < len(titles) else ""
            put_text(page, 0, place, title, formats["heading"])
        for number, row in enumerate(rows, 1):
            _write_row(page, number, row, reason, refused[row.number], titles, formats, say)
        if leaving:
            put_text(page, len(rows) + 2, 0, leaving, formats["line"])


def _titles(table: Table, head: Row) -> list[str]:
    """The headings in one level: where the lower one is empty, the one above it."""
    above = next((row for row in table.rows if row.number == head.number - 1), Row(0, ()))
    return [(head.cell(place) if head.cell(place) != BLANK else above.cell(place)).shown
            for place in range(len(head.cells))]


def _write_row(page: Any, number: int, row: Row, reason: int, reading: Reading, titles: list[str], formats: dict,
               say: Callable[[str], str]) -> None:
    wrong = {" ".join(problem.column.split()) for problem in reading.problems}
    for place in range(max(len(row.cells), len(titles))):
        if place != reason:
            bad = place < len(titles) and " ".join(titles[place].split()) in wrong
            _write_cell(page, number, place, row.cell(place), formats, bad)
    sentences = "；".join(f"{problem.column}：{problem.message.say(say)}" for problem in reading.problems)
    put_text(page, number, reason, sentences[:30_000], formats["text"])


def _write_cell(page: Any, row: int, place: int, cell: Cell, formats: dict, wrong: bool) -> None:
    """A cell as it was, but long numbers as text: one whose digits are lost (1.4E+17) is refused until it is mended.

    A formula without a result shows #N/A for the same reason: left blank, the row would come in without its value.
    """
    look = formats["wrong" if wrong else "text"]
    if cell.kind == NUMBER and abs(cell.value) < LONG:
        page.write_number(row, place, cell.value, look if wrong else formats["number"])
    elif cell.kind == DATE:
        page.write_datetime(row, place, cell.value, formats["wrong_date" if wrong else "date"])
    elif cell.kind in (TEXT, NUMBER, BOOL):
        put_text(page, row, place, cell.shown, look)
    elif cell.kind in (FORMULA, ERROR):
        page.write_formula(row, place, "=NA()", look, "#N/A")
    else:
        page.write_blank(row, place, None, look)
