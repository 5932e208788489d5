"""The other rooms: lists in and out, receipts, certificates, money, papers, reports; each number beside its source."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pytest
from click.testing import CliRunner
from factories import NOW, TIANNING, XIAJIAYING, a_case, a_user, an_upload, arranging, id_number, moved_to, seeing_as, step, walk
from peopled import scan
from screening import Desk, Page, hidden, looking
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from exports import workbook
from models import handing, ranking
from models.audit import AuditEntry
from models.base import db
from models.campaign import Handout, Preparation, the_campaign
from models.case import Case
from models.certificate import attach
from models.document import DRAWN, ORDERED, Bulletin, Document
from models.document import REFUSED as UNDRAWN
from models.imports import ImportRun
from models.ledger import Settlement
from models.money import yuan
from models.outbox import DONE, FAILED, QUEUED, Task
from models.papers import order_documents
from models.roster_columns import BENEFITS, ROSTER
from models.scope import everything, seeing
from models.user import Role, User
from models.words import Message
from portal import drawing, jobs, schedule
from portal.cli import main
from views import handing as handing_screen

SAMPLES = Path(__file__).parent / "samples"
HERE, THERE = f"{TIANNING}001", f"{XIAJIAYING}201"
TOWN, OTHER = f"township-{TIANNING}", f"township-{XIAJIAYING}"


@pytest.fixture
def app(portal):
    return portal


def count(app, what) -> int:
    with looking(app):
        return db.session.scalar(select(func.count()).select_from(what))


def file(content: bytes | Path, name: str = "") -> tuple[io.BytesIO, str]:
    if isinstance(content, Path):
        content, name = content.read_bytes(), name or content.name
    return io.BytesIO(content), name


def named(answer) -> str:
    """The Chinese name a download is saved under."""
    return unquote(re.search(r"filename\*=UTF-8''(\S+)", answer.headers["Content-Disposition"])[1])


def rows_of(answer) -> list[tuple]:
    return list(openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].values)


def table(text: str, number: int = 0) -> list[list[str]]:
    """The cells of a page's table, without tags."""
    body = re.findall(r"<table.*?</table>", text, re.S)[number]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)]
            for row in re.findall(r"<tr.*?</tr>", body, re.S)]


# Lists in

EXPECTED = json.loads((SAMPLES / "roster_messy.expected.json").read_text("utf-8"))
FRESH = sum(row["outcome"] == "new" for row in EXPECTED["outcomes"])
REFUSED = [row for row in EXPECTED["outcomes"] if row["outcome"] == "refused"]


def check(desk: Desk, path: Path = SAMPLES / "roster_messy.xlsx", kind: str = "roster"):
    return desk.post("/admin/roster/check", kind=kind, file=file(path))


def test_a_list_is_checked_then_brought_in(app):
    desk = Desk(app, "county_clerk")
    page = check(desk).text
    assert f"将新增 {FRESH} 人" in page
    assert f"{len(REFUSED)} 行有错误" in page
    assert [row[0] for row in table(page)[1:]] == [str(row["row"]) for row in REFUSED]
    assert not re.search(r"\d{15}", page.replace(hidden(page, "sha256"), "").replace(hidden(page, "csrf_token"), ""))
    assert (count(app, Case), count(app, ImportRun)) == (0, 0)

    result = desk.post("/admin/roster/confirm", sha256=hidden(page, "sha256"))
    assert f"新增 {FRESH} 人" in result.text
    assert (count(app, Case), count(app, ImportRun)) == (FRESH, 1)
    links = [link for link in Page(result.text).links if "/case/details/" in link]
    assert len(links) == FRESH
    assert desk.get(links[0]).status_code == 200


def test_the_same_file_once_more(app):
    desk = Desk(app, "county_clerk")
    sha256 = hidden(check(desk).text, "sha256")
    desk.post("/admin/roster/confirm", sha256=sha256)
    again = desk.post("/admin/roster/confirm", sha256=sha256)
    assert "刚才已经导入" in desk.follow(again).text
    page = check(desk).text
    assert "导入过" in page
    assert f"{FRESH} 人不变" in page
    assert "确认导入" not in page
    assert count(app, ImportRun) == 1


