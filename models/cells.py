"""Cells of a list as the spreadsheet held them: what was text stays text, what was a number stays one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

TEXT, NUMBER, DATE, BOOL, EMPTY, FORMULA, ERROR = "text", "number", "date", "bool", "empty", "formula", "error"


class Cell(NamedTuple):
    """One cell: its kind (a constant above) and what it holds.

    text: str · number: int or float · date: datetime · bool: bool · error: the text Excel shows, such as #N/A ·
    empty and formula (a formula whose result was never stored): None. A formula with a stored result is that result.
    """

    kind: str
    value: Any = None

    @property
    def shown(self) -> str:
        """The cell as one would read it aloud; for sentences, never for reading values."""
        if self.kind == NUMBER:
            return number_text(self.value)
        if self.kind == DATE:
            return self.value.date().isoformat()
        return "" if self.value is None else str(self.value)


BLANK = Cell(EMPTY)


class Row(NamedTuple):
    """A row that holds something: Excel's own row number (from 1) and its cells from column A, the last ones cut."""

    number: int
    cells: tuple[Cell, ...]

    def cell(self, place: int | None) -> Cell:
        """The cell at a column's place (0 is A); blank beyond the end or where there is no such column."""
        return self.cells[place] if place is not None and place < len(self.cells) else BLANK

    @property
    def filled(self) -> list[int]:
        """The places of the cells that are not empty."""
        return [place for place, cell in enumerate(self.cells) if cell.kind != EMPTY]


@dataclass(frozen=True)
class Table:
    """One sheet: its name and its rows in order; rows without any content are left out."""

    sheet: str
    rows: list[Row]


def number_text(value: float) -> str:
    """A number with the 15 digits that Excel keeps, without needless zeros; 1.411E+17 beyond them."""
    if abs(value) >= 1e15:
        return f"{value:.14E}"
    return f"{value:.15g}" if value != int(value) else str(int(value))
