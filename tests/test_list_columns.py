"""Lists as counties lay them out: headings among titles, people among totals, problems with their codes."""

import csv
import json
from datetime import date, datetime
from pathlib import Path

import pytest

import models
from exports.reading import read
from models.areanames import AreaIndex
from models.cells import BLANK, DATE, FORMULA, NUMBER, TEXT, Cell, Row, Table
from models.listing import Layout, ListColumn, letters
from models.months import Month
from models.roster_columns import BENEFITS, ROSTER
from models.roster_rows import read_benefits, read_roster
from models.words import Refusal

SAMPLES = Path(__file__).parent / "samples"
with (Path(models.__file__).parent / "data" / "areas_141122.csv").open(encoding="utf-8") as areas_file:
    AREAS = AreaIndex((row["code"], row["name"]) for row in csv.DictReader(areas_file))

SUN, MENG, BO, AI = "141120194105164046", "141120194709219466", "141120194006063936", "141120195404046319"
HEADINGS = "所在村组|证件号码|姓名|性别|暂停年月|暂停原因|暂停备注"
PERSON = f"天宁镇磁窑村|{SUN}|孙林改|女|202003|其他原因|死亡"
OTHER = f"天宁镇西街社区|{MENG}|孟生|女|202004|未提供生存证明|"


def as_cell(value):
    if isinstance(value, Cell):
        return value
    if isinstance(value, str):
        return Cell(TEXT, value) if value.strip() else BLANK
    return Cell(DATE, value) if isinstance(value, datetime) else Cell(NUMBER, value)


def table(*lines):
    """A sheet from lines of cells: text with | between, or lists of values. Blank lines count as rows."""
    rows = []
    for number, line in enumerate(lines, 1):
        cells = tuple(as_cell(value) for value in (line.split("|") if isinstance(line, str) else line))
        if any(cell != BLANK for cell in cells):
            rows.append(Row(number, cells))
    return Table("名单", rows)


def roster(*lines, **given):
    return read_roster(table(*lines), AREAS, **given)


def codes(listing):
    return {reading.row: [problem.code for problem in reading.problems] for reading in listing}


def test_the_messy_sample_reads_as_expected():
    expected = json.loads((SAMPLES / "roster_messy.expected.json").read_text(encoding="utf-8"))
    listing = read_roster(read(SAMPLES / "roster_messy.xlsx", recognises=ROSTER.recognises), AREAS)
    assert [(reading.row, "refused" if reading.refused else "new", [each.code for each in reading.problems])
            for reading in listing] == [(row["row"], row["outcome"], row["codes"]) for row in expected["outcomes"]]
    assert len(listing) == expected["rows"]


@pytest.mark.parametrize(("file", "rows"), [
    ("roster_province.xlsx", 640), ("roster_legacy.xls", 25), ("roster_gb18030.csv", 25), ("roster_fake.xls", 25)])
def test_the_other_samples_read_without_a_word(file, rows):
    listing = read_roster(read(SAMPLES / file, recognises=ROSTER.recognises), AREAS)
    assert (len(listing), sum(len(reading.problems) for reading in listing)) == (rows, 0)


def test_a_row_becomes_values():
    reading = roster(HEADINGS, PERSON).readings[0]
    assert reading.values == {
        "id_number": SUN, "name": "孙林改", "sex": "女", "born": date(1941, 5, 16), "paused_from": Month(2020, 3),
        "area_code": "141122100201", "category": "deceased", "reason": "其他原因", "remark": "死亡"}


