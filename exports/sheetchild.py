"""A limited child process that takes one uploaded file apart: the file on standard input, rows as JSON lines out.

A line is `{"sheet": name, "hidden": bool}`, then `[row number, cell, …]` for each row that holds something, and at the
end `{"end": true}` or `{"fault": code, "values": {…}}`. A cell is null (empty), a string, a number, true or false,
`{"date": ISO 8601}`, `{"formula": true}` (its result was never stored) or `{"error": "#N/A"}`.

Only the standard library and the reader are loaded, so that it starts in a few hundredths of a second.
"""

from __future__ import annotations

import datetime
import io
import json
import sys
from collections.abc import Iterable, Iterator

from exports import sheetlimits as limits
from exports.confinement import Fault, confine

Rows = Iterator[tuple[int, list]]
OLE, ZIP, ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", "EncryptedPackage".encode("utf-16-le")
FOREIGN = ((b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP"),
           (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"), (b"II*\x00", "TIFF"), (b"{\\rtf", "RTF"))


def main(parent: int) -> None:
    """Limit this process, then answer for the file on standard input."""
    confine(parent, limits.MEMORY, limits.SECONDS)
    answer = Answer(sys.stdout)
    try:
        data = sys.stdin.buffer.read(limits.PACKED + 1)
        for sheet, hidden, rows in sheets(data):
            answer.sheet(sheet, hidden, rows)
        answer.line({"end": True})
    except Fault as fault:
        answer.fault(fault)
    except MemoryError:
        answer.fault(Fault("too_much"))


class Answer:
    """Standard output, with the limits on how much may be said."""

    def __init__(self, out: io.TextIOBase):
        self._out, self._said, self._rows = out, 0, 0

    def line(self, what: object) -> None:
        text = json.dumps(what, ensure_ascii=False)
        self._said += len(text)
        if self._said > limits.ANSWER:
            raise Fault("too_much")
        self._out.write(text + "\n")

    def fault(self, fault: Fault) -> None:
        self._out.write(json.dumps({"fault": fault.code, "values": fault.values}) + "\n")

    def sheet(self, name: str, hidden: bool, rows: Rows) -> None:
        self.line({"sheet": name, "hidden": hidden})
        for number, cells in rows:
            while cells and cells[-1] is None:
                cells.pop()
            if not cells:
                continue
            self._rows += 1
            if self._rows > limits.ROWS:
                raise Fault("rows", limit=limits.ROWS)
            if len(cells) > limits.COLUMNS:
                raise Fault("columns", limit=limits.COLUMNS, sheet=name, row=number)
            self.line([number, *cells])


def sheets(data: bytes) -> Iterable[tuple[str, bool, Rows]]:
    """(name, hidden, rows) of each sheet, whatever the file's name says it is."""
    if not data.strip(b"\0 \r\n\t"):
        raise Fault("empty")
    if len(data) > limits.PACKED:
        raise Fault("packed", limit=limits.PACKED // limits.MB)
    if data.startswith(ZIP):
        from exports.sheetzip import Package
        return workbook(data, Package(data))
    if data.startswith(OLE):
        if ENCRYPTED in data:
            raise Fault("password")
        return workbook(data, None)
    for start, kind in FOREIGN:
        if data.startswith(start):
            raise Fault("foreign", kind=kind)
    from exports.sheettext import text_sheets
    return text_sheets(data)


def workbook(data: bytes, package: object | None) -> Iterator[tuple[str, bool, Rows]]:
    """The sheets of an Excel or WPS workbook, read by calamine."""
    import python_calamine as calamine
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for meta in book.sheets_metadata:
            if meta.typ == calamine.SheetTypeEnum.WorkSheet:
                sheet = book.get_sheet_by_name(meta.name)
                marks = package.marks(meta.name) if package else {}
                yield meta.name, meta.visible != calamine.SheetVisibleEnum.Visible, sheet_rows(sheet, marks)
    except calamine.PasswordError:
        raise Fault("password") from None
    except (calamine.CalamineError, ValueError, OSError) as error:
        raise Fault("damaged") from error


def sheet_rows(sheet: object, marks: dict[int, dict[int, object]]) -> Rows:
    """A sheet's rows from row 1, marks put in, cells merged downwards filled.

    *marks*: by row number and place, what calamine shows as '': formulas without a stored result, and errors.
    """
    left = sheet.start[1] if sheet.start else 0
    merged = Merged(sheet.merged_cell_ranges or [])
    number = 0
    for number, values in enumerate(sheet.iter_rows() if sheet.start else (), 1):
        cells = [None] * left + [plain(value) for value in values]
        yield number, merged.filled(number, marked(cells, marks.pop(number, {})))
    for number in sorted(marks):
        yield number, marked([], marks[number])


def marked(cells: list, marks: dict[int, object]) -> list:
    for place, mark in marks.items():
        cells += [None] * (place + 1 - len(cells))
        if cells[place] is None:
            cells[place] = mark
    return cells


def plain(value: object) -> object:
    """A cell's value as JSON has it."""
    if isinstance(value, str):
        return value[:limits.TEXT] if value.strip() else None
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, datetime.datetime):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"date": f"{value.isoformat()}T00:00:00"}
    return str(value)  # a time of day or a span, which no list of ours has


class Merged:
    """Cells merged over several rows: each of the rows gets the value that Excel shows across them."""

    def __init__(self, ranges: list):
        self._starting: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, _) in ranges:
            if bottom > top:
                self._starting.setdefault(top + 1, []).append((left, bottom + 1))
        self._open: dict[int, tuple[int, object]] = {}

    def filled(self, number: int, cells: list) -> list:
        """The row with the values of merges from above; rows blank but for them stay blank."""
        if any(cell is not None for cell in cells):
            for place, (bottom, value) in list(self._open.items()):
                if number > bottom:
                    del self._open[place]
                elif place < len(cells) and cells[place] is None:
                    cells[place] = value
        for place, bottom in self._starting.get(number, ()):
            if place < len(cells) and cells[place] is not None:
                self._open[place] = bottom, cells[place]
        return cells


if __name__ == "__main__":
    main(int(sys.argv[1]))
