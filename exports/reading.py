"""Reading of uploaded spreadsheets: a child process with limits takes the file apart, this side asks and understands.

Whatever the file is, the answer is a Table or one Refusal that says how to mend it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from exports import sheetlimits as limits
from exports.confinement import Fault, ask
from models.cells import BLANK, BOOL, DATE, ERROR, FORMULA, NUMBER, TEXT, Cell, Row, Table
from models.words import N_, Message, Refusal

HEAD = 60  # rows of a sheet that are shown to the one who looks for headings

FAULTS = {
    "empty": N_("The file is empty. Save the list again and choose it again."),
    "packed": N_("The file is larger than {limit} MB. Take out pictures and other sheets, or split the list."),
    "unpacked": N_("Unpacked, the file is larger than {limit} MB. "
                   "Copy the list into a new workbook and choose that one."),
    "entries": N_("The file has more than {limit} parts. Copy the list into a new workbook and choose that one."),
    "rows": N_("The list has more than {limit} rows. Split it."),
    "columns": N_("Sheet “{sheet}”, row {row}: something stands beyond column {limit}. "
                  "Delete the columns to the right of the list."),
    "too_much": N_("The file asks for more memory or time than a list needs. Copy the list into a new workbook, "
                   "without the empty rows and columns around it, and choose that one."),
    "password": N_("The file is protected by a password. Open it, take the password off, save it and choose it again."),
    "damaged": N_("The file is damaged or was cut off. Open it in Excel or WPS, save it as .xlsx and choose it again."),
    "quotes": N_("Row {row}: a quotation mark is not closed. Open the file in Excel or WPS, save it as .xlsx and "
                 "choose it again."),
    "encoding": N_("The text is neither UTF-8 nor GB 18030. Open it in Excel or WPS, save it as .xlsx and "
                   "choose it again."),
    "foreign": N_("The file is no spreadsheet (it is {kind}). Choose an .xlsx, .xls, .et or .csv file."),
    "unread": N_("The file is of the kind {kind}, which is not read here. Open it in Excel or WPS, save it as .xlsx "
                 "and choose it again."),
}


def read(source: str | Path | bytes, name: str | None = None, *,
         recognises: Callable[[Sequence[Row]], bool] | None = None, sheet: str | None = None) -> Table:
    """The sheet of a file that holds the list: xlsx, xlsm, xls, et, CSV (UTF-8, UTF-16, GB 18030), HTML named .xls.

    *source*: a path, or the file's bytes; *name*: its name, for the sentence. *recognises*: told the first rows of a
    sheet, whether its headings are there; the first visible sheet of which that is true is read, or else the first
    one that holds anything. *sheet*: read the sheet of this name, hidden or not. Raises Refusal.
    """
    try:
        lines = _ask(source)
        chosen = _choose(list(_split(lines)), recognises, sheet)
    except Refusal as refusal:
        name = name or (None if isinstance(source, bytes) else Path(source).name)
        if not name:
            raise
        raise Refusal(N_("“{file}”: {why}"), file=name, why=refusal.message) from None
    return Table(chosen[0], [_row(line) for line in chosen[1]])


def _ask(source: str | Path | bytes) -> list[str]:
    """The child's answer, line by line."""
    if isinstance(source, bytes):
        if len(source) > limits.PACKED:
            raise _fault("packed", {"limit": limits.PACKED // limits.MB})
        return _run(input=source)
    try:
        with open(source, "rb") as file:
            return _run(stdin=file)
    except OSError as error:
        raise Refusal(N_("The file cannot be opened ({reason}). Check its name and place."),
                      reason=error.strerror or str(error)) from None


def _run(**given: object) -> list[str]:
    try:
        said = ask("exports.sheetchild", limits.SECONDS, **given).decode(errors="replace").rstrip("\n")
    except Fault as fault:
        raise _fault(fault.code, fault.values) from None
    lines = said.split("\n")  # not splitlines(): cells may hold U+2028 and its like
    last = json.loads(lines.pop())
    if "fault" in last:
        raise _fault(last["fault"], last["values"])
    return lines


def _fault(code: str, values: dict) -> Refusal:
    if values.get("kind") == "?":
        values = {"kind": Message(N_("of unknown kind"))}
    return Refusal(Message(FAULTS[code], values))


def _split(lines: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """(name, hidden, row lines) of each sheet."""
    at = [number for number, line in enumerate(lines) if line.startswith("{")]
    for start, end in zip(at, [*at[1:], len(lines)], strict=True):
        head = json.loads(lines[start])
        yield head["sheet"], head["hidden"], lines[start + 1:end]


def _choose(sheets: list[tuple[str, bool, list[str]]], recognises: Callable | None,
            name: str | None) -> tuple[str, list[str]]:
    """The sheet to read. What is hidden is read only by name: a clerk does not see that it is there."""
    if name is not None:
        found = [(title, rows) for title, _, rows in sheets if title == name]
        if not found:
            raise Refusal(N_("The workbook has no sheet “{sheet}”."), sheet=name)
        return found[0]
    seen = [(title, rows) for title, hidden, rows in sheets if not hidden and rows]
    if not seen:
        raise Refusal(N_("The workbook holds nothing on its visible sheets. Choose the file that has the list."))
    lists = [each for each in seen if recognises and recognises([_row(line) for line in each[1][:HEAD]])]
    full = [each for each in lists if len(each[1]) > 1]
    if len(full) > 1:
        raise Refusal(N_("Sheets “{first}” and “{second}” both hold a list, and one file is read as one list: "
                         "put all rows on one sheet, or save each sheet as a file of its own."),
                      first=full[0][0], second=full[1][0])
    return (full or lists or seen)[0]


def _row(line: str) -> Row:
    number, *values = json.loads(line)
    return Row(number, tuple([_cell(value) for value in values]))


def _cell(value: object) -> Cell:
    """A cell from the child's notation (sheetchild.py)."""
    if value is None:
        return BLANK
    if isinstance(value, str):
        return Cell(TEXT, value)
    if isinstance(value, bool):
        return Cell(BOOL, value)
    if isinstance(value, dict):
        kind, what = next(iter(value.items()))
        return Cell(FORMULA) if kind == "formula" else Cell(ERROR, what) if kind == "error" \
            else Cell(DATE, datetime.fromisoformat(what))
    return Cell(NUMBER, value)
