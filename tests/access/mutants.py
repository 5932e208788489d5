"""Mutants: the portal with one wall, one right or one check taken out, for as long as a block lasts."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from sqlalchemy import true
from sqlalchemy.orm import with_loader_criteria

import models
from models import scope
from models.area import Township
from models.campaign import Handout, Preparation
from models.document import Document
from models.grants import PostGrant
from models.user import Right, User
from views import handouts, signing
from views.base import Guarded, OfficeView

ROOT = Path(models.__file__).parent.parent


@contextmanager
def patched(target: Any, name: str, value: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, value)
        yield


# Walls around rows

def limited() -> list[type]:
    """Every table that the seam limits."""
    found = [cls for base in (scope.Placed, scope.Child, scope.Carried) for cls in scope.kinds(base)]
    return sorted(found, key=lambda cls: cls.__name__)


def without_seam(*open_tables: type) -> Any:
    """The session's seam without these tables."""
    @lru_cache(maxsize=8)
    def criteria(sight: scope.Sight) -> tuple[Any, ...]:
        found = ((m.class_, scope._criterion(m.class_, sight)) for m in scope.db.Model.registry.mappers)
        return tuple(with_loader_criteria(cls, criterion, include_aliases=True)
                     for cls, criterion in found if criterion is not None and cls not in open_tables)
    return patched(scope, "_criteria", criteria)


@dataclass(frozen=True)
class Walls:
    """The two walls of a screen: its own limits, written beside the session's seam."""

    at: str
    tables: tuple[type, ...]
    own: tuple[tuple[Any, str, Any], ...]  # (where, name, what stands there once the wall is gone)

    @contextmanager
    def without_own(self) -> Iterator[None]:
        with ExitStack() as stack:
            for target, name, opened in self.own:
                stack.enter_context(patched(target, name, opened))
            yield

    def without_seam(self) -> Any:
        return without_seam(*self.tables)

    @contextmanager
    def without_both(self) -> Iterator[None]:
        with self.without_own(), self.without_seam():
            yield


def screens() -> list[type]:
    """Every screen class that is hung up, subclass by subclass."""
    found, ahead = [], [Guarded]
    while ahead:
        cls = ahead.pop()
        ahead += cls.__subclasses__()
        found += [cls] if "at" in vars(cls) else []
    return sorted(found, key=lambda cls: cls.at)


# Tables that a screen's doors read beside its own: what hangs on a row, or names it.
ALSO = {"task": (Document,), "signin": (User,), "user": (PostGrant,)}


def walls() -> list[Walls]:
    """Of every screen over a placed table, and of handing out, which is no table."""
    over = [cls for cls in screens() if issubclass(cls, OfficeView) and issubclass(cls.row, scope.Placed | scope.Child)]
    handing = ((handouts, "in_area", lambda column, prefix: true()), (scope, "within", lambda code, prefix=None: True))
    return [Walls(cls.at, (cls.row, *ALSO.get(cls.at, ())), ((cls, "limits", lambda self: []),)) for cls in over] + [
        Walls("handing", (Handout, Preparation, Township), handing)]


# Rights and the checks of posts

def given_to_all(right: Right) -> Any:
    may = User.may
    return patched(User, "may", lambda self, asked: asked == right or may(self, asked))


def given_to_nobody(right: Right) -> Any:
    may = User.may
    return patched(User, "may", lambda self, asked: asked != right and may(self, asked))


@contextmanager
def every_right() -> Iterator[None]:
    """Everybody may everything, and sign as every post: only areas keep people apart."""
    with patched(User, "may", lambda self, asked: True), patched(signing.Deed, "open_to", lambda self, user: True):
        yield


def entered_by(cls: type, answer: bool) -> Any:
    return patched(cls, "is_accessible", lambda self: answer)


@dataclass(frozen=True)
class Site:
    """One place in our source that refuses a post: the function, the line, and the module with the check taken out."""

    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}.{self.function}:{self.line}"


def _refuses(node: ast.AST) -> bool:
    """abort(403), also as one of two; or a Refusal."""
    called = [call for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
    return any(call.func.id == "Refusal" or (call.func.id == "abort" and "403" in ast.dump(call)) for call in called)


def _asks_for_the_post(test: ast.AST) -> bool:
    # The `present` post of somebody else is what is asked about, not who asks.
    names = {part.attr for part in ast.walk(test)
             if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") != "present"}
    return bool(names & {"may", "role", "may_change", "open_to"})


def _checks(node: ast.AST) -> bool:
    """An `if` that refuses a post, or `… if … else abort(403)`."""
    if isinstance(node, ast.If):
        return _asks_for_the_post(node.test) and _refuses(ast.Module(node.body, []))
    return isinstance(node, ast.IfExp) and _refuses(node.orelse) and (_asks_for_the_post(node.test))


class _Without(ast.NodeTransformer):
    """The same source with the checks of some lines always passed."""

    def __init__(self, lines: set[int]):
        self.lines = lines

    def visit_If(self, node: ast.If) -> ast.AST:
        if node.lineno in self.lines and _checks(node):
            node.test = ast.copy_location(ast.Constant(False), node.test)
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return node.body if node.lineno in self.lines and _checks(node) else self.generic_visit(node)


@cache
def sites(*folders: str) -> list[Site]:
    """Every check of a post in these folders."""
    found = []
    for path in sorted(path for folder in folders for path in (ROOT / folder).glob("*.py")):
        module = f"{path.parent.name}.{path.stem}"
        for code in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(code, ast.FunctionDef):
                found += [Site(module, code.name, node.lineno) for node in ast.walk(code) if _checks(node)]
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods a module defines, below the framework's wrappers."""
    classes = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    for holder in [module, *classes]:
        for function in vars(holder).values():
            function = getattr(function, "__wrapped__", function)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function


@contextmanager
def without_checks(*taken_out: Site) -> Iterator[None]:
    """These checks passed by everybody: the code of their functions is exchanged, so every reference has it."""
    kept: list[tuple[FunctionType, CodeType]] = []
    try:
        for name in {site.module for site in taken_out}:
            module, lines = importlib.import_module(name), {site.line for site in taken_out if site.module == name}
            source = _Without(lines).visit(ast.parse(Path(module.__file__).read_text("utf-8")))
            mutated = {code.co_qualname: code for code in _codes(compile(source, module.__file__, "exec"))}
            named = {site.function for site in taken_out if site.module == name}
            for function in [function for function in _functions(module) if function.__name__ in named]:
                kept.append((function, function.__code__))
                function.__code__ = mutated[function.__code__.co_qualname]
        yield
    finally:
        for function, code in kept:
            function.__code__ = code