def test_refused_rows_come_back_to_be_mended(app):
    desk = Desk(app, "county_clerk")
    answer = desk.post("/admin/roster/errors", sha256=hidden(check(desk).text, "sha256"))
    assert named(answer) == "roster_messy_错误行.xlsx"
    *rows, _blank, leaving = rows_of(answer)
    assert (len(rows) - 1, rows[0][-1]) == (len(REFUSED), "错误原因")
    assert re.fullmatch(r"导出：.+（county_clerk） 2021-09-19 10:00 用途：改正后重新导入", leaving[0])
    assert all(row[-1] for row in rows[1:])
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    place = next(n for n, title in enumerate(rows[0], 1) if "暂停" in str(title) and "月" in str(title))
    bad = next(n for n, row in enumerate(rows, 1) if row[place - 1] == "202113")
    book.worksheets[0].cell(bad, place).value = "202011"
    mended = io.BytesIO()
    book.save(mended)
    page = desk.post("/admin/roster/check", kind="roster", file=(io.BytesIO(mended.getvalue()), "改.xlsx")).text
    assert str(bad) not in [row[0] for row in table(page)[1:]]


def test_only_what_this_sign_in_uploaded_is_brought_in(app):
    sha256 = hidden(check(Desk(app, "county_clerk")).text, "sha256")
    other = Desk(app, "county_clerk")
    for act in ("confirm", "errors"):
        assert other.post(f"/admin/roster/{act}", sha256=sha256).status_code == 404
        assert other.post(f"/admin/roster/{act}", sha256="../../etc/passwd").status_code == 404
    assert count(app, Case) == 0


def test_what_cannot_be_read_is_one_sentence_and_the_kind_stays(app):
    desk = Desk(app, "county_clerk")
    for content, name, sentence in ((b"", "空.xlsx", "空"), (b"PK\x03\x04 broken", "坏.xlsx", "坏.xlsx"),
                                    ((SAMPLES / "roster_province.xlsx").read_bytes(), "名单.xlsx", "待遇开始年月")):
        page = desk.follow(desk.post("/admin/roster/check", kind="benefits", file=(io.BytesIO(content), name))).text
        assert sentence in re.search(r'class="note late"[^>]*>(.*?)</p>', page)[1]
        assert 'value="benefits" selected' in page
    assert "请先选择文件" in desk.follow(desk.post("/admin/roster/check", kind="roster")).text
    assert "名单种类" in desk.follow(desk.post("/admin/roster/check", kind="nonsense")).text


@pytest.mark.parametrize(("kind", "layout", "name"), [
    ("roster", ROSTER, "暂停人员名单（模板）.xlsx"), ("benefits", BENEFITS, "待遇信息表（模板）.xlsx")])
def test_templates_are_read_as_they_are_and_explained(app, kind, layout, name):
    answer = Desk(app, "county_clerk").get(f"/admin/roster/template/{kind}")
    assert named(answer) == name
    read = workbook.read(answer.data, name, recognises=layout.recognises)
    assert layout.headings(read).titles.keys() == {column.key for column in layout.columns}
    assert list(layout.data_rows(read, layout.headings(read))) == []
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames[1] == "填表说明"
    titles = [cell.value for cell in book.worksheets[0][1]]
    assert book.worksheets[0].column_dimensions[openpyxl.utils.get_column_letter(titles.index("证件号码") + 1)].width > 20
    assert [row[0] for row in list(book["填表说明"].values)[1:]] == titles


def filled(desk: Desk, kind: str, **values: object) -> tuple[io.BytesIO, str]:
    """The template with one row."""
    book = openpyxl.load_workbook(io.BytesIO(desk.get(f"/admin/roster/template/{kind}").data))
    page = book.worksheets[0]
    for cell in page[1]:
        page.cell(2, cell.column).value = values.get(cell.value)
    out = io.BytesIO()
    book.save(out)
    return io.BytesIO(out.getvalue()), "填好.xlsx"


