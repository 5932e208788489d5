"""Masking (S9): one mask, and nothing beside a tail that tells the rest of the number; whole numbers, counted."""

from __future__ import annotations

import ast
import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from factories import REGIONS, TIANNING, a_case, arranging, id_number, step, walk
from peopled import furnish
from screening import Desk, Page, looking
from sqlalchemy import select
from stdnum.cn.ric import calc_check_digit
from tally import tell
from test_architecture import ROOT, modules, name

from exports import notices, sheets
from exports.villagelists import village_list
from models import idnumber
from models.area import Names
from models.audit import AuditEntry
from models.base import db
from models.campaign import the_campaign
from models.case import Case, Person
from models.numberview import MOST, NumberView
from models.papers import WITH_NUMBER, paper_facts
from models.scope import seeing

HERE, TOWN = f"{TIANNING}001", f"township-{TIANNING}"
OLDEST, YOUNGEST = date(1930, 1, 1), date(1961, 12, 31)
DAYS = [OLDEST + timedelta(days=n) for n in range((YOUNGEST - OLDEST).days + 1)]
ENOUGH = 1_000


def births(number: str) -> list[date]:
    """The birth dates that fit what a tail shows, with the region known: where the check digit comes out right."""
    region, tail = number[:6], idnumber.tail(number)
    return [day for day in DAYS if calc_check_digit(f"{region}{day:%Y%m%d}{tail[:3]}0") == tail[3]]


def candidates(number: str, shown: str) -> int:
    """How many ID numbers fit a tail and all that is *shown* beside it. The sex is in the tail already."""
    born, fitting = idnumber.birth_date(number), births(number)
    if any(form in shown for form in (born.isoformat(), f"{born:%Y%m%d}", f"{born:%Y/%m/%d}", f"{born:%Y.%m.%d}",
                                      f"{born.year}年{born.month}月{born.day}日")):
        return sum(day == born for day in fitting)
    if any(form in shown for form in (f"{born:%Y-%m}", f"{born:%Y%m}", f"{born.year}年{born.month}月")):
        return sum((day.year, day.month) == (born.year, born.month) for day in fitting)
    ages = {2021 - born.year, 2020 - born.year}
    if str(born.year) in re.findall(r"\d+", shown) or any(f"{age}岁" in shown for age in ages):
        return sum(day.year == born.year for day in fitting)
    return len(fitting)


@pytest.mark.parametrize(("shown", "fewest", "most"), [
    ("王桂兰 女 ••••", 1_000, 1_100), ("1943年", 20, 45), ("78岁", 20, 45), ("1943-05", 1, 8), ("1943年5月", 1, 8),
    ("1943-05-17", 1, 1), ("19430517", 1, 1), ("1943年5月17日", 1, 1)])
def test_the_count_knows_what_gives_a_number_away(shown, fewest, most):
    assert fewest <= candidates(id_number(date(1943, 5, 17)), shown) <= most


def test_the_sex_beside_a_tail_tells_nothing_new():
    """Both sexes of one tail cannot be: its third digit is the sex, whatever the birth date."""
    for region in REGIONS:
        for sequence in ("000", "123", "998", "999"):
            number = f"{region}19430517{sequence}"
            number += calc_check_digit(number + "0")
            sexes = {idnumber.sex(f"{region}{day:%Y%m%d}{idnumber.tail(number)}") for day in births(number)}
            assert len(sexes) == 1


# Pages, sheets, papers

@pytest.fixture
def app(portal):
    return portal


BORN = [date(1943, 5, 17), date(1938, 11, 3), date(1947, 2, 9), date(1934, 8, 24)]


@pytest.fixture
def people(app) -> list[str]:
    """Numbers of people of odd birth dates, whose cases stand at different places."""
    with app.app_context():
        furnish(app.config["PORTAL"].data_dir)
        with seeing("141122"):
            a_case(HERE, name="钱某甲", born=BORN[0])
            a_case(HERE, category="deceased", name="钱某乙", born=BORN[1], sex="男")
            walk(a_case(HERE, category="impostor", name="钱某丙", born=BORN[2]), "approve",
                 alive="yes", impostor_from="2019-10", impostor_to="2019-12")
            step(walk(a_case(HERE, category="uncertified", name="钱某丁", born=BORN[3]), "resume"), "settle")
        with arranging():
            return list(db.session.scalars(select(Person.id_number).where(Person.name.startswith("钱某"))))


