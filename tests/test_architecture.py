"""The walls of the house: which way imports go, how long a module is, what no file may mention."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

import models

ROOT = Path(models.__file__).parent.parent
LAYERS = ("models", "exports", "views", "portal")  # each may import those before it
# What a layer may not know of, whoever needs it.
STRANGERS = {
    "models": {"flask", "flask_admin", "flask_login", "flask_babel", "flask_wtf", "wtforms", "werkzeug", "jinja2", "rq",
               "redis", "weasyprint", "waitress"},
    "exports": {"flask", "flask_admin", "flask_login", "flask_wtf", "wtforms", "rq", "redis", "waitress"},
    "views": {"rq", "redis", "waitress", "weasyprint"},
    "portal": set(),
}
LONGEST = 250


def modules(*layers: str) -> list[Path]:
    return [path for layer in layers or LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(source: str) -> set[str]:
    """Every package a module imports anywhere in it, by its first name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module" and node.args:
            found.add(str(getattr(node.args[0], "value", "")).split(".")[0])
    return found


@pytest.mark.parametrize("path", modules(), ids=name)
def test_imports_go_one_way(path):
    layer = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[LAYERS.index(layer) + 1:])

    assert imports(path.read_text("utf-8")) & above == set()
    assert imports(path.read_text("utf-8")) & STRANGERS[layer] == set()


@pytest.mark.parametrize(("source", "found"), [
    ("import views.base", {"views"}), ("from portal import clock", {"portal"}),
    ("def f():\n    from portal.clock import now", {"portal"}), ("import_module('x')", set()),
    ("importlib.import_module('portal.jobs')", {"portal"}), ("from . import jobs", set()), ("'import portal'", set())])
def test_the_walker_finds_imports_we_know(source, found):
    assert imports(source) == found


def test_the_walker_walks_the_house():
    assert {"models/scope.py", "portal/__init__.py"} <= {name(path) for path in modules()}
    assert "models" in imports((ROOT / "portal" / "__init__.py").read_text("utf-8"))


@pytest.mark.parametrize("path", [path for path in modules() if "versions" not in path.parts], ids=name)
def test_a_module_is_one_or_two_screens(path):
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST, f"a file past {LONGEST} lines is two files"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=name)
def test_a_test_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def kept_files() -> list[Path]:
    """Every text file that belongs to the project, by git or, without it, by the folders we know."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / entry for entry in listed.stdout.split("\0") if entry]
    else:
        paths = [path for folder in (*LAYERS, "templates", "tests") for path in (ROOT / folder).rglob("*")]
        paths += list(ROOT.glob("*.*"))
    return [path for path in paths if path.is_file() and is_text(path)]


def is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(4096) and path.suffix not in (".xlsx", ".xls", ".png", ".pdf", ".woff2")


# Folders of somebody's machine. In parts, so that this file does not hold what it looks for.
MACHINE = re.compile("|".join((
    r"(?<![\w.:/}-])/" + r"(work|root|home/\w+|Users/\w+)/", r"\b[CD]:\\" + r"\w", r"/tmp/" + r"\w+_jobs")))


def test_no_file_mentions_a_place_on_somebodys_machine():
    found = [f"{name(path)}:{number}: {line.strip()[:100]}" for path in kept_files()
             for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1)
             if MACHINE.search(line)]

    assert found == []


@pytest.mark.parametrize(("line", "found"), [
    ("see /wor" "k/main/x", True), ("/roo" "t/x", True), ("in /hom" "e/clerk/x", True), ("C:" "\\data", True),
    ("https://example.org/wor" "k/x", False), ("models/wor" "k/x", False), ("{folder}/wor" "k/", False), ("/healthz", False)])
def test_the_search_knows_places_on_machines(line, found):
    assert bool(MACHINE.search(line)) is found


@pytest.mark.parametrize("path", modules("models", "exports"), ids=name)
def test_time_is_passed_in(path):
    """No rule asks the machine for the date; the outbox and the real clock itself keep real time."""
    asked = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
             and ast.unparse(node.func) in ("date.today", "datetime.today", "datetime.now", "datetime.utcnow", "time.time")]

    assert asked == [] or name(path) in ("models/outbox.py", "models/realtime.py")


@pytest.mark.parametrize("path", modules("models", "exports"), ids=name)
def test_nobody_commits_but_the_edge(path):
    committed = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8")))
                 if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "commit"]

    assert committed == []


def test_the_top_level_is_the_one_agreed():
    folders = {path.parent.relative_to(ROOT).parts[0] for path in kept_files() if path.parent != ROOT}

    assert folders <= {*LAYERS, "templates", "tests", ".ci", ".github"}
