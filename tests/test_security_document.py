"""SECURITY.md, taken at its word: every test it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text("utf-8"))))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_it_names_is_there(file, name):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert not name or name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_it_names_many():
    assert len(NAMED) >= 15


@pytest.mark.parametrize("row", [line for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines()
                                 if re.match(r"\| (\d+\.)+\d", line)])
def test_every_item_has_a_test_or_a_reason(row):
    assert len(row.rstrip(" |").rpartition("|")[2].strip()) > 10
