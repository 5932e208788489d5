"""Exactly one entry for every command that writes, one for each that is refused, none for those that only read."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from stages import beside, outsider
from tally import tell

from portal.cli import main

PERSON = "141120195404046319"  # of Tianning; ids of cases have gaps where a list was only tried
SAMPLES = Path(__file__).parent / "samples"
WORD = "Willow-2021-go"
CSV = "item,from,amount,min_age,basis\nbasic,2031-07,113.00,,晋人社发〔2031〕1号\n"
# Processes that go on until they are ended, and what looks at the machine.
NO_ACTS = {"demo", "serve", "worker", "schedule", "sweep", "doctor"}


class Desk:
    def __init__(self, folder: Path):
        self.folder = folder
        self.env = {"PORTAL_DATA_DIR": str(folder / "data"), "PORTAL_NOW": "2021-09-19T09:30:00+08:00", "PORTAL_LOCALE": "en",
                    "PORTAL_ADMIN_PASSWORD": WORD, "PORTAL_USER_PASSWORD": WORD,
                    "PORTAL_DATABASE_URL": beside(folder / "data"), "PORTAL_REDIS_URL": ""}

    def run(self, *words: str):
        return CliRunner().invoke(main, [word.replace("OUT", str(self.folder)) for word in words], env=self.env,
                                  catch_exceptions=False)

    def count(self) -> int:
        with outsider(self.env["PORTAL_DATABASE_URL"]).connect() as connection:
            return connection.execute(text("SELECT entries FROM audit_head")).scalar_one()


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder without a portal, with tables to bring in."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "areas.csv").write_text("code,name\n141122100,天宁镇\n141122100901,新设村委会\n")
    (folder / "rates.csv").write_text(CSV)
    return Desk(folder)


# (words, exit code, entries), in this order. Whatever brings something in leaves the entry of its backup as well.
ACTS = (
    (("init",), 0, 1), (("init",), 0, 0), (("init", "--county", "140321"), 1, 1),
    (("user", "add", "tianning", "--role", "township", "--area", "141122100"), 0, 1),
    (("user", "add", "tianning", "--role", "township", "--area", "141122100"), 1, 1),
    (("user", "password", "tianning", "--one-time"), 0, 1), (("user", "password", "nobody"), 1, 1),
    (("user", "reset-code", "tianning"), 0, 1), (("user", "reset-code", "nobody"), 1, 1),
    (("sessions",), 0, 0), (("sessions", "end", "tianning"), 0, 1), (("sessions", "end", "nobody"), 1, 1),
    (("import", "areas", "OUT/areas.csv"), 0, 2), (("import", "areas", "OUT/areas.csv"), 0, 1),
    (("import", "rates", "OUT/rates.csv"), 0, 2), (("import", "rates", "OUT/rates.csv"), 0, 1),
    (("import", "roster", "SAMPLES/roster_province.xlsx", "--dry-run"), 0, 0),
    (("import", "roster", "SAMPLES/roster_province.xlsx"), 0, None),  # one, and one a row: below
    (("import", "benefits", "SAMPLES/benefits.xlsx"), 0, None),
    (("handout",), 0, None),
    (("handout",), 1, 1),
    (("export", "cases", "-o", "OUT/x.xlsx"), 0, 1), (("export", "cases", "-o", "OUT/x.xlsx", "--area", "14"), 1, 1),
    (("export", "cases_full", "-o", "OUT/x.xlsx", "--reason", "存档", "--area", "141122100"), 0, 1),
    (("export", "cases_full", "-o", "OUT/x.xlsx", "--reason", "存档"), 1, 1),
    (("export", "cases_full", "-o", "OUT/x.xlsx"), 1, 1), (("case", PERSON, "--json"), 0, 1), (("case", "999999"), 1, 1),
    (("step", PERSON, "establish", "--by", "tianning", "--fact", "category=no_card", "--fact", "how=phone"), 0, 1),
    (("step", PERSON, "establish", "--by", "tianning"), 1, 1), (("step", PERSON, "establish", "--by", "nobody"), 1, 1),
    (("notice", PERSON, "back_pay", "-o", "OUT/x.pdf"), 1, 1),
    (("bulletin", "--as-of", "2021-09-19", "-o", "OUT/x.pdf"), 0, 1),
    (("ranking", "--json"), 0, 0), (("audit", "verify"), 0, 0), (("audit", "verify", "--head", "x"), 1, 1),
    (("backup",), 0, 1), (("backup", "OUT/x.pdf"), 1, 1), (("restore", "OUT/x.pdf"), 1, 0),  # what is there already; no backup
    (("rules",), 0, 0), (("settle", "--facts", "OUT/areas.csv"), 1, 0),
)


def test_every_command_leaves_one_entry_or_none(desk):
    left = []
    for words, code, entries in ACTS:
        typed = [word.replace("SAMPLES", str(SAMPLES)) for word in words]
        before = desk.count() if left else 0
        result = desk.run(*typed)
        assert result.exit_code == code, (words, result.output)
        new = desk.count() - before
        if entries is not None:
            assert new == entries, (words, new)
        elif "roster" in words or "benefits" in words:
            assert new == 2 + rows_in(result.output), (words, result.output)
        left.append(new)
    tell(f"{len(left)} commands, {sum(left)} entries")


def rows_in(sentence: str) -> int:
    """How many rows were new, updated or refused, as the command says."""
    numbers = [int(word) for word in sentence.replace(":", " ").replace(",", " ").split() if word.isdecimal()]
    return numbers[0] - numbers[3]


def test_every_command_is_run_here(desk):
    def walk(group: click.Group, path: tuple = ()):
        for name, command in group.commands.items():
            yield from walk(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    every = {" ".join(path) for path in walk(main)}
    run = {name for name in every for words, _, _ in ACTS if " ".join(words).startswith(name)}
    assert every - run - NO_ACTS == set()
