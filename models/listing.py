"""Lists as counties have them: the heading row among titles, the people among totals and signatures.

A layout is a tuple of columns; nothing here knows which list is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.cellreaders import Complaint, read_text
from models.cells import EMPTY, Cell, Row, Table
from models.words import N_, Message, Refusal

HEAD = 50  # rows, not counting blank ones, among which the headings must stand
WARNINGS = frozenset({"sex_differs", "age_differs"})


@dataclass(frozen=True)
class ListColumn:
    """A column that is read. *known_as*: the headings it goes by, with blanks between, the best first.

    needed: the list must have it · filled: each row must have a value in it (`missing` otherwise).
    """

    key: str
    known_as: str
    read: Callable[[Cell], Any] = read_text
    needed: bool = False
    filled: bool = False

    @property
    def names(self) -> list[str]:
        return self.known_as.split()

    @property
    def title(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell: the heading it stands under, a code, a sentence."""

    column: str
    code: str
    message: Message


@dataclass
class Reading:
    """One data row: Excel's row number, the values read (by column key) and what is wrong."""

    row: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, column: str, code: str, message: str | Message, /, **values: Any) -> None:
        """Add a problem; loaders add theirs (`already_open`, `conflict`) the same way."""
        message = message if isinstance(message, Message) else Message(message, values)
        self.problems.append(Problem(column, code, message))

    @property
    def refused(self) -> bool:
        """Whether any problem is more than a warning."""
        return any(problem.code not in WARNINGS for problem in self.problems)


@dataclass(frozen=True)
class Headings:
    """Where the headings stand: the last heading row's number, and each column's place and heading by its key."""

    row: int
    places: dict[str, int]
    titles: dict[str, str]


def heading_key(text: str) -> str:
    """A heading without blanks, punctuation and width: 公民身份 号码 and 公民身份号码： are one."""
    text = unicodedata.normalize("NFKC", text).lower()
    return "".join(sign for sign in text if unicodedata.category(sign)[0] in "LN")


def _keys(cell: Cell) -> set[str]:
    """What a heading may be known by: all of it, or what is left without a bracket such as （必填） or （元）."""
    text = unicodedata.normalize("NFKC", cell.shown)
    return {heading_key(text), heading_key(re.sub(r"\([^)]*\)", "", text))} - {""}


