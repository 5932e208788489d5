"""Files that are broken, hostile or no spreadsheets: one sentence each, and never a hang or a wrong figure."""

import io
import os
import random
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import pytest

from exports import sheetlimits
from exports.reading import FAULTS, read
from models.cells import Table
from models.words import Refusal

SAMPLES = Path(__file__).parent / "samples"
MB = 1 << 20


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, body in entries.items():
            made.writestr(name, body)
    return out.getvalue()


def insides(data):
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        return {name: old.read(name) for name in old.namelist()}


def book():
    made = openpyxl.Workbook()
    for row in [["证件号码", "姓名"], ["141120194105164046", "孙林改"]] * 20:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


BOOK = book()
SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(xml, **more):
    return zipped(insides(BOOK) | {SHEET: xml} | more)


def sentence(data, name=None):
    """What a clerk is told about a file; None if it is read after all."""
    try:
        table = read(data, name)
    except Refusal as refusal:
        assert refusal.message.id in (*FAULTS.values(), "“{file}”: {why}") or "visible sheets" in str(refusal)  # noqa: PT017
        return str(refusal)
    assert isinstance(table, Table)
    return None


def lying(data, path, size):
    """A zip whose directory says that an entry is only so long, with the checksum of that much."""
    body = insides(data)[path]
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        entry = old.getinfo(path)
        told = struct.pack("<III", zlib.crc32(body[:size]), entry.compress_size, size)
        true = struct.pack("<III", entry.CRC, entry.compress_size, entry.file_size)
    assert data.count(true) == 2
    return data.replace(true, told)


CELLS = b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>%s</sheetData></worksheet>"
TEXT_CELL = b"<row r='1'><c r='A1' t='inlineStr'><is><t>%s</t></is></c></row>"
LAUGHS = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]>"
FILE_ENTITY = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
FORMULA_CELL = b"<row r='1'><c r='A1'><f>1</f></c><c r='B1' t='inlineStr'><is><t>%s</t></is></c></row>"
SHARED = (b"<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><si><t>" + b"x" * 32_000
          + b"</t></si></sst>")