@pytest.mark.parametrize("lines", [
    (HEADINGS, PERSON),
    ("", "", HEADINGS, "", PERSON),
    ("交城县暂停待遇人员名单", "单位：县中心||||制表时间：2021-09-17", HEADINGS, PERSON),
    ("填报单位：天宁镇|姓名", HEADINGS, PERSON),
    ("序号|" + HEADINGS, "1|" + PERSON, "2", "3"),
    ("所在村（组）|公民身份 号码|姓　名|性 别|暂停时间|原因|备注", PERSON),
    ("村（社区）|身份证号|姓名*|性别|停发年月|暂停原因：|备注", PERSON),
    ("所在村组|证件号码（必填）|姓名（必填）|性别|暂停年月（如202001）|暂停原因|备注（选填）", PERSON),
    ("行政村|身份证号码|参保人姓名|性别|暂停日期|停发原因|情况说明", PERSON),
    ("所在村组|居民身份证号|姓名|性别|暂停待遇时间|系统暂停原因|备注", PERSON),
    ("所在村组|证件号码|姓名|性别|暂停信息||", "||||暂停年月|暂停原因|暂停备注", PERSON),
    ("所在村组|证件号码|姓名|性别|暂停信息||", HEADINGS, PERSON),
    ("基本信息||||暂停信息||", HEADINGS, PERSON),
    (HEADINGS, PERSON, "合计|1人"), (HEADINGS, PERSON, "合 计||||||"), (HEADINGS, PERSON, "|小计|1"),
    (HEADINGS, PERSON, "天宁镇小计|1"), (HEADINGS, PERSON, "共1人|x"), (HEADINGS, PERSON, ["总计", Cell(FORMULA)]),
    (HEADINGS, PERSON, "制表人：张三||审核人：李四"),
    (HEADINGS, PERSON, "审核人:", "负责人（签字）：||日期：2021-09-17"),
    (HEADINGS, PERSON, "填报单位（盖章）：|||联系电话：1"), (HEADINGS, PERSON, "注：暂停年月为第一个未发放月份|x"),
    (HEADINGS, PERSON, "以上名单由县中心提供"), (HEADINGS, PERSON, "第1页 共1页|x"), (HEADINGS, PERSON, "（盖章）|x"),
    (HEADINGS, PERSON, HEADINGS), (HEADINGS, PERSON, "||||||"), (HEADINGS, PERSON, "|||女|||"),
    (HEADINGS + "|联系电话|照片", PERSON + "|13|x"), ("错误原因|" + HEADINGS, "x|" + PERSON),
    ("暂停备注|暂停原因|暂停年月|性别|姓名|证件号码|所在村组", "|".join(reversed(PERSON.split("|")))),
    ("乡镇|村|证件号码|姓名|性别|暂停年月|暂停原因|备注", "天宁镇|" + PERSON.removeprefix("天宁镇")),
    ("乡（镇）|" + HEADINGS, "天宁镇|" + PERSON),
    (HEADINGS + "|备注", PERSON + "|另一备注"),
])
def test_layouts_that_hold_one_person(lines):
    listing = roster(*lines)
    assert [reading.problems for reading in listing] == [[]]
    values = listing.readings[0].values
    assert (values["id_number"], values["area_code"], str(values["paused_from"]), values["remark"]) == (
        SUN, "141122100201", "2020-03", "死亡")


@pytest.mark.parametrize(("heading", "word"), [
    (HEADINGS.replace("证件号码", "号码"), "证件号码"), (HEADINGS.replace("姓名", "名称"), "姓名"),
    (HEADINGS.replace("所在村组", "地方"), "所在村组"), (HEADINGS.replace("暂停年月", "何时"), "暂停年月"),
    (HEADINGS + "|姓名", "C、H"), ("甲|乙|丙", "证件号码"), ("姓名", "证件号码"),
])
def test_what_is_wrong_with_the_headings_is_said(heading, word):
    with pytest.raises(Refusal, match=word):
        roster(heading, PERSON)


@pytest.mark.parametrize(("row", "expected"), [
    (f"|{SUN}|孙林改|女|202003||", ["missing"]), ("天宁镇磁窑村||孙林改|女|202003||", ["missing"]),
    (f"天宁镇磁窑村|{SUN}||女|202003||", ["missing"]), (f"天宁镇磁窑村|{SUN}|孙林改|女|||", ["missing"]),
    (f"|{SUN}||||", ["missing", "missing", "missing"]),
    (f"天宁镇磁窑村|{SUN[:17]}0|孙林改|女|202003||", ["id_checksum"]),
    (f"天宁镇磁窑村|{SUN[:17]}|孙林改|女|202003||", ["id_format"]),
    (["天宁镇磁窑村", float(SUN), "孙林改", "女", "202003"], ["id_precision_lost"]),
    (["天宁镇磁窑村", SUN, "孙林改", "女", 2020.1], ["month_format"]),
    (["天宁镇磁窑村", SUN, "孙林改", "女", 202003], []),
    (["天宁镇磁窑村", SUN, "孙林改", "女", datetime(2020, 3, 1)], []),
    (["天宁镇磁窑村", SUN, "孙林改", "女", "202003", "", Cell(FORMULA)], ["formula"]),
    (["天宁镇磁窑村", SUN, Cell(FORMULA), "女", "202003"], ["formula"]),
    (["天宁镇磁窑村", Cell(FORMULA), "孙林改", "女", "202003"], ["formula"]),
    ([Cell(FORMULA), SUN, "孙林改", "女", "202003"], ["formula"]),
    (f"天宁镇没有村|{SUN}|孙林改|女|202003||", ["unknown_area"]), (f"天宁镇|{SUN}|孙林改|女|202003||", []),
    (f"洪相镇成村村|{SUN}|孙林改|女|202003||", ["outside_area"]),
    (f"天宁镇磁窑村|{SUN}|孙林改|男|202003||", ["sex_differs"]),
    (f"天宁镇没有村|{SUN[:17]}0|孙林改|女|202013||", ["id_checksum", "month_format", "unknown_area"]),
])
def test_problems_of_a_row(row, expected):
    reading = roster(HEADINGS, row, within="141122100").readings[0]
    assert sorted(problem.code for problem in reading.problems) == sorted(expected)
    assert reading.refused == bool(set(expected) - {"sex_differs"})
    assert all(problem.column in HEADINGS.split("|") for problem in reading.problems)


