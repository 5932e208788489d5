"""What the tests of access count, for the lines at the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import Any

COUNTED: Counter[str] = Counter()


def holds(true: Any, *told: Any) -> None:
    """An assertion that is counted."""
    COUNTED["assertions"] += 1
    assert true, told


def lines() -> list[str]:
    """One line a kind of test that ran."""
    told = [("assertions", "access: {assertions:,} assertions over {routes} routes and {doors} doors (route and method)"),
            ("mutants", "access: mutations killed: {killed} of {mutants}"),
            ("fuzzed", "access: {fuzzed:,} fuzzed requests, {broken} answers of 500 and above, {logged} errors logged")]
    return [line.format_map(COUNTED) for name, line in told if COUNTED[name]]
