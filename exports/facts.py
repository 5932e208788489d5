"""The facts of a paper against what the paper declares: none missing, none unknown.

A declared name is a path: `person.name`; `lines[].month` is a key of every entry of a list, `bring[]` a list of texts.
A `?` at its end allows null, and null stands where such a fact is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from models.words import N_, Message, Refusal


def checked(paper: Message, declared: tuple[str, ...], facts: dict[str, Any]) -> dict[str, Any]:
    """*facts* complete and tidy: nulls filled in, line breaks and doubled blanks inside texts made one blank.

    Raises Refusal naming *paper* and the fact: missing, null or empty where it may not be; unknown; not plain JSON.
    """
    return _Checker(paper).mapping(facts, _tree(declared), "")


class _Checker:
    def __init__(self, paper: Message):
        self.paper = paper

    def mapping(self, facts: Any, tree: dict[str, dict], path: str) -> dict[str, Any]:
        if not isinstance(facts, dict):
            raise self.refusal(N_("{paper}: the fact “{fact}” has the wrong shape."), path)
        for name in facts:
            if name not in tree:
                raise self.refusal(N_("{paper} knows no fact “{fact}”."), f"{path}{name}")
        return {name: self.value(facts.get(name), node, f"{path}{name}") for name, node in tree.items()}

    def value(self, value: Any, node: dict, path: str) -> Any:
        if isinstance(value, str):
            value = " ".join(value.split())
        if value is None or value == "" or value == []:
            if not node["null"]:
                raise self.refusal(N_("{paper} needs the fact “{fact}”, which is missing."), path)
            return [] if node["list"] else None
        if node["list"]:
            return [self.single(entry, node, f"{path}[{n}]") for n, entry in enumerate(self.listed(value, path))]
        return self.single(value, node, path)

    def single(self, value: Any, node: dict, path: str) -> Any:
        if node["keys"]:
            return self.mapping(value, node["keys"], path + ".")
        if not isinstance(value, str | int):
            raise self.refusal(N_("{paper}: the fact “{fact}” has the wrong shape."), path)
        return " ".join(value.split()) if isinstance(value, str) else value

    def listed(self, value: Any, path: str) -> list:
        if not isinstance(value, list):
            raise self.refusal(N_("{paper}: the fact “{fact}” has the wrong shape."), path)
        return value

    def refusal(self, message: str, path: str) -> Refusal:
        return Refusal(message, paper=self.paper, fact=path)


@cache
def _tree(declared: tuple[str, ...]) -> dict[str, dict]:
    tree: dict[str, dict] = {}
    for path in declared:
        level = tree
        for part, last in _parts(path):
            node = level.setdefault(part.strip("[]?"), {"null": False, "list": False, "keys": {}})
            node["list"] |= "[]" in part
            node["null"] |= last and part.endswith("?")
            level = node["keys"]
    return tree


def _parts(path: str) -> Iterable[tuple[str, bool]]:
    parts = path.split(".")
    return ((part, n == len(parts)) for n, part in enumerate(parts, 1))