def fewest(numbers: list[str], shown: str) -> list[int]:
    """The candidates of everybody whose tail stands in what is shown; a whole number counts as one."""
    return [0 if number in shown else candidates(number, shown) for number in numbers
            if re.search(rf"(?<![\dX]){idnumber.tail(number)}(?![\dX])", shown)]


def text_of(page: str) -> str:
    """What a page shows, and what it says to those who do not see it; its day and its addresses are no facts of anybody."""
    bare = re.sub(r'(?:href|action|formaction|placeholder|value|max|src|content)="[^"]*"', "", page)
    return re.sub(r"\s+", " ", bare)


@pytest.mark.parametrize("post", ["county_admin", "county_clerk", "county_reviewer", "auditor", TOWN])
def test_no_page_narrows_a_tail(app, people, post):
    desk, seen, ahead, counts = Desk(app, post), set(), ["/admin/"], []
    with looking(app):
        ahead += [f"/admin/case/details/?id={id}" for id in db.session.scalars(
            select(Case.id).join(Person).where(Person.id_number.in_(people)))]
    while ahead and len(seen) < 60:
        url = ahead.pop(0)
        if url in seen or not url.startswith("/admin/") or "sort=" in url or "page_size=" in url:
            continue
        seen.add(url)
        answer = desk.get(url)
        if answer.status_code == 200:
            found = fewest(people, text_of(answer.text))
            assert all(count >= ENOUGH for count in found), (url, found)
            counts += found
            ahead += Page(answer.text).links
    assert len(counts) >= 8
    tell(f"S9, {post}: {len(seen)} pages, {len(counts)} tails shown, fewest candidates {min(counts)}")


def rows_of(book: bytes) -> list[str]:
    return [" ".join(str(cell) for cell in row if cell is not None)
            for page in openpyxl.load_workbook(io.BytesIO(book)) for row in page.iter_rows(values_only=True)]


def test_no_sheet_narrows_a_tail(app, people):
    counts = []
    with app.app_context(), seeing("141122"):
        of, now = the_campaign(), datetime(2021, 9, 19, 10, tzinfo=UTC)
        books = [sheets.build(key, of, now, str) for key in sheets.SHEETS if key != sheets.WHOLE]
        for book in [*books, village_list(of, HERE, Names(), "导出：")]:
            for row in rows_of(book):
                counts += fewest(people, row)
        whole = [row for row in rows_of(sheets.build(sheets.WHOLE, of, now, str)) if any(n in row for n in people)]
    assert len(whole) == len(people)
    assert len(counts) >= 8
    assert min(counts) >= ENOUGH
    tell(f"S9, sheets: {len(counts)} tails shown, fewest candidates {min(counts)}")


@pytest.mark.parametrize("kind", notices.NOTICES)
def test_papers_show_the_tail_or_are_marked(app, kind):
    facts = notices.example(kind)
    shown = re.sub(r"<[^>]+>", " ", notices.get(kind).html(facts))
    number = facts["person"]["id_number"]
    assert (number in shown) is (kind in WITH_NUMBER)
    if kind not in WITH_NUMBER:
        assert idnumber.tail(number) in shown
        assert candidates(number, shown) >= ENOUGH


def test_a_paper_of_a_case_shows_no_more_than_its_example(app, people):
    with app.app_context(), seeing("141122"):
        case = db.session.scalars(select(Case).join(Person).where(Person.name == "钱某丁")).one()
        facts = paper_facts(case, "certification", date(2021, 9, 19), Names())
        shown = re.sub(r"<[^>]+>", " ", notices.get("certification").html(facts))
        assert fewest(people, shown) == [candidates(case.person.id_number, "")]


def test_no_entry_of_the_trail_narrows_a_tail(app, people):
    with looking(app):
        entries = [str(told) for told in db.session.execute(select(AuditEntry.changes, AuditEntry.rows))]
    found = [count for entry in entries for count in fewest(people, entry)]
    assert len(found) >= len(people)
    assert min(found) >= ENOUGH