def test_filled_templates_come_in_first_people_then_their_benefits(app):
    desk, number = Desk(app, "county_clerk"), id_number()
    benefits = {"证件号码": number, "姓名": "王秀英", "待遇开始年月": "201004", "缴费年限": "0", "个人账户月标准": "10.00",
                "个人账户余额": "1000", "其中政府补贴": "300"}
    early = desk.post("/admin/roster/check", kind="benefits", file=filled(desk, "benefits", **benefits)).text
    assert "先导入" in early
    for kind, values in (("roster", {"乡镇": "天宁镇", "所在村组": "磁窑村", "证件号码": number, "姓名": "王秀英",
                                     "暂停年月": "202001", "核实分类": "死亡"}), ("benefits", benefits)):
        page = desk.post("/admin/roster/check", kind=kind, file=filled(desk, kind, **values)).text
        assert "将新增 1 人" in page
        desk.post("/admin/roster/confirm", sha256=hidden(page, "sha256"))
    with looking(app):
        case = db.session.scalars(select(Case)).one()
        assert (case.proposed, case.person.benefit.account_balance) == ("deceased", 100_000)


def test_lists_are_the_clerks(app):
    for post in ("county_admin", TOWN):
        desk = Desk(app, post)
        assert [desk.get(f"/admin/roster/{page}").status_code for page in ("", "template/roster")] == [403, 403], post


# Handing out

@pytest.fixture
def people(app) -> list[int]:
    """Three people here, one of them an addition, and one there."""
    with app.app_context():
        return [a_case(HERE).id, a_case(f"{TIANNING}002").id, a_case(HERE, paused_from="2021-08").id, a_case(THERE).id]


@pytest.fixture
def handed(app, people) -> list[int]:
    with looking(app) as now:
        handing.hand_out(the_campaign(), "county_clerk", now)
    return people


def handout(app, code: str) -> int:
    with looking(app):
        return db.session.scalars(select(Handout.id).where(Handout.area_code == code)).one()


def test_the_county_hands_out_once(app, people):
    desk = Desk(app, "county_clerk")
    assert ["天宁镇", "3", "2", "1"] in table(desk.get("/admin/handing/check").text)
    assert "已下发到 8 个乡镇" in desk.follow(desk.post("/admin/handing/out")).text
    assert "已经下发" in desk.follow(desk.post("/admin/handing/out")).text
    row = next(row for row in table(desk.get("/admin/handing/").text) if row[0] == "天宁镇")
    assert (row[2], row[3], row[-1]) == ("3", "未回执", "未交")
    with looking(app):
        assert ranking.on(the_campaign(), NOW.date())[0].stock == 2


def test_receipts_and_handing_on(app, handed):
    desk, own = Desk(app, TOWN), handout(app, TIANNING)
    assert desk.post("/admin/handing/on").status_code == 422
    refused = desk.post("/admin/handing/receipt", handout=own, person=" ")
    assert refused.status_code == 422
    assert f"#person-{own}" in Page(refused.text).links
    assert "回执已登记" in desk.follow(desk.post("/admin/handing/receipt", handout=own, person="刘镇长")).text
    assert "已发放到 2 个村" in desk.follow(desk.post("/admin/handing/on")).text
    village = handout(app, HERE)
    assert "已回 1 个" in desk.follow(desk.post("/admin/handing/receipt", handout=village, person="张代办")).text
    row = next(row for row in table(Desk(app, "county_clerk").get("/admin/handing/").text) if row[0] == "天宁镇")
    assert row[4:6] == ["刘镇长", "1/2"]


def test_no_receipt_for_another_township(app, handed):
    desk, there = Desk(app, TOWN), handout(app, XIAJIAYING)
    missing = desk.post("/admin/handing/receipt", handout=10**9, person="某").data
    assert desk.post("/admin/handing/receipt", handout=there, person="某").data == missing
    assert desk.get(f"/admin/handing/?township={XIAJIAYING}").data == desk.get("/admin/handing/?township=999999999").data
    assert desk.post(f"/admin/handing/villages?township={XIAJIAYING}").status_code == 404
    assert Desk(app, "auditor").post("/admin/handing/receipt", handout=there, person="某").status_code == 403
    assert Desk(app, TOWN).post("/admin/handing/out").status_code == 403


