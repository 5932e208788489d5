"""The Chinese catalogue is complete: every message id of the source has its sentence, with the same places to fill."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from portal import language

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "portal" / "translations"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "_l": None, "N_": None, "said": None}


@pytest.fixture(scope="module")
def catalogue():
    with (FOLDER / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


@pytest.fixture(scope="module")
def source() -> set[str]:
    """Every id in the source, found as `pybabel extract` finds it."""
    with (FOLDER / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = set()
    for folder in ("models", "exports", "views", "portal", "templates"):
        for _file, _line, message, *_rest in extract_from_dir(
                str(ROOT / folder), [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods
                                     if pattern.startswith(f"{folder}/")], options, KEYWORDS):
            found.add(message)
    return found


def test_every_id_has_its_sentence(catalogue, source):
    assert len(source) > 600
    assert sorted(source - {message.id for message in catalogue if message.string}) == []


def test_nothing_is_doubtful_or_left_over(catalogue, source):
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert sorted({message.id for message in catalogue if message.id} - source) == []


def test_the_same_places_are_filled_in(catalogue):
    places = lambda text: sorted(re.findall(r"\{\w+\}|%\(\w+\)s", text))
    assert [message.id for message in catalogue if message.id and places(message.id) != places(message.string)] == []


def test_a_newer_text_is_compiled_anew(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / "copy", ignore=shutil.ignore_patterns("*.mo"))
    monkeypatch.setattr(language, "TRANSLATIONS", tmp_path / "copy")
    compiled = language.compiled() / "zh_Hans_CN" / "LC_MESSAGES" / "messages.mo"
    os.utime(compiled, (1, 1))
    language.compiled()
    assert compiled.stat().st_mtime > 1
    assert language.speaker("zh_Hans_CN")("Yes") == "是"
