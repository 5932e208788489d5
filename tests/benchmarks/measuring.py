"""Medians, and the one table they end in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


def seconds(run: Callable[[], Any], runs: int = 5, warm: bool = True) -> float:
    """The median of several runs; with *warm*, after one that is not counted."""
    if warm:
        run()
    return median(_once(run) for _ in range(runs))


def _once(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Figure:
    """One line of the table; *ratio* is how many times the yardstick it takes."""

    metric: str
    figure: float
    unit: str
    ratio: float | None
    yardstick: str


class Board:
    """The figures of a run, in the order they were taken."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def time(self, metric: str, taken: float, yardstick: str = "", other: float = 0.0) -> None:
        """Note seconds, and the seconds of the yardstick."""
        short = taken < 1
        self._note(metric, taken * 1000 if short else taken, "ms" if short else "s", taken, yardstick, other)

    def speed(self, metric: str, count: int, taken: float, yardstick: str = "", other: float = 0.0) -> None:
        """Note how many a second, and the seconds the yardstick takes for as many."""
        self._note(metric, count / taken, "/s", taken, yardstick, other)

    def _note(self, metric: str, figure: float, unit: str, taken: float, yardstick: str, other: float) -> None:
        self.figures.append(Figure(metric, figure, unit, taken / other if other else None, yardstick))

    def lines(self) -> list[str]:
        width = max(_width(figure.metric) for figure in self.figures)
        return [_line(figure, width) for figure in self.figures]


def _line(figure: Figure, width: int) -> str:
    number = f"{figure.figure:,.0f}" if figure.figure >= 100 else f"{figure.figure:,.1f}"
    beside = f"  {figure.ratio:8.1f} × {figure.yardstick}" if figure.ratio else ""
    return f"{figure.metric}{' ' * (width - _width(figure.metric))} {number:>9} {figure.unit:<3}{beside}".rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: a Han character takes two."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)

