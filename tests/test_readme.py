"""The README, taken at its word: its commands run in its order and say what it says they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from stages import beside

from portal.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[tuple[str, list[str]]]:
    """Every `$ portal …` of the README with the lines it is said to print; the example at the top comes last."""
    found = []
    for block in blocks("console"):
        for part in block.split("$ ")[1:]:
            command, *said = part.strip().splitlines()
            found.append((command, said))
    return found[1:] + found[:1]


def test_the_person_of_the_readme_goes_all_the_way(tmp_path, monkeypatch):
    files = ROOT / "tests" / "samples"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "samples").symlink_to(files)
    monkeypatch.chdir(tmp_path)
    env = {"PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_NOW": "2021-09-19T10:00:00+08:00",
           "PORTAL_DATABASE_URL": beside(tmp_path / "var"), "PORTAL_REDIS_URL": "",
           "PORTAL_ADMIN_PASSWORD": "Test-Pass-2021!", "PORTAL_USER_PASSWORD": "Test-Pass-2021!"}

    assert len(commands()) >= 15
    for command, said in commands():
        program, *words = shlex.split(command)
        assert program == "portal"
        result = CliRunner().invoke(main, words, env=env, catch_exceptions=False)
        assert result.exit_code == 0, f"{command}: {result.stderr}"
        assert result.stdout.splitlines()[:len(said)] == said, command


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make (\w+)", "\n".join(blocks("sh")), re.MULTILINE))))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^portal ([a-z]+)", "\n".join(blocks("sh")), re.MULTILINE))))
def test_every_portal_command_exists(command):
    assert command in main.commands


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:models|exports|views|portal|templates|tests)/[\w./]+)`", README))))
def test_every_file_it_names_exists(path):
    assert (ROOT / path).exists()


def test_every_setting_it_names_is_read():
    code = "".join(path.read_text("utf-8") for path in (ROOT / "portal").glob("*.py"))

    for name in set(re.findall(r"PORTAL_[A-Z_]+", README)):
        assert name in code, name
