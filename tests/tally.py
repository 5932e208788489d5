"""What tests count and say: lines for the end of a run, gathered from all its processes."""

from __future__ import annotations

from collections import Counter
from typing import Any

COUNTED: Counter[str] = Counter()
TOLD: list[str] = []
_LINES = {
    "assertions": "access: {assertions:,} assertions over {routes} routes and {doors} doors (route and method)",
    "once": "once: {once} forms × 20 parallel submits, 1 effect each",
    "mutants": "access: mutations killed: {killed} of {mutants}",
    "fuzzed": "access: {fuzzed:,} fuzzed requests, {broken} answers of 500 and above, {logged} errors logged",
    "steps": "jobs: killed before or after {steps} steps from the order to the file: each paper drawn once, numbered once"}


def holds(true: Any, *told: Any) -> None:
    """An assertion that is counted."""
    COUNTED["assertions"] += 1
    assert true, told


def tell(line: str) -> None:
    """A line that people read when all is over."""
    TOLD.append(line)


def gathered() -> dict[str, Any]:
    """What one process has, as it goes to the one that asked for it."""
    return {"counted": dict(COUNTED), "told": TOLD}


def gather(of: dict[str, Any]) -> None:
    COUNTED.update(of["counted"])
    TOLD.extend(of["told"])


def lines() -> list[str]:
    return [*TOLD, *(line.format_map(COUNTED) for name, line in _LINES.items() if COUNTED[name])]