def test_each_row_after_a_persons_first_is_refused_however_the_number_is_spelled():
    old = SUN[:6] + SUN[8:17]
    listing = roster(HEADINGS, PERSON, OTHER, PERSON.replace(SUN, old), PERSON.replace("202003", "202005"))
    assert codes(listing) == {2: [], 3: [], 4: ["duplicate_in_file"], 5: ["duplicate_in_file"]}


def test_a_persons_first_row_counts_even_if_refused():
    listing = roster(HEADINGS, PERSON.replace("202003", "?"), PERSON)
    assert codes(listing) == {2: ["month_format"], 3: ["duplicate_in_file"]}


@pytest.mark.parametrize(("extra", "value", "expected"), [
    ("出生日期", "1941-05-16", []), ("出生日期", "1941-06-16", ["age_differs"]), ("出生日期", "不详", []),
    ("年龄", "80", []), ("年龄", "81", []), ("年龄", "60", ["age_differs"]), ("年龄", "不详", []),
    ("核实分类", "死亡", []), ("核实分类", "第九类", ["unknown_category"]), ("核实分类", "", []),
])
def test_columns_that_a_list_may_have(extra, value, expected):
    listing = roster(f"{HEADINGS}|{extra}", f"{PERSON}|{value}", today=date(2021, 9, 19))
    assert codes(listing) == {2: expected}


def test_a_township_that_contradicts_the_village_is_refused():
    listing = roster("乡镇|村|证件号码|姓名|暂停年月", f"洪相镇|磁窑村|{SUN}|孙林改|202003",
                     f"洪相镇|天宁镇磁窑村|{MENG}|孟生|202003", f"洪相镇|成村|{BO}|柏巧|202003",
                     f"没有镇|磁窑村|{AI}|艾元|202003")
    assert codes(listing) == {2: ["unknown_area"], 3: ["unknown_area"], 4: [], 5: ["unknown_area"]}


BENEFIT_HEADINGS = ("证件号码|姓名|待遇开始年月|补充养老保险开始年月|缴费年限|个人账户月标准|个人账户余额|其中政府补贴"
                    "|补充账户月标准|补充账户余额")


def benefits(row):
    return read_benefits(table(BENEFIT_HEADINGS, row)).readings[0]


def test_the_benefits_sample():
    listing = read_benefits(read(SAMPLES / "benefits.xlsx", recognises=BENEFITS.recognises))
    assert (len(listing), sum(reading.refused for reading in listing)) == (640, 0)
    assert listing.readings[0].values == {
        "id_number": SUN, "name": "孙林改", "basic_from": Month(2010, 4), "supplement_from": Month(2021, 1),
        "years_paid": 15, "account_pension": 216, "account_balance": 22032, "government_subsidy": 2203,
        "supplement_account_pension": 0, "supplement_account_balance": 0}


@pytest.mark.parametrize(("figures", "expected"), [
    ("201004|202101|15|2.16|220.32|22.03|0.00|0.00", []), ("201004||15|2.16|220.32|22.03||", []),
    ("201004|202101|15|2.16|220.32|22.03||", ["missing", "missing"]), ("||15|2.16|220.32|22.03||", ["missing"]),
    ("201004||15|2.160|220.32|22.03||", ["amount_format"]), ("201004||15|2.16|-1|0||", ["amount_format"]),
    ("201004||15|2.16|20.32|22.03||", ["amount_format"]), ("201004||x|2.16|220.32|22.03||", ["amount_format"]),
    ("201004||15||||0|0", ["missing", "missing", "missing"]), ("201004|2021.1|15|1|1|1|0|0", []),
    ("201004|2021.13|15|1|1|1||", ["month_format"]),
])
def test_benefit_figures(figures, expected):
    assert [problem.code for problem in benefits(f"{SUN}|孙林改|{figures}").problems] == expected


def test_benefit_figures_in_number_cells_are_exact():
    values = benefits([SUN, "孙林改", 201004, 202101, 15, 2.16, 1220.32, 22.03, 0, 0.1 + 0.2]).values
    assert (values["account_pension"], values["account_balance"], values["supplement_account_balance"]) == (
        216, 122032, 30)


def test_another_list_needs_only_its_columns():
    layout = Layout(ListColumn("name", "姓名", needed=True, filled=True), ListColumn("died_on", "死亡日期"))
    assert layout.recognises(table("派出所名单", "姓名|死亡日期").rows)
    assert not layout.recognises(table("姓名|暂停年月").rows)
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