# One mask

NUMBERS = {"id_number", "phone", "bank_account", "number", "masked_id", "id_tail"}


def slices(source: str) -> list[int]:
    """Lines that cut a piece out of something called a number, or build dots for one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            called = getattr(node.value, "attr", getattr(node.value, "id", ""))
            key = getattr(getattr(node.value, "slice", None), "value", "")
            if called in NUMBERS or key in NUMBERS:
                found.append(node.lineno)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and getattr(node.left, "value", "") in ("•", "*"):
            found.append(node.lineno)
    return found


def test_nobody_else_masks():
    # The trail hides numbers that stand in some text, and the ID number's own module takes it apart.
    own = {"models/idnumber.py", "models/folding.py"}
    assert {name(path): slices(path.read_text("utf-8")) for path in modules()
            if name(path) not in own and slices(path.read_text("utf-8"))} == {}
    templates = [path for path in (ROOT / "templates").rglob("*.html") if re.search(
        r"(?:id_number|phone|masked_id|number)\s*\[|•|\|\s*(?:truncate|replace)", path.read_text("utf-8"))]
    assert {path.name for path in templates} <= {"list.html"}  # which makes a class of a column's name


@pytest.mark.parametrize(("source", "found"), [
    ("p.id_number[-4:]", 1), ("values['id_number'][-4:]", 1), ("'•' * 4", 1), ("p.masked_id[-8:]", 1), ("names[:4]", 0)])
def test_the_search_for_masks_finds_them(source, found):
    assert len(slices(source)) == found


# The whole number

def test_a_whole_number_needs_a_reason_and_shows_the_birth_date(app, people):
    with looking(app):
        id, number = db.session.execute(select(Case.id, Person.id_number).join(Person).where(Person.name == "钱某甲")).one()
    desk = Desk(app, TOWN)
    assert desk.post(f"/admin/case/{id}/number", why=" ").status_code == 422
    page = desk.post(f"/admin/case/{id}/number", why="核对证件").text
    assert number in page
    assert "1943-05-17" in page
    with looking(app):
        entries = db.session.execute(select(AuditEntry.actor, AuditEntry.case_id, AuditEntry.why)
                                     .where(AuditEntry.act == "see_number")).all()
    assert entries == [(TOWN, id, "核对证件")]


def test_fifty_whole_numbers_an_hour_and_each_person_for_themselves(app, people):
    with looking(app):
        id = db.session.scalar(select(Case.id).join(Person).where(Person.name == "钱某甲"))
        start = datetime.now(UTC) - timedelta(minutes=50)
        db.session.add_all(NumberView(username=TOWN, area_code=TIANNING, seen_at=start) for _ in range(MOST - 1))
        db.session.add(NumberView(username=TOWN, area_code=TIANNING, seen_at=start - timedelta(minutes=30)))
    desk = Desk(app, TOWN)
    assert desk.post(f"/admin/case/{id}/number", why="核对").status_code == 200
    refused = desk.post(f"/admin/case/{id}/number", why="核对")
    assert refused.status_code == 422
    assert re.search(r"一小时内已查看 50 个完整身份证号：(9|10) 分钟后才能再看", refused.text)
    assert Desk(app, "auditor").post(f"/admin/case/{id}/number", why="核对").status_code == 200
    with looking(app):
        for view in db.session.scalars(select(NumberView).where(NumberView.username == TOWN)):
            view.seen_at -= timedelta(minutes=11)
    assert desk.post(f"/admin/case/{id}/number", why="核对").status_code == 200
    with looking(app):
        assert len(db.session.scalars(select(NumberView).where(NumberView.username == TOWN)).all()) == 2


def test_unpacked_archives_are_masked_too(app, people):
    answer = Desk(app, TOWN).post(f"/admin/handing/villages?township={TIANNING}")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        found = [count for entry in archive.namelist() for row in rows_of(archive.read(entry)) for count in fewest(people, row)]
    assert len(found) == len(people)
    assert min(found) >= ENOUGH
