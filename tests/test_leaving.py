"""What leaves and how it is looked for: no number in an address, whole numbers for a reason, many by two persons."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from factories import NOW, TIANNING, XIAJIAYING, a_case, arranging, moved_to, seeing_as
from phones import entered, the_user, with_phone
from screening import Desk, hidden, looking
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from exports import sheets
from models import leaving, seek
from models.audit import AuditEntry
from models.base import db
from models.campaign import the_campaign
from models.case import Case, Person
from models.document import DRAWN, Document
from models.leaving import ExportRequest
from models.outbox import DONE, Task
from models.scope import everything
from models.seek import Seek
from models.user import User
from models.words import Refusal

HERE, TOWN = f"{TIANNING}001", f"township-{TIANNING}"


@pytest.fixture
def app(portal):
    return portal


def entries(app, act: str) -> list[tuple]:
    """(actor, subject, details) of an act."""
    with looking(app):
        found = db.session.scalars(select(AuditEntry).where(AuditEntry.act == act).order_by(AuditEntry.id)).all()
        why = lambda entry: {"why": entry.why} if entry.why else {}
        return [(entry.actor, entry.subject, {name: after for name, (_before, after) in entry.changes.items()} | why(entry))
                for entry in found]


def rows_of(answer) -> list[tuple]:
    return list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)


# Searching

@pytest.fixture
def person(app) -> tuple[str, str]:
    """A number and a name."""
    with app.app_context():
        case = a_case(HERE, name="王桂兰")
        a_case(f"{XIAJIAYING}201", name="李福生")
        with arranging():
            return db.session.execute(select(Person.id_number, Person.name).where(Person.id == case.person_id)).one()


def test_no_address_carries_what_was_searched(app, person):
    number, name = person
    for post, room in (("county_clerk", "case"), (TOWN, "case"), ("county_clerk", "document"), ("county_reviewer", "settlement")):
        desk = Desk(app, post)
        for typed in (number, f" {number[:6]} {number[6:]} ", number[-4:], name, "wangguilan", "13900001234"):
            answer = desk.post("/admin/find/", room=room, search=typed, flt0_township=TIANNING, evil="x")
            asked = parse_qs(urlsplit(answer.location).query)
            assert set(asked) == {"seek", "flt0_township"}
            assert re.fullmatch(r"[\w-]{16}", asked["seek"][0])
            page = desk.get(answer.location)
            assert page.status_code == 200
            assert f'value="{typed.strip()}"' in page.text
            links = re.findall(r'(?:href|action|formaction)="([^"]*)"', page.text)
            assert not [link for link in links if number in link or name in link or typed.strip() in link]


def test_a_search_goes_on_with_sort_page_and_ticks(app, person):
    desk = Desk(app, "county_clerk")
    page = desk.find("case", person[1])
    assert [person[1] in page.text, "李福生" in page.text] == [True, False]
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/case/\?[^"]*)"', page.text) if "seek=" in link]
    assert links
    for link in links:
        assert "李福生" not in desk.get(link).text
    action = re.search(r'action="(/admin/case/action/[^"]*)"', page.text)[1].replace("&amp;", "&")
    assert "李福生" not in desk.post(action, action="accept", all="1").text


def test_a_ticket_is_its_owners_for_eight_hours(app, person):
    clerk, other = Desk(app, "county_clerk"), Desk(app, "county_reviewer")
    url = clerk.post("/admin/find/", room="case", search=person[1]).location
    assert clerk.get(url).status_code == 200
    missing = other.get("/admin/case/?seek=AAAAAAAAAAAAAAAA").data
    assert (other.get(url).status_code, other.get(url).data) == (404, missing)
    for odd in ("", "x" * 500, "'"):
        assert other.get(f"/admin/case/?seek={odd}").status_code == 404
    assert clerk.post("/admin/find/", room="case", search=person[1]).location == url
    with looking(app):
        db.session.scalars(select(Seek)).one().kept_at -= seek.LASTS
    assert clerk.get(url).status_code == 404
    assert clerk.post("/admin/find/", room="case", search=person[1]).location != url
    with looking(app):
        assert len(db.session.scalars(select(Seek)).all()) == 1


def test_no_link_may_carry_a_number(app, person):
    number, _name = person
    desk = Desk(app, "county_clerk")
    wide = number.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    for room in ("case", "certificate", "document", "settlement", "village"):
        for typed in (number, number[:15], f"{number[:6]} {number[6:]}", wide, "13900001234", "王" + number):
            assert desk.get(f"/admin/{room}/", query_string={"search": typed}).status_code == 400, (room, typed)
        assert desk.get(f"/admin/{room}/", query_string={"search": "王"}).status_code == 200
    assert desk.post("/admin/find/", room="nowhere", search="王").status_code == 404
    assert desk.get("/admin/find/").status_code == 405


# Downloads

def test_every_address_that_leaves_a_line_is_a_form(app):
    fetched = {"document.download", "certificate.download", "task.zip", "ranking.workbook", "ranking.download", "roster.errors",
               "settlement.export_sheet", "handing.export", "handing.village", "handing.villages", "handing.plan_file",
               "leaving.take", "leaving.fetch"}
    methods = {rule.endpoint: rule.methods - {"OPTIONS"} for rule in app.url_map.iter_rules() if rule.endpoint in fetched}
    assert methods == {endpoint: {"POST"} for endpoint in fetched}
    assert Desk(app, "county_clerk").get("/admin/settlement/export").status_code == 405


def test_the_entry_holds_the_checksum_of_what_left(app):
    desk = Desk(app, "county_clerk")
    for url in ("/admin/settlement/export", "/admin/handing/export", "/admin/ranking/workbook?day=2021-09-19"):
        answer = desk.post(url)
        told = entries(app, "export")[-1]
        assert told[2]["sha256"] == hashlib.sha256(answer.data).hexdigest()
        last = [cell for row in rows_of(answer) for cell in row if cell][-1]
        assert re.fullmatch(r"导出：张lerk（county_clerk） 2021-09-19 10:00 用途：.+", last)
        page = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        assert "county_clerk" in page.oddFooter.left.text
    assert len(entries(app, "export")) == 3
    assert desk.get("/admin/roster/template/roster").status_code == 200
    assert len(entries(app, "export")) == 3


# Papers

@pytest.fixture
def papers(app) -> dict[str, int]:
    """A drawn paper of each kind, in one task."""
    with app.app_context():
        cases = [a_case(HERE, name=f"王{n}") for n in range(3)]
        with arranging() as now:
            put = app.extensions["store"].put
            task = Task(kind="documents", args={}, area_code=TIANNING, ordered_by=TOWN, state=DONE, total=3, finished=3,
                        created_at=now, ended_at=now)
            db.session.add(task)
            db.session.flush()
            for kind, case in zip(("certification", "back_pay", "sealing"), cases, strict=True):
                db.session.add(Document(case_id=case.id, area_code=HERE, task_id=task.id, kind=kind, facts={}, state=DRAWN,
                                        file_name=f"{kind}.pdf", ordered_by=TOWN, ordered_at=now, sha256=put(kind.encode())))
            db.session.flush()
            return {"task": task.id} | {kind: id for kind, id in db.session.execute(select(Document.kind, Document.id))}


def test_a_paper_with_the_tail_only_is_fetched_at_once(app, papers):
    answer = Desk(app, TOWN).post(f"/admin/document/{papers['certification']}/download")
    assert answer.data == b"certification"
    assert entries(app, "download") == [(TOWN, "document", {
        "file": "certification.pdf", "sha256": hashlib.sha256(b"certification").hexdigest()})]


def test_a_paper_with_the_whole_number_asks_for_a_reason(app, papers):
    desk, url = Desk(app, TOWN), f"/admin/document/{papers['back_pay']}/download"
    page = desk.post(url)
    assert page.status_code == 200
    assert "1 人的完整身份证号" in page.text
    assert desk.post(url, reason="").status_code == 422
    assert desk.post(url, reason="fun").status_code == 422
    refused = desk.post(url, reason="other", words=" ")
    assert refused.status_code == 422
    assert 'href="#words"' in refused.text
    assert entries(app, "download") == []
    assert desk.post(url, reason="serve", words="本人来领").data == b"back_pay"
    assert [told[2] for told in entries(app, "download")] == [{
        "file": "back_pay.pdf", "sha256": hashlib.sha256(b"back_pay").hexdigest(), "why": "送达本人：本人来领", "people": 1}]


def test_an_archive_with_whole_numbers_asks_once_and_counts_people(app, papers):
    desk = Desk(app, TOWN)
    for url, form in ((f"/admin/task/{papers['task']}/zip", {}), ("/admin/document/action/", {"action": "zip", "all": "1"})):
        page = desk.post(url, form)
        assert "2 人的完整身份证号" in page.text
        kept = {name: hidden(page.text, name) for name in form}
        assert kept == form
        assert desk.post(url, form, reason="file").data[:2] == b"PK"
    assert [(told[1], told[2]["people"], told[2]["papers"], told[2]["why"]) for told in entries(app, "download")] == [
        ("task", 2, 3, "存档"), ("document", 2, 3, "存档")]


def test_papers_of_more_than_five_hundred_are_refused(app):
    leaving.refuse_many(500)
    with pytest.raises(Refusal, match="501 people"):
        leaving.refuse_many(501)


# The list with whole numbers

def crowd(app, n: int) -> None:
    with app.app_context():
        a_case(HERE, name="王桂兰")
        with arranging():
            campaign = the_campaign()
            for number in range(n - 1):
                front = f"142320{1930 + number % 30}0101{number:03d}"
                one = Person(id_number=front + "0", id_tail="0000", name=f"人{number}", name_key="ren", sex="男", born=NOW.date())
                db.session.add(Case(campaign=campaign, person=one, area_code=HERE, paused_from="2020-01", listed_at=NOW))


def test_a_short_list_leaves_for_a_reason(app):
    crowd(app, 3)
    desk = Desk(app, "county_clerk")
    assert desk.post("/admin/leaving/take", place="141122", reason="").status_code == 422
    assert desk.post("/admin/leaving/take", place="141199", reason="report").status_code == 404
    answer = desk.post("/admin/leaving/take", place="141122", reason="report", words="补发名单")
    with looking(app):
        numbers = set(db.session.scalars(select(Person.id_number)))
    rows = rows_of(answer)
    assert numbers <= {cell for row in rows for cell in row}
    assert rows[-1][0] == "导出：张lerk（county_clerk） 2021-09-19 10:00 用途：上报市级：补发名单"
    assert entries(app, "export") == [("county_clerk", "export_request", {
        "file": "交城县暂停人员清单（含完整身份证号）_2021-09-19.xlsx", "sha256": hashlib.sha256(answer.data).hexdigest(),
        "why": "上报市级：补发名单", "people": 3})]


@pytest.mark.parametrize("post", ["county_admin", "county_reviewer", "county_approver", "auditor", TOWN])
def test_nobody_but_the_clerk_takes_whole_numbers_out(app, post):
    assert Desk(app, post).post("/admin/leaving/take", place="141122", reason="report").status_code == 403


def asked(app) -> tuple[Desk, int]:
    crowd(app, 501)
    clerk = Desk(app, "county_clerk")
    answer = clerk.post("/admin/leaving/take", place="141122", reason="report")
    assert "须由复核或审批人员同意" in clerk.follow(answer).text
    assert clerk.post("/admin/leaving/take", place="141122", reason="report").status_code == 409
    with looking(app):
        request = db.session.scalars(select(ExportRequest)).one()
        assert (request.people, request.state, request.reason) == (501, "asked", "上报市级")
        return clerk, request.id


def test_a_long_list_is_allowed_by_another_person_and_fetched_once(app):
    clerk, id = asked(app)
    assert clerk.post(f"/admin/leaving/{id}/decide", verdict="allow").status_code == 403
    assert clerk.post(f"/admin/leaving/{id}/fetch").status_code == 409
    reviewer = Desk(app, "county_reviewer")
    assert "同意" in reviewer.get("/admin/leaving/").text
    assert reviewer.post(f"/admin/leaving/{id}/decide", verdict="perhaps").status_code == 400
    reviewer.follow(reviewer.post(f"/admin/leaving/{id}/decide", verdict="allow"))
    assert Desk(app, "county_approver").post(f"/admin/leaving/{id}/decide", verdict="refuse").status_code == 409
    assert reviewer.post(f"/admin/leaving/{id}/fetch").status_code == 403
    assert f"/admin/leaving/{id}/fetch" in clerk.get("/admin/leaving/").text
    answer = clerk.post(f"/admin/leaving/{id}/fetch")
    assert len([row for row in rows_of(answer) if str(row[0]).isdigit()]) == 501
    assert clerk.post(f"/admin/leaving/{id}/fetch").status_code == 409
    assert f"/admin/leaving/{id}/fetch" not in clerk.get("/admin/leaving/").text
    with looking(app):
        request = db.session.get(ExportRequest, id)
        assert (request.state, request.sha256) == ("fetched", hashlib.sha256(answer.data).hexdigest())
    assert [len(entries(app, act)) for act in ("export_asked", "export_allowed", "export")] == [1, 1, 1]


@pytest.mark.parametrize("end", ["refused", "a day later", "grown"])
def test_a_long_list_stays_here(app, end):
    clerk, id = asked(app)
    verdict = "refuse" if end == "refused" else "allow"
    Desk(app, "county_approver").post(f"/admin/leaving/{id}/decide", verdict=verdict)
    if end == "a day later":
        with looking(app):
            db.session.get(ExportRequest, id).open_until -= timedelta(hours=24)
    if end == "grown":
        with app.app_context():
            a_case(HERE)
    assert clerk.post(f"/admin/leaving/{id}/fetch").status_code == 409
    assert entries(app, "export") == []


def test_the_one_who_asks_is_never_the_one_who_allows(app):
    """Not by a change of post, and not by the database."""
    _clerk, id = asked(app)
    with looking(app):
        moved_to(db.session.scalars(select(User).where(User.username == "county_clerk")).one(), "county_approver")
    with app.app_context(), everything("test"):
        me = db.session.scalars(select(User).where(User.username == "county_clerk")).one()
        with seeing_as(me), pytest.raises(Refusal, match="Another person"):
            leaving.decide(db.session.get(ExportRequest, id), True, me, NOW, datetime.now(UTC))
        db.session.rollback()
        for change in ("decided_by = asked_by", "state = 'allowed'", "state = 'x'"):
            with pytest.raises(IntegrityError):
                db.session.execute(text(f"UPDATE export_request SET {change}"))
            db.session.rollback()


def test_every_sheet_but_one_is_masked():
    assert [key for key, export in sheets.SHEETS.items() if any(title == "ID number" for title, *_ in export.columns)] == [
        sheets.WHOLE]


# Outside an exercise: a fresh code as well

CLERK = "county_clerk"


@pytest.fixture
def grade_3(served):
    return served(now=NOW)


def test_a_list_with_whole_numbers_leaves_for_a_fresh_code(grade_3):
    crowd(grade_3, 3)
    phone = with_phone(grade_3, CLERK)
    desk = entered(grade_3, phone, CLERK)
    form = {"place": "141122", "reason": "report"}
    assert 'name="code"' in desk.get("/admin/leaving/").text
    for wrong in ({}, {"code": "000000"}, {"code": phone.code()}):  # the last one signed in
        refused = desk.post("/admin/leaving/take", form | wrong)
        assert refused.status_code == 422
        assert "须输入手机上新的动态码" in refused.text
        assert '<option value="report" selected' in refused.text
    assert entries(grade_3, "export") == []
    assert len(rows_of(desk.post("/admin/leaving/take", form, code=phone.next()))) > 3
    assert 'name="code"' not in desk.get("/admin/leaving/").text  # within five minutes of the same session


def test_a_list_that_was_allowed_is_fetched_with_a_fresh_code(grade_3):
    phone = with_phone(grade_3, CLERK)
    with looking(grade_3):
        clerk, reviewer = the_user(CLERK), the_user("county_reviewer")
        wanted = leaving.ask("cases_full", "141122", "存档", 0, clerk, NOW)
        db.session.flush()
        leaving.decide(wanted, True, reviewer, NOW, datetime.now(UTC))
        id = wanted.id
    desk = entered(grade_3, phone, CLERK)
    assert 'name="code"' in desk.get("/admin/leaving/").text
    assert desk.post(f"/admin/leaving/{id}/fetch").status_code == 409
    assert entries(grade_3, "export") == []
    assert desk.post(f"/admin/leaving/{id}/fetch", code=phone.next()).data[:2] == b"PK"


def test_papers_of_several_people_want_a_code_and_that_of_one_does_not(grade_3):
    with grade_3.app_context():
        cases = [a_case(HERE, name=f"王{n}") for n in range(2)]
        with arranging() as now:
            put = grade_3.extensions["store"].put
            task = Task(kind="documents", args={}, area_code="141122", ordered_by=CLERK, state=DONE, total=2, finished=2,
                        created_at=now, ended_at=now)
            db.session.add(task)
            db.session.flush()
            db.session.add_all(Document(case_id=case.id, area_code=HERE, task_id=task.id, kind="sealing", facts={}, state=DRAWN,
                                        file_name=f"{case.id}.pdf", ordered_by=CLERK, ordered_at=now, sha256=put(b"x"))
                               for case in cases)
            db.session.flush()
            task, one = task.id, db.session.scalar(select(Document.id))
    phone = with_phone(grade_3, CLERK)
    desk = entered(grade_3, phone, CLERK)
    assert desk.post(f"/admin/document/{one}/download", reason="file").data == b"x"
    asked = desk.post(f"/admin/task/{task}/zip", reason="file")
    assert (asked.status_code, 'name="code"' in asked.text) == (422, True)
    assert desk.post(f"/admin/task/{task}/zip", reason="file", code=phone.next()).data[:2] == b"PK"
