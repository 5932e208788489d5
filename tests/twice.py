"""Which tests the second run, on PostgreSQL, leaves out: those of the modules named here, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

# No database at all: arithmetic, files, paper, words. tests/test_stages.py sees to it that this is true.
NO_DATABASE = frozenset(f"test_{name}.py" for name in (
    "amounts", "architecture", "areanames", "broken_files", "bulletin", "cellreaders", "idnumber", "list_columns", "logs",
    "months_money", "paper", "paper_attacks", "rates", "reading", "security_document", "settlement", "settlement_properties",
    "translations", "uploads", "workbook"))
# These change the portal's Python to see whether the tests of access notice; the tests themselves run on both.
OF_TESTS = frozenset({"test_mutation.py"})


def sifted(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item], str]:
    """The tests to run, those left out, and the line that says so."""
    out = [item for item in items if item.path.name in NO_DATABASE | OF_TESTS]
    modules = {item.path.name for item in out}
    return ([item for item in items if item not in set(out)], out,
            f"PostgreSQL: {len(out)} tests of {len(modules)} modules ran on SQLite alone, without a database or of tests: "
            f"{', '.join(sorted(Path(name).stem.removeprefix('test_') for name in modules))}")