def test_village_lists_to_print(app, handed):
    desk = Desk(app, TOWN)
    desk.post("/admin/handing/receipt", handout=handout(app, TIANNING), person="刘镇长")
    desk.post("/admin/handing/on")
    answer = desk.post(f"/admin/handing/village/{handout(app, HERE)}")
    with looking(app):
        person = db.session.get(Case, handed[0]).person
        name, number = person.name, person.id_number
    assert named(answer).endswith("暂停待遇人员名单.xlsx")
    cells = [cell for row in rows_of(answer) for cell in row]
    assert {name, number[-4:]} <= set(cells)
    assert number not in cells
    assert Desk(app, OTHER).post(f"/admin/handing/village/{handout(app, HERE)}").status_code == 404
    archive = desk.post(f"/admin/handing/villages?township={TIANNING}")
    assert named(archive) == "天宁镇各村暂停待遇人员名单.zip"
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        assert len(opened.namelist()) == 2
        assert all(name.startswith("天宁镇") for name in opened.namelist())


def test_lists_of_very_many_people_are_a_task(app, handed, monkeypatch):
    monkeypatch.setattr(handing_screen, "AT_ONCE", 2)
    desk = Desk(app, TOWN)
    desk.post("/admin/handing/receipt", handout=handout(app, TIANNING), person="刘镇长")
    desk.post("/admin/handing/on")
    there = [desk.post(f"/admin/handing/villages?township={TIANNING}").location for _ in range(2)]
    assert there[0] == there[1]  # a double click orders once
    assert "0/2" in desk.get("/admin/task/").text
    jobs.run_waiting(app)
    page = desk.get(there[0])
    assert ("（100%）" in page.text, f'formaction="{there[0]}/file"' in page.text) == (True, True)
    answer = desk.post(f"{there[0]}/file")
    assert named(answer) == "天宁镇各村暂停待遇人员名单.zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
        book = openpyxl.load_workbook(io.BytesIO(opened.read(opened.namelist()[0])))
    assert f"（{TOWN}）" in [str(row[0]) for row in book.worksheets[0].values if row[0]][-1]
    county = Desk(app, "county_clerk")
    assert "只能由本人下载" in county.get(there[0]).text
    assert county.post(f"{there[0]}/file").status_code == 404
    with looking(app):
        told = [(entry.act, entry.told.get("sha256")) for entry in db.session.scalars(
            select(AuditEntry).where(AuditEntry.act.in_(("order_lists", "village_lists", "export"))).order_by(AuditEntry.id))]
    sha256 = hashlib.sha256(answer.data).hexdigest()
    assert told == [("order_lists", None), ("village_lists", [None, sha256]), ("export", [None, sha256])]


def test_a_plan_needs_its_group_and_a_scan(app, handed):
    desk = Desk(app, TOWN)
    plan = lambda content, name, **more: desk.post("/admin/handing/plan", plan=(io.BytesIO(content), name), **more)
    kept = plan(scan(), "方案.png", leader="", members="王委员")
    assert kept.status_code == 422
    assert 'value="王委员"' in kept.text
    assert plan(b"PK\x03\x04", "方案.docx", leader="刘", members="王").status_code == 422
    assert plan(scan(), "天宁镇方案.pdf", leader="刘镇长", members="王委员").status_code == 302
    with looking(app):
        id = db.session.scalar(select(Preparation.id))
    assert named(Desk(app, "auditor").post(f"/admin/handing/plan/{id}")) == "天宁镇方案.png"  # by what it is
    assert Desk(app, OTHER).post(f"/admin/handing/plan/{id}").status_code == 404
    assert "天宁镇方案.png" in Desk(app, "county_clerk").get("/admin/handing/").text


# Money

@pytest.fixture
def settled(app) -> list[int]:
    """Settlements that wait for review: two here, and one there, computed by who has become a reviewer since."""
    with app.app_context(), everything("test"):
        with arranging():
            moved = a_user(Role.COUNTY_CLERK, username="moved")
        cases = [walk(a_case(village, category="uncertified"), "resume") for village in (HERE, HERE, THERE)]
        for case, by in zip(cases, (None, None, moved), strict=True):
            step(case, "settle", by=by)
        with arranging():
            moved_to(moved, Role.COUNTY_REVIEWER)
        return [case.settlements[0].id for case in cases]