HOSTILE = {
    "a cell in the last corner": (lambda: with_sheet(
        CELLS % b"<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"),
        "memory"),
    "201 MB in 1 MB": (lambda: with_sheet(CELLS % (b"<row/>" * (201 * MB // 6))), "200 MB"),
    "201 MB beside the sheet": (lambda: zipped(insides(BOOK) | {"xl/media/a.bin": bytes(201 * MB)}), "200 MB"),
    "1,001 entries": (lambda: zipped(insides(BOOK) | {f"xl/media/{n}": b"" for n in range(1001)}), "1000 parts"),
    "21 MB": (lambda: BOOK + bytes(21 * MB), "20 MB"),
    "200,001 rows": (lambda: with_sheet(CELLS % (b"<row><c><v>1</v></c></row>" * 200_001)), "200000 rows"),
    "201 columns": (lambda: with_sheet(CELLS % (b"<row>" + b"<c><v>1</v></c>" * 201 + b"</row>")), "column 200"),
    "one long text, ten thousand times": (lambda: with_sheet(
        CELLS % (b"<row><c t='s'><v>0</v></c></row>" * 10_000), **{"xl/sharedStrings.xml": SHARED}), "memory"),
    "laughs in the sheet": (lambda: with_sheet(LAUGHS + CELLS % (TEXT_CELL % b"&j;")), ""),
    "laughs in a sheet with a formula": (lambda: with_sheet(LAUGHS + CELLS % (FORMULA_CELL % b"&j;")), "damaged"),
    "laughs in the workbook": (lambda: zipped(
        insides(BOOK) | {"xl/workbook.xml": LAUGHS + insides(BOOK)["xl/workbook.xml"]}), "damaged"),
    "a file as an entity": (lambda: with_sheet(FILE_ENTITY + CELLS % (FORMULA_CELL % b"&e;")), "damaged"),
    "an unheard-of column": (lambda: with_sheet(CELLS % b"<row r='1'><c r='ZZZZZZ1'><f>1</f></c></row>"), "damaged"),
    "a row that is no number": (lambda: with_sheet(CELLS % b"<row r='x'><c r='A1'><f>1</f></c></row>"), "damaged"),
    "no sheet behind the name": (lambda: zipped(
        {name: body for name, body in insides(BOOK).items() if name != SHEET}), ""),
    "an empty workbook": (lambda: with_sheet(CELLS % b""), "visible sheets"),
    "names that climb out": (lambda: zipped({"../../../tmp/x": b"x", "/etc/x": b"x"}), "no spreadsheet"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_end_in_one_sentence(kind):
    make, word = HOSTILE[kind]
    said = sentence(make())
    assert said
    assert word in said


def test_an_entity_never_brings_a_file_in():
    data = with_sheet(FILE_ENTITY + CELLS % (TEXT_CELL % b"&e;"))
    try:
        shown = str(read(data))
    except Refusal as refusal:
        shown = str(refusal)
    assert "root:" not in shown


def test_a_directory_that_lies_about_sizes_ends_in_one_sentence():
    data = with_sheet(CELLS % (b"<row r='1'><c r='A1'><v>1</v></c></row>" + b"<x a='%s'/>" % (b" " * 201 * MB)))
    assert sentence(lying(data, SHEET, 1000))


FOREIGN = {
    b"": "empty", b"   \r\n": "empty", bytes(1000): "empty", b"%PDF-1.7\n": "PDF", b"\x89PNG\r\n\x1a\n....": "PNG",
    b"\xff\xd8\xff\xe0....": "JPEG", b"GIF89a...": "GIF", b"Rar!\x1a\x07": "RAR", b"{\\rtf1 x}": "RTF",
    b"7z\xbc\xaf'\x1c": "7z",
    b"\x7fELF\x02\x01\x01": "unknown kind", b"\x1f\x8b\x08...": "gzip", zipped({"word/document.xml": b"<x/>"}): "Word",
    zipped({"ppt/presentation.xml": b"<x/>"}): "PowerPoint", zipped({"a.txt": b"x"}): "zip",
    zipped({"META-INF/manifest.xml": b"<x/>", "content.xml": b"<x/>"}): "ODS",
    zipped({"xl/workbook.bin": b"x"}): "xlsb",
    b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>": "XML 2003",
    b"<html><body>no table</body></html>": "HTML", b"<html><table><tr><td>a</td>": "damaged",
    b"MIME-Version: 1.0\n": "MHTML",
    "姓名,甲\n".encode("utf-8-sig") + b"\xff": "GB 18030", "姓名,甲".encode("gb18030")[:-1]: "GB 18030",
    b'a,"b\nc,d\n': "Row 1: a quotation mark", b"PK\x03\x04": "damaged", b"PK\x03\x04" + bytes(300): "damaged",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000): "damaged",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(500): "password",
}


@pytest.mark.parametrize("data", FOREIGN, ids=range(len(FOREIGN)))
def test_what_is_no_spreadsheet_is_named(data):
    assert FOREIGN[data] in sentence(data)
    assert sentence(data, "名单.xlsx").startswith("“名单.xlsx”: ")


def test_an_encrypted_entry_asks_for_the_password_to_be_taken_off():
    data = bytearray(BOOK)
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    assert "password" in sentence(bytes(data))


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.xlsx", tmp_path):
        with pytest.raises(Refusal, match="cannot be opened"):
            read(path)


def told(data):
    """(refused, rows) of a file."""
    try:
        return False, read(data).rows
    except Refusal as refusal:
        assert str(refusal)  # noqa: PT017
        return True, None


def all_told(files):
    with ThreadPoolExecutor(os.cpu_count()) as several:
        return list(several.map(told, files))


def cut_off(data, times):
    return [data[:len(data) * n // times] for n in range(1, times)]


def flipped(data, times, seed):
    """Copies of a file, each with one to four bits turned."""
    chance = random.Random(seed)
    for _ in range(times):
        copy = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
        yield bytes(copy)


def test_every_workbook_that_was_cut_off_is_refused():
    assert all(refused for refused, _ in all_told(cut_off(BOOK, 40)))


@pytest.mark.parametrize("file", ["roster_legacy.xls", "roster_fake.xls"])
def test_older_files_that_were_cut_off_end_in_a_sentence_or_a_table(file):
    results = all_told(cut_off((SAMPLES / file).read_bytes(), 25))
    assert sum(refused for refused, _ in results) >= 20


def test_no_turned_bit_in_a_workbook_becomes_another_figure():
    rows = read(BOOK).rows
    results = all_told(flipped(BOOK, 150, seed=141122))
    assert all(refused or rows == found for refused, found in results)
    assert sum(refused for refused, _ in results) > 100


@pytest.mark.parametrize("file", ["roster_legacy.xls", "roster_fake.xls", "roster_gb18030.csv"])
def test_turned_bits_in_other_files_end_in_a_sentence_or_a_table(file):
    assert len(all_told(flipped((SAMPLES / file).read_bytes(), 25, seed=1))) == 25


def test_noise_ends_in_a_sentence_or_a_table():
    chance = random.Random(2021)
    starts = [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xef\xbb\xbf", b"\xff\xfe", b"<table>", b"<",
              b"\0"]
    results = all_told([start + chance.randbytes(700) for start in starts * 3])
    assert sum(refused for refused, _ in results) >= 20


def test_every_fault_says_how_to_mend_it():
    assert all(any(word in said for word in ("Open", "Copy", "Choose", "Split", "split", "Save", "Delete"))
               for said in FAULTS.values())
    assert sheetlimits.MEMORY <= 1024 * MB
