"""Uploaded spreadsheets: what a cell was is kept, and what a file is its content decides."""

import ast
import io
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from books import book, saved

import exports
from exports.reading import read as reading_read
from exports.workbook import read
from models.cells import BLANK, BOOL, DATE, ERROR, FORMULA, NUMBER, TEXT, Cell
from models.roster_columns import ROSTER
from models.words import Refusal

SAMPLES = Path(__file__).parent / "samples"
ROOT = Path(exports.__file__).parents[1]
HEADINGS = ["所在村组", "证件号码", "姓名", "暂停年月"]
PERSON = ["天宁镇磁窑村", "141120194105164046", "孙林改", "202003"]


def edited(data, path, change):
    """A zip's bytes with one entry changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            body = old.read(entry.filename)
            new.writestr(entry.filename, change(body) if entry.filename == path else body)
    return out.getvalue()


def values(table):
    return [[cell.value for cell in row.cells] for row in table.rows]


def cells(value):
    return read(book([["x", value]])).rows[0].cells[1:]


@pytest.mark.parametrize(("value", "expected"), [
    ("202001", Cell(TEXT, "202001")), (202001, Cell(NUMBER, 202001)), (2020.1, Cell(NUMBER, 2020.1)),
    (141120194105164046, Cell(NUMBER, 1.41120194105164e17)), (2.16, Cell(NUMBER, 2.16)), (True, Cell(BOOL, True)),
    (datetime(2021, 8, 1), Cell(DATE, datetime(2021, 8, 1))), (date(2021, 8, 1), Cell(DATE, datetime(2021, 8, 1))),
    ("甲\u2028乙\x85丙\n丁", Cell(TEXT, "甲\u2028乙\x85丙\n丁")), ("=1+1", Cell(FORMULA)),
    ("#N/A", Cell(ERROR, "#N/A")), (" 张\u3000三 ", Cell(TEXT, " 张\u3000三 ")),
])
def test_a_cell_keeps_what_it_was(value, expected):
    assert cells(value) == (expected,)


def test_a_formula_with_a_stored_result_is_that_result():
    import xlsxwriter
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        page = made.add_worksheet()
        for place, (formula, result) in enumerate([("=A9", "14"), ("=1+1", 2), ('=""', ""), ("=B9", "张三")]):
            page.write_formula(0, place, formula, None, result)
    row = read(out.getvalue()).rows[0]
    assert [cell.kind for cell in row.cells] == [TEXT, NUMBER, FORMULA, TEXT]
    assert row.cells[3].value == "张三"


def test_an_empty_text_is_a_stored_result():
    data = book([["x", "y"]])
    data = edited(data, "xl/worksheets/sheet1.xml",
                  lambda xml: xml.replace(b"</row>", b'<c r="C1" t="str"><f>""</f><v></v></c></row>'))
    assert read(data).rows[0].cell(2) == BLANK


def test_rows_keep_excels_numbers_and_columns_their_places():
    made = openpyxl.Workbook()
    made.active["C4"], made.active["D9"], made.active["C12"] = "甲", "乙", "=1"
    table = read(saved(made))
    assert [(row.number, row.filled) for row in table.rows] == [(4, [2]), (9, [3]), (12, [2])]


def test_books_that_count_from_1904():
    assert read(book([["x", datetime(2021, 8, 1)]], epoch=openpyxl.utils.datetime.CALENDAR_MAC_1904)
                ).rows[0].cells[1] == Cell(DATE, datetime(2021, 8, 1))


def test_a_village_merged_over_its_people_holds_for_each():
    made = openpyxl.Workbook()
    for row in [HEADINGS, PERSON, [None, *PERSON[1:]], [], [None, "x"]]:
        made.active.append(row)
    made.active.merge_cells("A2:A4")
    assert values(read(saved(made))) == [HEADINGS, PERSON, PERSON, [None, "x"]]


def test_a_million_formatted_rows_are_no_rows():
    made = openpyxl.Workbook()
    made.active.append(PERSON)
    made.active.cell(1_048_576, 1).font = openpyxl.styles.Font(bold=True)
    assert len(read(saved(made)).rows) == 1


def test_the_sheet_with_the_headings_is_read():
    data = book(("填表说明", [["暂停年月为第一个未发放月份"]]), ("名单", [["标题"], HEADINGS, PERSON]), ("空", []))
    assert read(data, recognises=ROSTER.recognises).sheet == "名单"
    assert read(data).sheet == "填表说明"
    assert read(data, sheet="名单").rows[2].number == 3


def test_of_two_sheets_with_a_list_none_is_left_out_silently():
    with pytest.raises(Refusal, match="甲.*乙"):
        read(book(("甲", [HEADINGS, PERSON]), ("乙", [HEADINGS, PERSON])), recognises=ROSTER.recognises)


def test_an_empty_form_beside_the_list_is_no_second_list():
    assert read(book(("样表", [HEADINGS]), ("名单", [HEADINGS, PERSON])), recognises=ROSTER.recognises).sheet == "名单"


def test_hidden_sheets_are_read_only_by_name():
    made = openpyxl.Workbook()
    made.active.append(["看得见"])
    made.create_sheet("藏").append(HEADINGS)
    made["藏"].sheet_state = "hidden"
    data = saved(made)
    assert read(data, recognises=ROSTER.recognises).sheet == "Sheet"
    assert read(data, sheet="藏").rows[0].cells[2].value == "姓名"
    with pytest.raises(Refusal, match="没有"):
        read(data, sheet="没有")


TEXT_TABLE = "所在村组,证件号码,姓名,暂停年月\r\n天宁镇磁窑村,141120194105164046,孙林改,202003\r\n"


@pytest.mark.parametrize("data", [
    TEXT_TABLE.encode(), TEXT_TABLE.encode("utf-8-sig"), TEXT_TABLE.encode("gb18030"), TEXT_TABLE.encode("utf-16"),
    b"\xfe\xff" + TEXT_TABLE.encode("utf-16-be"), TEXT_TABLE.encode("utf-16-le"), TEXT_TABLE.encode("utf-16-be"),
    TEXT_TABLE.replace(",", "\t").encode(), TEXT_TABLE.replace(",", ";").encode("gb18030"),
    TEXT_TABLE.replace("\r", "").encode(),
    TEXT_TABLE.replace("141120194105164046", '"141120194105164046"').encode(),
    TEXT_TABLE.replace("141120194105164046", '="141120194105164046"').encode(),
    ("<table><tr><td>" + TEXT_TABLE.strip().replace(",", "<td>").replace("\r\n", "<tr><td>") + "</table>").encode(),
    ("<html><head><meta charset=gbk></head><table border=1><tr><th>所在村组<th>证件号码<th>姓名<th>暂停年月</tr>"
     "<tr><td>天宁镇磁窑村</td><td style='x'>141120194105164046</td><td>孙林改</td><td>202003</td></tr></table>"
     "</html>").encode("gb18030"),
    book([HEADINGS, PERSON]), edited(book([HEADINGS, PERSON]), "docProps/core.xml", lambda xml: xml),
])
def test_whatever_the_file_is_called_its_content_decides(data, tmp_path):
    for name in ("a.xlsx", "a.xls", "a.csv", "a.et", "a"):
        (tmp_path / name).write_bytes(data)
    table = read(tmp_path / "a.xls")
    assert values(table)[:2] == [HEADINGS, PERSON]


def test_macro_workbooks_are_read():
    data = edited(book([HEADINGS, PERSON]), "[Content_Types].xml", lambda xml: xml.replace(
        b"openxmlformats-officedocument.spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main"))
    assert values(read(data, "a.xlsm")) == [HEADINGS, PERSON]


def test_html_cells_over_several_rows_and_columns():
    table = read("<table><tr><td colspan=3>标题</td></tr><tr><td rowspan=2>村</td><td>甲</td><td>1</td></tr>"
                 "<tr><td>乙</td><td>2<br>3</td></tr><tr><td>丙</td></tr></table>".encode())
    assert values(table) == [["标题"], ["村", "甲", "1"], ["村", "乙", "2 3"], ["丙"]]


def test_characters_that_have_moved_since_the_old_table():
    assert values(read("姓名,甲\n".encode("gb18030") + b"\xfe\x59\xfe\x51,1\n")) == [["姓名",
    "甲"], ["\u9fb4\U00020087", "1"]]


def test_csv_rows_are_numbered_as_excel_does():
    assert [row.number for row in read(b'a,"1\n2"\n\nb,3\n').rows] == [1, 3]


def test_the_child_is_small_and_gets_no_environment():
    code = ("import sys; import exports.sheetchild, exports.sheetzip, exports.sheettext; "
            "print([name for name in ('flask', 'sqlalchemy', 'xlsxwriter', 'models') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
    assert reading_read is read


def test_models_know_nothing_of_exports():
    for name in ("cells", "cellreaders", "listing", "roster_columns", "roster_rows", "areanames", "reasons"):
        tree = ast.parse((ROOT / "models" / f"{name}.py").read_text(encoding="utf-8"))
        froms = {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not froms & {"exports", "views", "portal", "flask"}