def state(app, id: int) -> str:
    with looking(app):
        return db.session.get(Settlement, id).state


def seen(app, ids: list[int]) -> list[str]:
    with looking(app):
        return [f"{id}:{db.session.get(Settlement, id).version}" for id in ids]


def test_three_people_sign_and_the_forbidden_ones_are_skipped(app, settled):
    with looking(app):
        total = yuan(sum(db.session.get(Settlement, id).back_pay for id in settled[:2]))
    desk = Desk(app, "moved")
    page = desk.post("/admin/settlement/action/", action="review", rowid=settled).text
    assert "2 人将办理，1 人跳过" in page
    assert f"补发合计 {total} 元" in page
    assert "核算人不能复核自己的核算结果" in page
    assert [state(app, id) for id in settled] == ["submitted"] * 3
    rows = re.findall(r'name="row" value="([^"]+)"', page)
    assert len(rows) == 2
    assert "2 人" in desk.post("/admin/settlement/sign", deed="review", stage="apply", row=rows).text
    assert [state(app, id) for id in settled] == ["reviewed", "reviewed", "submitted"]

    approver = Desk(app, "county_approver")
    page = approver.post("/admin/settlement/action/", action="approve", rowid=settled).text
    assert len(re.findall(r'name="row"', page)) == 2
    approver.post("/admin/settlement/sign", deed="approve", stage="apply", row=re.findall(r'name="row" value="([^"]+)"', page))
    assert [state(app, id) for id in settled] == ["approved", "approved", "submitted"]


def test_what_changed_since_the_check_is_skipped(app, settled):
    rows = seen(app, settled[:1])
    Desk(app, "county_reviewer").post("/admin/settlement/sign", deed="return", stage="apply", why="金额不对", row=rows)
    assert state(app, settled[0]) == "returned"
    page = Desk(app, "county_reviewer").post("/admin/settlement/sign", deed="review", stage="apply", row=rows).text
    assert "重新查看" in page
    assert state(app, settled[0]) == "returned"


def test_a_return_needs_a_reason(app, settled):
    desk, rows = Desk(app, "county_reviewer"), seen(app, settled[:1])
    refused = desk.post("/admin/settlement/sign", deed="return", stage="apply", row=rows)
    assert (refused.status_code, state(app, settled[0])) == (422, "submitted")
    assert "#why" in Page(refused.text).links
    page = desk.follow(desk.post("/admin/settlement/sign", deed="return", stage="apply", row=rows, why="利率不对")).text
    assert "利率不对" in page


def test_nobody_signs_beyond_the_post(app, settled):
    rows = seen(app, settled)
    for post, deed, status in (("county_clerk", "review", 403), ("moved", "approve", 403), ("auditor", "return", 403),
                               (TOWN, "review", 403)):
        assert Desk(app, post).post("/admin/settlement/sign", deed=deed, stage="apply", row=rows).status_code == status, post
    assert [state(app, id) for id in settled] == ["submitted"] * 3


def test_the_worksheet_adds_up_and_says_why(app, settled):
    page = Desk(app, "county_approver").get(f"/admin/settlement/details/?id={settled[0]}").text
    with looking(app):
        settlement = db.session.get(Settlement, settled[0])
        back_pay, lines = settlement.back_pay, len(settlement.lines)
    months = next(found for number in range(9) if (found := table(page, number))[0][0] == "月份")
    assert len(months) - 1 == lines
    assert sum(round(float(row[-2]) * 100) for row in months[1:]) == back_pay
    assert yuan(back_pay) in page
    assert "重新核算，结果一致" in page
    assert "已补办资格认证" in page