class Layout:
    """The columns of one kind of list."""

    def __init__(self, *columns: ListColumn):
        self.columns = columns
        self._names = {column.key: [heading_key(name) for name in column.names] for column in columns}

    def recognises(self, rows: Sequence[Row]) -> bool:
        """Whether a heading row for these columns stands among the first rows of a sheet."""
        return self._best(rows) is not None

    def headings(self, table: Table) -> Headings:
        """Find the headings. Raises Refusal that names the column which is missing or stands twice."""
        found = self._best(table.rows)
        if found is None:
            raise Refusal(N_("Sheet “{sheet}” has no heading row: it needs the columns {columns}."), sheet=table.sheet,
                          columns="、".join(column.title for column in self.columns if column.needed))
        _, row, places = found
        for column in self.columns:
            self._check(column, places.get(column.key, []), table.sheet, row)
        titles = {key: self._title(table, row, at[0]) for key, at in places.items()}
        return Headings(row, {key: at[0] for key, at in places.items()}, titles)

    def _check(self, column: ListColumn, places: list[int], sheet: str, row: int) -> None:
        if column.needed and not places:
            raise Refusal(N_("Sheet “{sheet}”, row {row}: there is no column “{column}” (also understood: {names})."),
                          sheet=sheet, row=row, column=column.title, names="、".join(column.names[1:6]))
        if len(places) > 1:
            raise Refusal(N_("Sheet “{sheet}”, row {row}: the heading “{column}” stands in columns {places}; "
                             "keep it in one of them."), sheet=sheet, row=row, column=column.title,
                          places="、".join(letters(place) for place in places))

    @staticmethod
    def _title(table: Table, number: int, place: int) -> str:
        """The heading's own words, the lowest of a heading in two levels."""
        above = [row.cell(place) for row in table.rows[:HEAD + 1] if number - 1 <= row.number <= number]
        return next(" ".join(cell.shown.split()) for cell in reversed(above) if cell.kind != EMPTY)

    def _best(self, rows: Sequence[Row]) -> tuple[int, int, dict[str, list[int]]] | None:
        """(columns found, row number, places by key) of the row, or two rows, that name the most columns."""
        best = None
        for row, lower in zip(rows[:HEAD], [*rows[1:HEAD + 1], None], strict=False):
            found = self._match([_keys(cell) for cell in row.cells])
            if len(found) >= 2 and (best is None or len(found) > best[0]):
                best = len(found), row.number, found
            if lower and lower.number == row.number + 1 and found and (levels := self._levels(row, lower, found)):
                best = max(best or levels, levels, key=lambda each: each[0])
        return best

    def _levels(self, row: Row, lower: Row, found: dict) -> tuple[int, int, dict[str, list[int]]] | None:
        """A heading in two levels: 暂停信息 above 暂停年月 and 暂停原因."""
        width = max(len(row.cells), len(lower.cells))
        keys = [_keys(lower.cell(place)) or _keys(row.cell(place)) for place in range(width)]
        both = self._match(keys)
        lower_alone = self._match([_keys(cell) for cell in lower.cells])
        if lower_alone and len(both) >= max(2, len(found) + 1):
            return len(both), lower.number, both
        return None

    def _match(self, keys: list[set[str]]) -> dict[str, list[int]]:
        """Places by column key; of several names of one column the best wins."""
        found = {}
        for key, names in self._names.items():
            for name in names:
                if places := [place for place, known in enumerate(keys) if name in known]:
                    found[key] = places
                    break
        return found

    def data_rows(self, table: Table, headings: Headings) -> Iterator[Row]:
        """The rows that speak of a person: no title, repeated heading, blank, total or signature line."""
        needed = [headings.places[column.key] for column in self.columns if column.filled]
        people = [headings.places[key] for key in ("id_number", "name") if key in headings.places]
        for row in table.rows:
            if row.number > headings.row and any(row.cell(place).kind != EMPTY for place in needed) \
                    and not self._repeats(row, headings) and not is_footer(row, people):
                yield row

    def _repeats(self, row: Row, headings: Headings) -> bool:
        """The heading row once more, as lists have it on each printed page."""
        same = [key for key, place in headings.places.items()
                if _keys(row.cell(place)) & {heading_key(headings.titles[key]), *self._names[key]}]
        return len(same) >= 2

    def read(self, row: Row, headings: Headings) -> Reading:
        """Read each column of a row; complaints become problems, the other values stay."""
        reading = Reading(row.number)
        for column in self.columns:
            if column.key not in headings.places:
                continue
            title, cell = headings.titles[column.key], row.cell(headings.places[column.key])
            try:
                value = reading.values[column.key] = column.read(cell)
            except Complaint as complaint:
                reading.values[column.key] = None
                reading.complain(title, complaint.code, complaint.message)
                continue
            if column.filled and value is None:
                reading.complain(title, "missing", N_("“{column}” is empty: fill it in."), column=title)
        return reading


_TOTAL = re.compile(r"(?:本页|本表|本村|本镇|本乡|全镇|全乡|全县)?(?:合计|小计|总计|共计|累计|总人数)"
                    r"(?:[:(]?[\d共].*)?[:)]?|.{0,12}(?:合计|小计|总计)|共计?\d+[人户条].*")
_SIGNATURE = re.compile(r"(?:填报|填表|制表|制单|打印|导出|报送|上报|审核|复核|审批|经办|核对|负责|主管|分管|领导|单位"
                        r"|联系|电话|日期|时间|盖章|签字|签章|签名|备注|附注|注|说明|村主任|支部书记|协办员|代办员)[^:]{0,8}:.*"
                        r"|第?\d+页.*|共\d+页.*|以下空白|\(?(?:盖章|公章|签字)\)?.*")
_NUMBER = re.compile(r"\d{14,}|\d{6}[\d*X]{9,}", re.ASCII)


def is_footer(row: Row, people: Sequence[int]) -> bool:
    """Whether a row is a total, a signature line or a lone remark. *people*: places of number and name."""
    texts = [re.sub(r"\s+", "", unicodedata.normalize("NFKC", row.cell(place).shown)) for place in row.filled]
    if any(_NUMBER.search(text) for text in texts):
        return False
    if len(texts) == 1 and row.filled[0] not in people:
        return True
    first = next((text for text in texts if text), "")
    return bool(_TOTAL.fullmatch(first) or _SIGNATURE.fullmatch(first) or {"合计", "小计", "总计"} & set(texts))


def letters(place: int) -> str:
    """A column's letters as Excel shows them: 0 is A, 26 is AA."""
    name, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name
