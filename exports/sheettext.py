"""Tables that come as text: CSV in the encodings of Chinese systems, and HTML saved under the name of a workbook."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from exports import sheetlimits as limits
from exports.confinement import Fault

Sheets = list[tuple[str, bool, Iterator[tuple[int, list]]]]

# Python's gb18030 is the table of 2000; these private characters have had real ones since 2005 and 2022.
STANDARD = str.maketrans({
    0xE7C7: 0x1E3F, 0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15,
    0xE793: 0xFE16, 0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6,
    0xE82C: 0x9FB7, 0xE832: 0x9FB8, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE864: 0x9FBB, 0xE816: 0x20087, 0xE817: 0x20089,
    0xE818: 0x200CC, 0xE831: 0x215D7, 0xE83B: 0x2298F, 0xE855: 0x241FE})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def text_sheets(data: bytes) -> Sheets:
    """The one sheet of a CSV or HTML file. Raises Fault for what is no table of text."""
    text = decoded(data)
    if _CONTROL.search(text):
        raise Fault("foreign", kind="?")
    start = text.lstrip()[:4096].lower()
    if start.startswith("<"):
        if "<workbook" in start:
            raise Fault("unread", kind="XML 2003")
        return [("HTML", False, html_rows(text))]
    if start.startswith("mime-version"):
        raise Fault("unread", kind="MHTML")
    return [("CSV", False, csv_rows(text))]


def decoded(data: bytes) -> str:
    """The text, by its mark or else as UTF-8, UTF-16 or GB 18030, whichever it is without a fault."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _as(data, encoding)
    if b"\0" in data[:200]:  # UTF-16 without its mark: the separators are ASCII
        return _as(data, "utf-16-le" if data[:200:2].count(0) < data[1:200:2].count(0) else "utf-16-be")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _as(data, "gb18030").translate(STANDARD)


def _as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Fault("encoding") from None


def csv_rows(text: str) -> Iterator[tuple[int, list]]:
    """Rows of comma, tab or semicolon separated text, numbered as Excel shows them."""
    csv.field_size_limit(limits.MB)
    separator = max(",\t;", key=text[:20_000].count)
    # strict: else a quotation mark that is not closed swallows the rows after it without a word
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, fields in enumerate(reader, 1):
            yield number, [unescaped(field) for field in fields]
    except csv.Error:
        raise Fault("quotes", row=number + 1) from None


def unescaped(field: str) -> str | None:
    """A field without what keeps Excel from guessing: ="0123", and an apostrophe before a formula sign."""
    if found := re.fullmatch(r'="(.*)"', field, re.DOTALL):
        field = found[1]
    elif re.match(r"'+[=+\-@\t\r]", field):
        field = field[1:]
    return field[:limits.TEXT] if field.strip() else None


def html_rows(text: str) -> Iterator[tuple[int, list]]:
    """Rows of all tables of a page, one after the other."""
    page = Page()
    page.feed(text)
    page.close()
    if page.unfinished:
        raise Fault("damaged")
    if not page.rows:
        raise Fault("foreign", kind="HTML")
    yield from enumerate(page.rows, 1)


class Page(HTMLParser):
    """Table cells of an HTML page; a cell over several columns leaves the others empty, over several rows fills all."""

    def __init__(self):
        super().__init__()
        self.rows: list[list] = []
        self._row: list | None = None
        self._cell: list[str] | None = None
        self._spans = 1, 1
        self._above: dict[int, tuple[int, str | None]] = {}  # place -> rows still to fill, value
        self._below: dict[int, tuple[int, str | None]] = {}
        self.unfinished = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.unfinished = True
        elif tag == "tr":
            self._end_row()
            self._row, self._above, self._below = [], self._below, {}
            self._from_above()
        elif tag in ("td", "th") and self._row is not None:
            self._end_cell()
            given = dict(attrs)
            self._cell, self._spans = [], (span(given.get("colspan")), span(given.get("rowspan")))
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self._end_row()
        if tag == "table":
            self.unfinished = False

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        text = "".join(self._cell)
        value = text[:limits.TEXT] if text.strip() else None
        columns, rows = self._spans
        for each in [value, *[None] * (columns - 1)]:
            if rows > 1:
                self._below[len(self._row)] = rows - 1, each
            self._row.append(each)
        if len(self._row) > limits.COLUMNS:
            raise Fault("columns", limit=limits.COLUMNS, sheet="HTML", row=len(self.rows) + 1)
        self._cell = None
        self._from_above()

    def _from_above(self) -> None:
        """Fill in what reaches down from a cell over several rows."""
        while (place := len(self._row)) in self._above:
            left, value = self._above.pop(place)
            if left > 1:
                self._below[place] = left - 1, value
            self._row.append(value)

    def _end_row(self) -> None:
        if self._row is None:
            return
        self._end_cell()
        self.rows.append(self._row)
        self._row = None
        if len(self.rows) > limits.ROWS:
            raise Fault("rows", limit=limits.ROWS)


def span(text: str | None) -> int:
    """A colspan or rowspan, 1 where it is none."""
    return min(int(text), limits.COLUMNS) if text and re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII) else 1