def test_tabs_count_what_they_list_and_refunds_due_are_found(app, settled):
    drawn = {"alive": "yes", "impostor_from": "2019-10", "impostor_to": "2019-12"}
    with app.app_context(), everything("test"):
        due = walk(a_case(HERE, category="impostor"), "approve", **drawn)
        assert due.settlements[0].still_to_refund > 0
        paid = walk(a_case(HERE, category="impostor"), "refund", **drawn)
        due_id, paid_id = due.settlements[0].id, paid.settlements[0].id
    desk = Desk(app, "county_reviewer")
    listed = lambda query: set(re.findall(r"settlement/details/\?id=(\d+)", desk.get(f"/admin/settlement/?{query}").text))
    assert listed("flt0_refund=due") == {str(due_id)}
    assert listed("flt0_state=submitted") == listed("flt0_waits=me") == {str(id) for id in settled}
    assert str(paid_id) in listed("flt0_state=approved")
    assert len(listed(f"flt0_township={XIAJIAYING}")) == 1
    link = re.search(r'<a href="/admin/settlement/".*?</a>', desk.get("/admin/").text, re.S)[0]
    assert re.findall(r">(\d+)</span>", link) == ["3"]
    sheet = desk.post("/admin/settlement/export")
    assert named(sheet).endswith(".xlsx")
    assert len(rows_of(sheet)) >= 5


# What is elsewhere

def test_elsewhere_and_missing_are_the_same_in_every_room(app, settled):
    with app.app_context(), everything("test"):
        other = a_case(THERE, category="uncertified")
        with arranging() as now:
            certificate = attach(other, an_upload("other"), OTHER, now)
        certificate_id = certificate.id
        with looking_as(OTHER) as user:
            task = order_documents([db.session.get(Case, other.id)], "certification", user, NOW)
            db.session.commit()
            task_id = task.id
        with arranging():
            document_id = db.session.scalar(select(Document.id).where(Document.task_id == task_id))
    desk = Desk(app, TOWN)
    for url, id in (("/admin/settlement/details/?id={}", settled[2]), ("/admin/document/details/?id={}", document_id),
                    ("/admin/document/{}/download", document_id), ("/admin/certificate/details/?id={}", certificate_id),
                    ("/admin/certificate/{}/download", certificate_id),
                    ("/admin/task/{}", task_id), ("/admin/task/{}/zip", task_id), ("/admin/task/details/?id={}", task_id)):
        send = desk.post if url.endswith(("download", "zip")) else desk.get
        answers = [send(url.format(given)) for given in (id, 10**9)]
        assert {(answer.status_code, answer.data) for answer in answers} == {(404, answers[0].data)}, url
    for room in ("certificate", "document", "task"):
        assert "夏家营镇" not in desk.get(f"/admin/{room}/").text
    assert desk.get("/admin/settlement/").status_code == 403
    assert "夏家营镇" in Desk(app, "county_clerk").get("/admin/document/").text


@contextmanager
def looking_as(username: str):
    with everything("test"):
        user = db.session.scalars(select(User).where(User.username == username)).one()
    with seeing_as(user):
        yield user


def test_malformed_addresses_are_refused(app, settled):
    desk = Desk(app, "county_clerk")
    queries = ("page=-1", "page=x", "sort=99", "page_size=100000000", "flt0_township=%00", "flt0_kind=nope", "search=%00%ff",
               "flt9999999_state=x", "endpoint=x&_method=y", "flt0_state=x&flt0_refund=1")
    for room in ("roster", "certificate", "settlement", "document", "task"):
        assert [query for query in queries if desk.get(f"/admin/{room}/?{query}").status_code != 400] == [], room


# Papers and their tasks

@pytest.fixture
def ordered(app) -> int:
    """A task of three papers, ordered by the township."""
    with app.app_context():
        ids = [a_case(HERE, category="uncertified", name=name).id for name in ("王桂兰", "李福生", "陈二货")]
        with looking_as(TOWN) as user:
            task = order_documents([db.session.get(Case, id) for id in ids], "certification", user, NOW)
            db.session.commit()
            return task.id


REFRESH = '<meta http-equiv="refresh" content="2">'


