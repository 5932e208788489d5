"""The command line, as the contract has it: one sentence, exit codes, JSON alone on standard output."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from stages import beside

from portal.cli import main

SAMPLES = Path(__file__).parent / "samples"
PASSWORD = "Test-Pass-2021!"


class Desk:
    """A fresh data folder and the commands run on it."""

    def __init__(self, folder: Path):
        self.env = {"PORTAL_DATA_DIR": str(folder), "PORTAL_NOW": "2021-09-19T09:30:00+08:00", "PORTAL_LOCALE": "en",
                    "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_USER_PASSWORD": PASSWORD, "PORTAL_DATABASE_URL": beside(folder),
                    "PORTAL_REDIS_URL": ""}

    def run(self, *words: str, stdin: str | bytes | None = None, now: str | None = None) -> Result:
        env = self.env | ({"PORTAL_NOW": now} if now else {})
        return CliRunner().invoke(main, list(words), env=env, input=stdin, catch_exceptions=False)

    def json(self, *words: str, **more: str) -> dict:
        result = self.run(*words, "--json", **more)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A county with its list handed out, and one user per post."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    assert desk.run("init").exit_code == 0
    for name, role, area in (("clerk", "county_clerk", "141122"), ("reviewer", "county_reviewer", "141122"),
                             ("approver", "county_approver", "141122"), ("tianning", "township", "141122100")):
        assert desk.run("user", "add", name, "--role", role, "--area", area).exit_code == 0
    desk.run("import", "roster", str(SAMPLES / "roster_province.xlsx"))
    desk.run("import", "benefits", str(SAMPLES / "benefits.xlsx"))
    assert desk.run("handout").exit_code == 0
    return desk


def test_the_messy_list_gets_exactly_the_expected_outcomes(tmp_path):
    desk = Desk(tmp_path)
    desk.run("init")
    expected = json.loads((SAMPLES / "roster_messy.expected.json").read_text())

    found = desk.json("import", "roster", str(SAMPLES / "roster_messy.xlsx"), "--dry-run")

    assert found["rows"] == expected["rows"] == found["new"] + found["updated"] + found["unchanged"] + found["refused"]
    assert [(o["row"], o["outcome"], [p["code"] for p in o["problems"]]) for o in found["outcomes"]] == \
           [(o["row"], o["outcome"], o["codes"]) for o in expected["outcomes"]]


def test_a_dry_run_changes_nothing_and_a_second_run_finds_everybody_unchanged(tmp_path):
    desk, file = Desk(tmp_path), str(SAMPLES / "roster_legacy.xls")
    desk.run("init")

    assert desk.json("import", "roster", file, "--dry-run")["new"] == 25
    assert desk.json("import", "roster", file)["new"] == 25
    assert desk.json("import", "roster", file)["unchanged"] == 25


@pytest.mark.parametrize("name", ["roster_province.xlsx", "roster_legacy.xls", "roster_gb18030.csv", "roster_fake.xls"])
def test_every_kind_of_file_holds_the_same_people(founded, name):
    counts = founded.json("import", "roster", str(SAMPLES / name), "--dry-run")

    assert counts["refused"] == 0
    assert counts["unchanged"] == counts["rows"] > 0


def test_a_list_comes_from_standard_input_too(founded):
    data = (SAMPLES / "roster_gb18030.csv").read_bytes()

    assert json.loads(founded.run("import", "roster", "-", "--json", stdin=data).stdout)["unchanged"] == 25


def test_refused_rows_are_written_with_their_reason_and_can_come_back(tmp_path):
    desk, out = Desk(tmp_path / "desk"), tmp_path / "errors.xlsx"
    desk.run("init")

    desk.run("import", "roster", str(SAMPLES / "roster_messy.xlsx"), "--errors", str(out))
    again = desk.json("import", "roster", str(out), "--dry-run")

    assert again["rows"] == again["refused"] + again["unchanged"] == 6


def test_nothing_comes_in_where_the_refused_rows_cannot_be_written(tmp_path):
    desk, file = Desk(tmp_path / "desk"), str(SAMPLES / "roster_messy.xlsx")
    desk.run("init")

    result = desk.run("import", "roster", file, "--errors", str(tmp_path / "none" / "errors.xlsx"), "--json")

    assert result.exit_code == 1
    assert "cannot be written" in json.loads(result.stdout)["refused"]
    assert desk.json("import", "roster", file, "--dry-run")["unchanged"] == 0


def areas(desk: Desk, data: bytes) -> tuple[int, str]:
    result = desk.run("import", "areas", "-", stdin=data)
    return result.exit_code, result.stdout or result.stderr


def test_areas_come_from_any_table_that_names_codes(tmp_path):
    desk, table = Desk(tmp_path), 'code,name,areaCode\n141122110,"甲镇",141122\n141122110201,"乙村委会",141122\n110101001,丙,1\n'
    desk.run("init")

    assert areas(desk, gzip.compress(table.encode())) == (0, "2 places are new or renamed.\n")
    assert areas(desk, table.encode("gb18030")) == (0, "0 places are new or renamed.\n")


@pytest.mark.parametrize(("data", "sentence"), [
    (b"code,name\n141122100,\n", "needs a name"),
    (b"code,name\n141122100,a\x00b\n", "needs a name"),
    (b"code,name\n141122100," + b"x" * 61, "needs a name"),
    (b"code,name\n141122abc,x\n", "not a division code"),
    (b"code,name\n141122100," + b"x" * 200_000, "is not CSV"),
    (b"code,name\n110101001,x\n", "no township and no village"),
    (b"name\nx\n", "needs the columns"),
    (b"\x1f\x8bnonsense", "damaged"),
])
def test_areas_that_cannot_be_are_refused(founded, data, sentence):
    exit_code, told = areas(founded, data)

    assert (exit_code, len(told.strip().splitlines())) == (1, 1)
    assert sentence in told


def test_one_person_goes_from_the_list_to_the_ranking(founded, tmp_path):
    scan = tmp_path / "scan.png"
    Image.new("RGB", (60, 40), "white").save(scan)
    number = "141120195404046319"

    def take(step: str, by: str, *more: str) -> dict:
        return founded.json("step", number, step, "--by", by, *more)

    take("establish", "tianning", "--fact", "category=deceased", "--fact", "how=police")
    take("death", "tianning", "--on", "2021-09-18", "--fact", "died_on=2019-10-20", "--fact", "source=household_cancellation",
         "--proof", f"household_cancellation={scan}")
    take("family", "tianning", "--fact", "family=reached", "--fact", "contacted_on=2021-09-18", "--fact", "contact_note=phone")
    take("settle", "clerk")
    take("review", "reviewer")
    take("approve", "approver")
    case = take("deregister", "clerk", "--fact", "deregistered_on=2021-09-19", "--proof", f"deregistration={scan}")

    assert (case["state"], case["outcome"]) == ("cleared", "deregistered")
    assert case["settlement"]["approved_by"] == "approver"
    assert [proof["kind"] for proof in case["evidence"]] == ["household_cancellation", "deregistration"]
    row = next(r for r in founded.json("ranking", "--as-of", "2021-09-19")["rows"] if r["code"] == "141122100")
    assert (row["verified"], row["cleared"], row["stock"]) == (1, 1, 189)
    assert all(r["cleared"] == 0 for r in founded.json("ranking", "--as-of", "2021-09-18")["rows"])


@pytest.mark.parametrize(("words", "sentence"), [
    (("case", "99999999"), "There is no case"),
    (("case", "፩"), "18 characters"),
    (("step", "1", "resume", "--by", "nobody"), "There is no active user"),
    (("step", "1", "resume", "--by", "tianning"), "has no step “resume”"),
    (("step", "1", "establish", "--by", "reviewer", "--fact", "category=deceased", "--fact", "how=phone"), "is not for reviewer"),
    (("step", "640", "establish", "--by", "tianning", "--fact", "how=phone"), "There is no case"),
    (("import", "roster", "nowhere.xlsx"), "cannot be read"),
    (("export", "everything", "-o", "x.xlsx"), "There is no sheet"),
    (("export", "cases", "-o", "x.xlsx", "--area", "110101"), "outside the county"),
    (("notice", "1", "back_pay", "-o", "x.pdf"), "has no such paper"),
    (("bulletin", "--as-of", "2021-09-25", "-o", "x.pdf"), "still to come"),
    (("user", "add", "x", "--role", "king", "--area", "141122"), "There is no role"),
    (("user", "add", "park", "--role", "township", "--area", "141122400"), "statistical unit"),
    (("handout",), "already handed out"),
])
def test_a_refusal_is_one_sentence_and_exit_code_1(founded, words, sentence):
    result = founded.run(*words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not result.stdout


def test_a_refusal_with_json_is_one_document(founded):
    result = founded.run("case", "99999999", "--json")

    assert result.exit_code == 1
    assert "no case" in json.loads(result.stdout)["refused"]


@pytest.mark.parametrize("words", [("ranking", "--as-of", "2021-13-01"), ("ranking", "--as-of", "0001-01-05"),
                                   ("ranking", "--as-of", "9999-12-31"), ("step", "1"),
                                   ("frobnicate",), ("import",), ("step", "1", "x", "--by", "clerk", "--fact", "novalue")])
def test_wrong_usage_is_exit_code_2(founded, words):
    assert founded.run(*words).exit_code == 2


def test_a_portal_that_is_not_set_up_says_so(tmp_path):
    result = Desk(tmp_path).run("ranking")

    assert result.exit_code == 1
    assert "portal init" in result.stderr


@pytest.mark.parametrize(("variable", "value", "sentence"), [
    ("PORTAL_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none", "database cannot be used"),
    ("PORTAL_DATABASE_URL", "sqlite:////proc/none/portal.sqlite", "database cannot be used"),
    ("PORTAL_DATABASE_URL", "sqlite:///{junk}", "database cannot be used"),
    ("PORTAL_DATABASE_URL", "sqlite:", "database cannot be used"),
    ("PORTAL_DATABASE_URL", "mysql://none", "has to start with"),
    ("PORTAL_DATA_DIR", "{junk}", "cannot be used"),
    ("PORTAL_DATA_DIR", "/proc/none", "cannot be used"),
    ("PORTAL_NOW", "0001-01-01T00:00", "between 1900 and 2999"),
    ("PORTAL_NOW", "9999-12-31T23:59:59Z", "between 1900 and 2999"),
    ("PORTAL_NOW", "yesterday", "not an ISO 8601"),
])
@pytest.mark.parametrize("words", [("init",), ("ranking",), ("audit", "verify")])
def test_a_machine_that_cannot_be_used_is_told_in_one_sentence(tmp_path, words, variable, value, sentence):
    junk = tmp_path / "junk"
    junk.write_bytes(b"no database" * 999)
    desk = Desk(tmp_path / "desk")
    desk.env[variable] = value.format(junk=junk)

    result = desk.run(*words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "secret" not in result.output


@pytest.mark.parametrize(("setting", "value", "sentence"), [
    ("PORTAL_REDIS_URL", "http://x", "PORTAL_REDIS_URL 应以"), ("PORTAL_DATABASE_URL", "mysql://x", "PORTAL_DATABASE_URL"),
    ("PORTAL_DATABASE_URL", "sqlite:////nowhere/at/all/x.db", "数据库不能使用"), ("PORTAL_NOW", "gestern", "PORTAL_NOW"),
    ("PORTAL_DATABASE_URL", "postgresql://127.0.0.1:1/x", "数据库不能使用"),
    ("PORTAL_DATA_DIR", "/dev/null/x", "不能使用"), ("PORTAL_LOCALE", "fr", "PORTAL_LOCALE"),
    ("PORTAL_SECRET_KEY", "short", "不足 16 个字符")])
def test_a_start_with_a_wrong_setting_is_refused_in_one_sentence(founded, setting, value, sentence):
    env = founded.env | {"PORTAL_LOCALE": "zh_Hans_CN", setting: value}
    result = CliRunner().invoke(main, ["serve"], env=env, catch_exceptions=False)
    assert result.exit_code == 1
    assert sentence in result.output
    assert len(result.output.splitlines()) == 1
    assert not re.search("[a-z]{4} [a-z]{3}", re.sub(r"（.*?）", "", result.output))


def test_a_port_that_does_not_exist_is_wrong_usage(founded):
    assert founded.run("serve", "--port", "99999").exit_code == 2


def test_a_fresh_portal_has_no_account_and_no_secret(tmp_path):
    desk = Desk(tmp_path)
    desk.env["PORTAL_ADMIN_PASSWORD"] = ""

    result = desk.run("init", stdin="")

    assert result.exit_code == 1
    assert "PORTAL_ADMIN_PASSWORD" in result.stderr
    assert "There is no active user" in desk.run("step", "1", "x", "--by", "county_admin").stderr


@pytest.mark.parametrize(("words", "sentence"), [
    (("--county", "140321"), "name another county"),
    (("--county", "14032", "--name", "平定县"), "6 digits"),
    (("--county", "abcdef", "--name", "平定县"), "6 digits"),
    (("--county", "140321", "--name", "县" * 61), "1 to 60"),
    (("--county", "140321", "--name", "平定县"), "the one of 交城县"),
])
def test_a_county_that_cannot_be_founded_is_refused(founded, words, sentence):
    result = founded.run("init", *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_another_county_brings_its_areas(tmp_path):
    desk = Desk(tmp_path)

    assert desk.run("init", "--county", "140321", "--name", "平定县").exit_code == 0
    assert areas(desk, "code,name\n140321100,冠山镇\n".encode()) == (0, "1 places are new or renamed.\n")
    assert [row["name"] for row in desk.json("ranking")["rows"]] == ["冠山镇"]


def test_init_twice_keeps_everything(founded):
    before = founded.json("ranking")

    assert founded.run("init").exit_code == 0
    assert founded.json("ranking") == before


def test_every_command_explains_itself():
    def walk(command, path):
        result = CliRunner().invoke(main, [*path, "--help"])
        assert result.exit_code == 0, path
        assert command.help, f"portal {' '.join(path)} has no help"
        for name, child in getattr(command, "commands", {}).items():
            walk(child, [*path, name])
    walk(main, [])


def test_settling_needs_no_database_and_reads_standard_input(tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("item,from,amount,min_age,basis\nbasic,2018-01,103.00,,a\nbasic,2020-07,108.00,,b\n"
                     "age,2018-01,5.00,65,c\nsupplement,2021-01,20.00,65,d\nsupplement,2021-01,30.00,80,e\n")
    facts = {"as_of": "2021-10", "paused_from": "2020-01", "resumes": "2021-10", "payments": None,
             "person": {"born": "1950-03-12", "basic_from": "2010-04", "supplement_from": "2021-01", "years_paid": 0,
                        "account_pension": "0.00", "account_balance": "0.00", "government_subsidy": "0.00",
                        "supplement_account_pension": "0.00", "supplement_account_balance": "0.00"},
             "category": "uncertified", "facts": {"certified_on": "2021-09-19"}}
    env = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path / "never")}

    done = subprocess.run([sys.executable, "-m", "portal", "settle", "--facts", "-", "--rates", str(rates), "--json"],
                          input=json.dumps(facts), env=env, text=True, capture_output=True)

    assert json.loads(done.stdout)["back_pay"] == "2523.00", done.stderr
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(("line", "exit_code", "told"), [
    ("rules > /dev/full", 1, "The system refuses: No space left"),
    ("rules --json > /dev/full", 1, "The system refuses: No space left"),
    ("settle --facts - <&-", 1, "- cannot be read"),
    ("rules | true", 0, ""),
])
def test_streams_that_fail_are_told_in_a_sentence(tmp_path, line, exit_code, told):
    env = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_LOCALE": "en"}

    done = subprocess.run(["sh", "-c", f"{sys.executable} -m portal {line}"], env=env, text=True, capture_output=True)

    assert done.returncode == exit_code
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == (1 if told else 0)


def test_a_terminal_without_chinese_gets_codes(tmp_path):
    env = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path), "PYTHONIOENCODING": "latin-1"}

    done = subprocess.run([sys.executable, "-m", "portal", "rules", "--json"], env=env, capture_output=True)

    assert json.loads(done.stdout)[0]["article"] == "三（三）1"


def test_the_trail_of_all_this_is_intact(founded):
    assert founded.json("audit", "verify")["intact"] is True


def test_rules_tell_the_whole_table(founded):
    told = founded.json("rules")

    assert [entry["category"] for entry in told] == ["uncertified", "duplicate", "imprisoned", "deceased", "impostor",
                                                      "no_card", "dual_household", "unknown"]
    assert "| `seal` |" in founded.run("rules", "--markdown").stdout


@pytest.mark.parametrize("sheet", ["cases", "ranking", "settlements", "receipts", "handouts"])
def test_every_sheet_is_written_as_a_workbook_without_full_numbers(founded, tmp_path, sheet):
    import openpyxl
    out = tmp_path / "out.xlsx"

    assert founded.run("export", sheet, "-o", str(out)).exit_code == 0

    texts = [str(cell) for row in openpyxl.load_workbook(out).active.iter_rows(values_only=True) for cell in row if cell]
    assert len(texts) > 5
    assert not [text for text in texts if len(text) == 18 and text[:17].isdigit()]


def test_the_sheet_with_whole_numbers_needs_a_reason(founded, tmp_path):
    import openpyxl
    out = tmp_path / "out.xlsx"

    refused = founded.run("export", "cases_full", "-o", str(out))
    assert (refused.exit_code, out.exists()) == (1, False)
    assert "--reason" in refused.stderr

    many = founded.run("export", "cases_full", "-o", str(out), "--reason", "上报市级")
    assert (many.exit_code, out.exists()) == (1, False)
    assert "at most 500" in many.stderr

    assert founded.run("export", "cases_full", "-o", str(out), "--reason", "上报市级", "--area", "141122100").exit_code == 0
    rows = list(openpyxl.load_workbook(out).active.values)
    assert rows[-1][0].startswith("导出：命令行（system） ")
    assert rows[-1][0].endswith("用途：上报市级")


def test_papers_are_drawn_in_the_foreground(founded, tmp_path):
    for words in (("notice", "20", "certification"), ("bulletin", "--as-of", "2021-09-19")):
        out = tmp_path / "paper.pdf"
        if words[0] == "notice":
            founded.run("step", "20", "establish", "--by", "clerk", "--fact", "category=uncertified", "--fact", "how=phone")

        result = founded.run(*words, "-o", str(out))

        assert result.exit_code == 0, result.stderr
        assert out.read_bytes().startswith(b"%PDF-")