def test_a_task_is_followed_to_its_papers(app, ordered):
    desk, url = Desk(app, TOWN), f"/admin/task/{ordered}"
    page = desk.get(url).text
    assert REFRESH in page
    assert "0/3" in page
    with looking(app):
        task = db.session.get(Task, ordered)
        task.state, task.finished = "running", 1
    page = desk.get(url).text
    assert REFRESH in page
    assert "1/3" in page
    assert "大约还要" in page
    with looking(app):
        task = db.session.get(Task, ordered)
        task.state, task.finished = QUEUED, 0
    jobs.run_waiting(app)
    page = desk.get(url).text
    assert REFRESH not in page
    assert "3/3" in page
    link = re.search(r'formaction="(/admin/document/\d+/download)"', page)[1]
    paper = desk.post(link)
    assert named(paper) == "天宁镇-王桂兰-认证告知书.pdf"
    assert paper.data.startswith(b"%PDF-")
    archive = desk.post(f"{url}/zip")
    assert named(archive) == f"文书_2021-09-19_任务{ordered}.zip"
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        assert sorted(opened.namelist()) == sorted(f"天宁镇-{name}-认证告知书.pdf" for name in ("王桂兰", "李福生", "陈二货"))
    with looking(app):
        fetched = select(AuditEntry.actor, AuditEntry.subject).where(AuditEntry.act == "download").order_by(AuditEntry.id)
        acts = db.session.execute(fetched).all()
    assert acts == [(TOWN, "document"), (TOWN, "task")]
    ticked = desk.post("/admin/document/action/", action="zip", all="1")
    assert named(ticked) == "文书_2021-09-19.zip"


def test_what_failed_says_so_and_is_ordered_again_with_its_facts(app, ordered):
    with looking(app):
        task, error = db.session.get(Task, ordered), Message(jobs.FAILED, {"reference": "1a2b3c4d"})
        task.state, task.error = FAILED, drawing.as_json(error)
        while drawing.give_up(ordered, error):  # one paper after the other
            pass
    desk = Desk(app, TOWN)
    page = desk.get(f"/admin/task/{ordered}").text
    assert REFRESH not in page
    assert "1a2b3c4d" in page
    assert desk.get("/admin/document/?flt0_state=refused").text.count("1a2b3c4d") == 3
    assert Desk(app, "auditor").post(f"/admin/task/{ordered}/again").status_code == 403
    answer = desk.post(f"/admin/task/{ordered}/again")
    assert answer.location != f"/admin/task/{ordered}"
    assert "0/3" in desk.follow(answer).text
    assert desk.post(f"/admin/task/{ordered}/again").status_code == 422
    with looking(app):
        assert set(db.session.scalars(select(Document.state))) == {ORDERED}


# Reports

@pytest.fixture
def worked(app, handed) -> None:
    """A history: one cleared here ten days ago, one verified there yesterday."""
    with app.app_context(), everything("test"):
        with arranging():
            the_campaign().handed_out_at = NOW.replace(day=5)
            for case in db.session.scalars(select(Case)):
                case.listed_at = NOW.replace(day=4)
        here, there = db.session.get(Case, handed[0]), db.session.get(Case, handed[3])
        walk(step(here, "establish", "2021-09-08", category="no_card"), at="2021-09-09")
        step(there, "establish", "2021-09-18", category="uncertified")


def test_the_ranking_is_the_command_s(app, database, tmp_path, worked):
    for day in ("2021-09-19", "2021-09-10"):
        env = {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": database, "PORTAL_NOW": NOW.isoformat()}
        document = json.loads(CliRunner().invoke(main, ["ranking", "--as-of", day, "--json"], env=env).stdout)
        for post in ("county_clerk", TOWN):
            page = Desk(app, post).get(f"/admin/ranking/?day={day}").text
            told = [[row[0], row[2], *row[3:]] for row in table(page)[1:-1]]
            rate = lambda text: f"{text}%" if text is not None else "—"
            assert told == [[str(row["rank"] or "—"), row["name"], str(row["stock"]), str(row["verified"]),
                             rate(row["verified_rate"]), str(row["cleared"]), rate(row["cleared_rate"]),
                             str(row["outstanding"]), str(row["overdue"]), str(row["added"])] for row in document["rows"]]
            total = table(page)[-1]
            assert total[3:5] == [str(document["total"]["stock"]), str(document["total"]["verified"])]


def test_numbers_lead_to_lists_of_that_length_only_in_one_s_area(app, worked):
    for post, place in (("county_clerk", "天宁镇"), (TOWN, "天宁镇")):
        desk = Desk(app, post)
        body = desk.get("/admin/ranking/").text
        for row in re.findall(r"<tr.*?</tr>", body.split("<tbody>")[1].split("</tbody>")[0], re.S):
            links = re.findall(r'<a href="([^"]+)">(\d+)</a>', row)
            assert links or post == TOWN or ">0<" in row
            assert place in row or post != TOWN or not links
            for url, number in links:
                assert f"共 {number} 条" in desk.get(url.replace("&amp;", "&")).text, url
    assert "<a href=\"/admin/case" not in Desk(app, "county_clerk").get("/admin/ranking/?day=2021-09-18").text.split("<tbody>")[1]


def test_days_to_come_and_nonsense_are_refused_in_a_sentence(app, worked):
    desk = Desk(app, TOWN)
    for day in ("2021-09-20", "x", "2021-13-01"):
        answer = desk.get(f"/admin/ranking/?day={day}")
        assert answer.status_code == 422
        assert "#day" in Page(answer.text).links


def test_a_report_is_issued_once_and_read_by_everybody(app, worked):
    desk = Desk(app, "county_clerk")
    assert Desk(app, TOWN).post("/admin/ranking/issue", day="2021-09-18").status_code == 403
    assert desk.post("/admin/ranking/issue", day="2021-09-02").status_code == 422
    ordered = desk.post("/admin/ranking/issue", day="2021-09-18")
    assert desk.post("/admin/ranking/issue", day="2021-09-18").location == ordered.location
    assert REFRESH in desk.follow(ordered).text
    jobs.run_waiting(app)
    assert "2021-09-18.pdf" in desk.follow(ordered).text
    with looking(app):
        bulletin = db.session.scalars(select(Bulletin)).one()
        assert bulletin.state == DRAWN
        assert db.session.get(Task, bulletin.task_id).state == DONE
        id, name = bulletin.id, bulletin.file_name
    paper = Desk(app, TOWN).post(f"/admin/ranking/bulletin/{id}")
    assert (named(paper), paper.data[:5]) == (name, b"%PDF-")
    assert Desk(app, TOWN).post("/admin/ranking/bulletin/999").status_code == 404


def test_a_report_that_the_machine_could_not_draw_is_ordered_again_from_the_list_of_reports(app, worked):
    """The week's own, ordered by nobody, as when a font was missing that has been installed since."""
    (id,) = schedule.look(app)
    with looking(app):
        bulletin = db.session.get(Bulletin, id)
        bulletin.state, bulletin.error = UNDRAWN, drawing.as_json(Message(jobs.FAILED, {"reference": "1a2b3c4d"}))
        first = db.session.get(Task, bulletin.task_id)
        first.state, facts = DONE, bulletin.facts
        first = first.id
    assert f'href="/admin/task/{first}"' not in Desk(app, TOWN).get("/admin/ranking/").text
    for post in ("county_clerk", "county_admin"):
        assert f'href="/admin/task/{first}"' in Desk(app, post).get("/admin/ranking/").text
        assert f"/admin/task/{first}/again" in Desk(app, post).get(f"/admin/task/{first}").text
    desk = Desk(app, "county_admin")
    desk.get(f"/admin/task/{first}")
    desk.follow(desk.post(f"/admin/task/{first}/again"))
    jobs.run_waiting(app)
    with looking(app):
        bulletin = db.session.get(Bulletin, id)
        assert (bulletin.state, bulletin.facts, bulletin.error) == (DRAWN, facts, None)


def test_the_workbook_of_a_day(app, worked):
    answer = Desk(app, TOWN).post("/admin/ranking/workbook?day=2021-09-18")
    assert named(answer) == "交城县各乡镇排名_2021-09-18.xlsx"
    with looking(app), seeing("141122"):
        told = ranking.standings(the_campaign(), NOW.date().replace(day=18))
    names = [row[1] for row in rows_of(answer) if row[1] in {row["name"] for row in told["rows"]}]
    assert names == [row["name"] for row in told["rows"]]


def test_uploads_through_a_form_are_files(app):
    """What a browser sends without a file chosen is no file."""
    desk = Desk(app, "county_clerk")
    answer = desk.post("/admin/roster/check", kind="roster", file=FileStorage(io.BytesIO(b""), filename=""))
    assert "请先选择文件" in desk.follow(answer).text
