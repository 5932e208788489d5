"""The screens, as each post meets them: pages that are sound, areas that hold, forms that keep what was typed."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from factories import TIANNING, XIAJIAYING, a_case, arranging
from PIL import Image
from screening import Desk, Page, hidden, looking
from sqlalchemy import select

from models import audit, handing, schema
from models.area import Village
from models.base import db
from models.campaign import the_campaign
from models.case import Case
from models.categories import CATEGORIES
from models.user import Role, User
from views import listing, trailwords
from views.seen import versions

POSTS = [role.value for role in Role if role != Role.TOWNSHIP] + [f"township-{TIANNING}"]
ROOT = Path(__file__).parent.parent
HERE, THERE = f"{TIANNING}001", f"{XIAJIAYING}201"


@pytest.fixture
def app(portal):
    return portal


@pytest.fixture
def people(app) -> list[int]:
    """Eight people here, one in each category, and one in another township; handed out."""
    with app.app_context():
        ids = [a_case(HERE, paused_from=f"2020-{n:02d}", category=None if key == "unknown" else key).id
               for n, key in enumerate(CATEGORIES, 1)]
        with arranging() as now:
            db.session.get(Case, ids[-1]).proposed = "deceased"
            handing.hand_out(the_campaign(), "county_clerk", now)
        return [*ids, a_case(THERE).id]


def case_of(people: list[int], category: str) -> int:
    return people[list(CATEGORIES).index(category)]


def scan(colour: str = "white") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def state_of(app, id: int) -> str:
    with looking(app):
        return db.session.get(Case, id).state


# Pages

@pytest.mark.parametrize("post", POSTS)
def test_every_page_a_post_can_reach_is_sound_and_chinese(app, people, post):
    desk, seen, ahead = Desk(app, post), set(), ["/admin/"]
    while ahead:
        url = ahead.pop()
        parts = urlsplit(url)
        key = (parts.path, "id" in parse_qs(parts.query) and parse_qs(parts.query)["id"][0])
        if key in seen or not parts.path.startswith("/admin/") or parts.path.endswith("/download"):
            continue
        seen.add(key)
        answer = desk.get(url)
        assert answer.status_code == 200, url
        if answer.mimetype != "text/html":
            continue
        page = Page(answer.text)
        assert desk.english(page) == set(), url
        ahead += [link for link in page.links if len(seen) < 60]
    assert len(seen) > (2 if post in ("system_admin", "security_admin") else 8)


def test_errors_are_pages_too(app):
    desk = Desk(app, "county_clerk")
    assert desk.get("/nothing").status_code == 404
    assert desk.get("/admin/user/").status_code == 403
    assert desk.post("/admin/case/1/step", csrf_token="wrong").status_code == 400
    assert desk.get("/admin/case/1/step").status_code == 405


def test_strangers_are_sent_to_the_sign_in_page(app):
    answer = Desk(app).get("/admin/case/?search=x")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_no_old_script_of_the_framework_is_served(app):
    assert Desk(app, "county_clerk").get("/admin/static/vendor/jquery.min.js").status_code == 404


def test_english_by_a_switch_and_back(app):
    desk = Desk(app, "county_clerk")
    desk.post("/language", locale="en", next="/admin/case/")
    assert '<html lang="en">' in desk.get("/admin/case/").text
    assert desk.post("/language", locale="zh_Hans_CN", next="//evil.example").location == "/"


# Area and post

def test_a_township_sees_its_own_people_only(app, people):
    text = Desk(app, f"township-{TIANNING}").get("/admin/case/").text
    assert all(f"id={id}\"" in text for id in people[:8])
    assert f"id={people[8]}\"" not in text


def test_elsewhere_missing_and_malformed_are_the_same_bytes(app, people):
    desk, village = Desk(app, f"township-{TIANNING}"), _other_village(app)
    for url, elsewhere in (("/admin/case/details/?id={}", people[8]), ("/admin/village/details/?id={}", village),
                           ("/admin/village/edit/?id={}", village)):
        answers = [desk.get(url.format(id)) for id in (elsewhere, 10**9, "1,2", "-1", "9" * 40, "x", "", "٣")]
        assert {(answer.status_code, answer.data) for answer in answers} == {(404, answers[0].data)}, url


def _other_village(app) -> int:
    with looking(app):
        return db.session.scalar(select(Village.id).where(Village.area_code.startswith(XIAJIAYING)))


def test_no_verb_reaches_into_another_township(app, people):
    desk = Desk(app, f"township-{TIANNING}")
    missing = desk.get("/admin/case/details/?id=0").data
    for verb in ("step", "undo", "reclassify", "return", "attach", "paper", "number", "benefit"):
        assert desk.post(f"/admin/case/{people[8]}/{verb}", version="1", why="x").data == missing, verb


def test_bulk_deeds_pass_over_what_is_elsewhere(app, people):
    desk = Desk(app, f"township-{TIANNING}")
    answer = desk.post("/admin/case/bulk", deed="accept", ids=str(people[8]), stage="apply", data={"fact-how": "phone"})
    assert answer.status_code == 404
    assert state_of(app, people[8]) == "unverified"


def test_who_only_reads_gets_no_forms(app, people):
    page = Desk(app, "auditor").get(f"/admin/case/details/?id={people[0]}").text
    assert page.count('method="post"') == 5  # search, language, sign-out, the whole number for a reason, files
    assert Desk(app, "auditor").post(f"/admin/case/{people[0]}/step", step="certify", version="2").status_code == 403


# Lists

MALFORMED = (
    "page=-1", "page=99999999999999999999", "page=x", "sort=99", "sort=-3", "sort=x", "desc=x", "page_size=100000000",
    "flt0_township=%00", "flt0_category=nope", "flt9999999_state=verified", "flt_=1", "flt", "search=%00%ff",
    "endpoint=x&_method=y&_external=1", "url=http://[")
HONEST = ("page=99999", "page=", "desc=", "search=%25", "search=%ff", "search=" + "9" * 10 + "x" * 400)


def test_malformed_addresses_are_refused_and_odd_ones_are_answered(app, people):
    desk = Desk(app, "county_admin")
    for where in ("case", "audit", "village", "user", "rate"):
        assert [query for query in MALFORMED if desk.get(f"/admin/{where}/?{query}").status_code != 400] == [], where
        assert [query for query in HONEST if desk.get(f"/admin/{where}/?{query}").status_code != 200] == [], where


def test_a_link_from_another_post_opens_the_list_one_sees(app, people):
    """A village stays picked when the township changes, and a county's link names a township its clerk need not pick."""
    for post, query in (("county_clerk", f"flt0_township={XIAJIAYING}&flt1_village={TIANNING}001"),
                        (f"township-{TIANNING}", f"flt0_township={TIANNING}&flt0_kind=stock")):
        assert Desk(app, post).get(f"/admin/case/?{query}").status_code == 200, post
    assert "重新打开列表" in Desk(app, "county_clerk").get("/admin/case/?flt0_state=nope").text


def test_people_are_found_by_name_pinyin_and_number(app, people):
    with looking(app):
        number = db.session.get(Case, people[0]).person.id_number
    desk = Desk(app, "county_clerk")
    found = lambda text: f"id={people[0]}\"" in desk.find("case", text).text
    meant = ["王秀英", "王", "wang", "wangxiuying", "wang xiu", "wxy", "14112019", number, number.lower(), number[-4:],
             f" {number[:6]} {number[6:]} "]
    assert [text for text in meant if not found(text)] == []
    assert [text for text in ("秀", "li", "999999", "%", "_", "王%") if found(text)] == []


@pytest.mark.parametrize("post", POSTS)
def test_a_number_on_the_home_page_is_the_length_of_its_list(app, people, post):
    desk = Desk(app, post)
    tiles = re.findall(r'<a class="tile[^"]*" href="([^"]+)">[^<]+<b>(\d+)</b>', desk.get("/admin/").text)
    assert len(tiles) >= 3
    for url, number in tiles:
        listed = re.search(r"共 (\d+) 条", desk.get(url.replace("&amp;", "&")).text)
        assert (listed[1] if listed else "0") == number, url


# The case page

def test_a_step_with_its_scan_is_taken_and_the_scan_comes_back(app, people):
    id, desk = case_of(people, "deceased"), Desk(app, f"township-{TIANNING}")
    page = desk.get(f"/admin/case/details/?id={id}").text
    answer = desk.post(f"/admin/case/{id}/step", {
        "version": hidden(page, "version"), "step": "death", "fact-died_on": "2020年1月5日",
        "fact-source": "household_cancellation", "then": "stay",
        "proof-household_cancellation": (io.BytesIO(scan()), "户籍注销证明.png")})
    assert "：已办“确认死亡时间”。" in desk.follow(answer).text
    assert state_of(app, id) == "verified"
    url = re.search(r"/admin/certificate/\d+/download", desk.get(f"/admin/case/details/?id={id}").text)[0]
    file = desk.post(url)
    assert (file.data, file.mimetype) == (scan(), "image/png")
    assert file.headers["Content-Disposition"] == (
        'attachment; filename=file.png; filename*=UTF-8\'\'%E6%88%B7%E7%B1%8D%E6%B3%A8%E9%94%80%E8%AF%81%E6%98%8E.png')
    elsewhere = Desk(app, f"township-{XIAJIAYING}")
    assert elsewhere.post(url).data == elsewhere.post("/admin/certificate/999/download").data
    assert elsewhere.post(url).status_code == 404
    assert desk.get(url).status_code == 405


@pytest.mark.parametrize(("content", "says"), [
    (b"MZ\x90\x00", "不是 PDF、JPEG 或 PNG"), (b"<html>", "不是 PDF、JPEG 或 PNG"), (b"\x89PNG\r\n\x1a\n rest", "已损坏")])
def test_what_is_no_scan_is_refused_and_what_was_typed_stays(app, people, content, says):
    id, desk = case_of(people, "deceased"), Desk(app, f"township-{TIANNING}")
    page = desk.get(f"/admin/case/details/?id={id}").text
    answer = desk.post(f"/admin/case/{id}/step", {
        "version": hidden(page, "version"), "step": "death", "fact-died_on": "2020-01-05",
        "fact-source": "household_cancellation", "proof-household_cancellation": (io.BytesIO(content), "扫描.pdf")})
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="2020-01-05"' in answer.text
    assert "<title>错误：" in answer.text


def test_all_that_is_missing_is_said_at_once_beside_its_field(app, people):
    id, desk = case_of(people, "deceased"), Desk(app, f"township-{TIANNING}")
    page = desk.get(f"/admin/case/details/?id={id}").text
    answer = desk.post(f"/admin/case/{id}/step", version=hidden(page, "version"), step="death")
    assert answer.status_code == 422
    links = re.findall(r'<li><a href="#([^"]+)">', answer.text)
    assert links == ["fact-died_on", "fact-source", "proof-household_cancellation"]
    assert set(links) <= set(Page(answer.text).ids)


def test_who_comes_second_learns_what_changed_and_keeps_the_text(app, people):
    id, slow, quick = case_of(people, "uncertified"), Desk(app, "county_clerk"), Desk(app, f"township-{TIANNING}")
    page = slow.get(f"/admin/case/details/?id={id}").text
    typed = {"version": hidden(page, "version"), "seen": hidden(page, "seen"), "step": "certify",
             "fact-certified_on": "2021-09-18", "fact-method": "video", "fact-helper": "李四帮忙"}
    assert quick.post(f"/admin/case/{id}/step", typed | {"csrf_token": quick.token}).status_code == 302
    answer = slow.post(f"/admin/case/{id}/step", typed)
    assert answer.status_code == 409
    assert "协助办理资格认证" in answer.text
    assert "李四帮忙" in answer.text.split("时间线")[0]


def test_a_step_of_another_post_is_refused(app, people):
    id, desk = case_of(people, "uncertified"), Desk(app, "county_reviewer")
    page = desk.get(f"/admin/case/details/?id={id}").text
    answer = desk.post(f"/admin/case/{id}/step", {"version": hidden(page, "version"), "step": "certify",
                                                  "fact-certified_on": "2021-09-18", "fact-method": "app"})
    assert answer.status_code == 422
    assert "由乡镇办理" in answer.text


def test_taking_back_and_reclassifying_need_a_reason(app, people):
    id, desk = case_of(people, "uncertified"), Desk(app, f"township-{TIANNING}")
    version = lambda: hidden(desk.get(f"/admin/case/details/?id={id}").text, "version")
    desk.post(f"/admin/case/{id}/step", {"version": version(), "step": "certify", "fact-certified_on": "20210918",
                                         "fact-method": "app"})
    assert desk.post(f"/admin/case/{id}/undo", version=version(), step="certify", why=" ").status_code == 422
    assert desk.post(f"/admin/case/{id}/undo", version=version(), step="certify", why="填错").status_code == 302
    assert desk.post(f"/admin/case/{id}/reclassify", version=version(), category="no_card", why="").status_code == 422
    assert desk.post(f"/admin/case/{id}/reclassify", version=version(), category="no_card", why="核实").status_code == 302
    assert "撤回了一步：填错" in desk.get(f"/admin/case/details/?id={id}").text


def test_save_and_next_leads_on_to_the_next_who_waits(app, people):
    id, desk = case_of(people, "uncertified"), Desk(app, f"township-{TIANNING}")
    page = desk.get(f"/admin/case/details/?id={id}").text
    answer = desk.post(f"/admin/case/{id}/step", {"version": hidden(page, "version"), "step": "certify", "then": "next",
                                                  "fact-certified_on": "2021-09-18", "fact-method": "app"})
    assert answer.location == f"/admin/case/details/?id={case_of(people, 'duplicate')}"


def test_the_whole_number_is_shown_for_a_reason_that_is_recorded(app, people):
    desk = Desk(app, "county_clerk")
    with looking(app):
        number = db.session.get(Case, people[0]).person.id_number
    assert number not in desk.get(f"/admin/case/details/?id={people[0]}").text
    assert desk.post(f"/admin/case/{people[0]}/number", why="").status_code == 422
    assert number in desk.post(f"/admin/case/{people[0]}/number", why="核对身份证").text
    with looking(app):
        assert db.session.scalars(select(audit.AuditEntry.act).where(audit.AuditEntry.act == "see_number")).all()


def test_the_benefit_record_is_typed_in_as_people_write(app, people):
    desk, url = Desk(app, "county_clerk"), f"/admin/case/{people[8]}/benefit"
    page = desk.get(url).text
    typed = {"basic_from": "2010年4月", "supplement_from": "", "years_paid": "3", "account_pension": "12.3",
             "account_balance": "1,234.5", "government_subsidy": "100", "supplement_account_pension": "0",
             "supplement_account_balance": "0", "version": hidden(page, "version")}
    assert desk.post(url, typed | {"account_balance": "abc"}).status_code == 422
    assert desk.post(url, typed).status_code == 302
    with looking(app):
        benefit = db.session.get(Case, people[8]).person.benefit
        assert (str(benefit.basic_from), benefit.account_balance, benefit.entered_by) == ("2010-04", 123450, "county_clerk")
    assert desk.post(url, typed).status_code == 409
    assert Desk(app, f"township-{XIAJIAYING}").get(url).status_code == 403


# Many at once

def test_many_are_checked_first_then_done_and_each_is_told(app, people):
    desk = Desk(app, f"township-{TIANNING}")
    asked = desk.post("/admin/case/action/", action="accept", all="1")
    ids = hidden(asked.text, "ids")
    assert desk.post("/admin/case/bulk", deed="accept", ids=ids, stage="check").status_code == 422
    check = desk.post("/admin/case/bulk", {"deed": "accept", "ids": ids, "stage": "check", "fact-how": "records"})
    assert "1 人将办理，7 人跳过" in check.text
    assert "（建议：已经死亡）" in check.text, "whoever confirms sees as what each will be established"
    assert state_of(app, case_of(people, "unknown")) == "unverified"
    with looking(app):
        before = len(db.session.scalars(select(audit.AuditEntry.id)).all())
    how = hidden(check.text, "fact-how")
    done = desk.post("/admin/case/bulk", {"deed": "accept", "ids": ids, "stage": "apply", "fact-how": how})
    assert "已办 1 人，跳过 7 人" in done.text
    with looking(app):
        assert db.session.get(Case, case_of(people, "unknown")).category == "deceased"
        assert len(db.session.scalars(select(audit.AuditEntry.id)).all()) > before
        assert audit.verify() > 0


def test_a_list_longer_than_what_is_done_at_once_says_so_and_keeps_its_order(app, people, monkeypatch):
    desk = Desk(app, f"township-{TIANNING}")
    assert "整个列表，共 8 条" in desk.get("/admin/case/").text
    monkeypatch.setattr(listing, "MOST_TICKED", 3)
    assert "列表的前 3 条（共 8 条）" in desk.get("/admin/case/").text
    by_month = desk.get("/admin/case/?sort=4&desc=1").text
    shown = re.findall(r'name="rowid" value="(\d+)"', by_month)
    asked = desk.post(re.search(r'action="(/admin/case/action/[^"]*)"', by_month)[1].replace("&amp;", "&"),
                      action="accept", all="1")
    assert set(versions(hidden(asked.text, "ids").split(","))) == set(map(int, shown[:3]))


def test_ticks_of_one_township_do_not_touch_another(app, people):
    desk = Desk(app, f"township-{TIANNING}")
    answer = desk.post("/admin/case/action/", {"action": "step-certify", "rowid": [str(people[0]), str(people[8]), "x"]})
    assert list(versions(hidden(answer.text, "ids").split(","))) == [people[0]]


def test_deeds_not_on_offer_have_no_address(app, people):
    assert Desk(app, f"township-{TIANNING}").post("/admin/case/action/", action="step-approve", rowid="1").status_code == 404
    assert Desk(app, "auditor").post("/admin/case/action/", action="step-certify", rowid="1").status_code == 404


def test_papers_are_ordered_for_those_who_can_have_them(app, people):
    desk = Desk(app, "county_clerk")
    check = desk.post("/admin/case/action/", action="paper-certification", all="1")
    assert "1 人将办理" in check.text
    done = desk.post("/admin/case/bulk", deed="paper-certification", ids=hidden(check.text, "ids"), stage="apply")
    assert "已办 1 人" in done.text
    assert "正在生成" in desk.get(f"/admin/case/details/?id={people[0]}").text


# Reference

def test_a_contact_is_changed_once_by_whoever_was_quicker(app):
    desk, url = Desk(app, "county_admin"), "/admin/village/edit/?id=1"
    version = hidden(desk.get(url).text, "version")
    assert desk.post(url, version=version, contact="王代办", phone="0358-1").status_code == 302
    late = desk.post(url, version=version, contact="李代办", phone="0358-2")
    assert late.status_code == 409
    assert "李代办" in late.text
    assert Desk(app, "county_clerk").post(url, version="2", contact="x").status_code == 403


def test_a_rate_is_added_and_never_changed(app):
    desk = Desk(app, "county_admin")
    typed = {"item": "basic", "from_month": "2024-01", "amount": "128", "min_age": "0", "basis": "省文件"}
    assert desk.post("/admin/rate/new/", typed | {"basis": ""}).status_code == 422
    assert desk.post("/admin/rate/new/", typed).status_code == 302
    assert desk.post("/admin/rate/new/", typed).status_code == 422
    assert "128.00" in desk.get("/admin/rate/").text
    assert desk.post("/admin/rate/edit/?id=1", typed).status_code == 404
    assert desk.post("/admin/rate/delete/", id="1").status_code == 404


def test_a_user_gets_a_password_that_is_shown_once(app):
    desk = Desk(app, "county_admin")
    assert desk.post("/admin/user/new/", username="li", name="李", role="township", township="").status_code == 422
    page = desk.follow(desk.post("/admin/user/new/", username="li", name="李", role="township", township=TIANNING,
                                 basis="交人社任〔2021〕3号")).text
    password = re.search(r"只显示这一次）：(\S+?)<", page)[1]
    client = Desk(app)
    client.get("/login")
    assert client.post("/login", username="li", password=password).status_code == 401
    with looking(app):
        user = db.session.scalars(select(User).where(User.username == "li")).one()
        id, post = user.id, user.posts[0].id
    assert Desk(app, "security_admin").post(f"/admin/user/{id}/grant", post=post, version=1).status_code == 302
    assert client.post("/login", username="li", password=password).status_code == 302
    with looking(app):
        version = db.session.get(User, id).version
    assert desk.post(f"/admin/user/{id}/active", version=version).status_code == 302
    assert client.get("/admin/").status_code == 302
    assert password not in desk.get("/admin/audit/").text


def test_the_administrator_does_not_lock_themselves_out(app):
    desk = Desk(app, "county_admin")
    with looking(app):
        user = db.session.scalars(select(User).where(User.username == "county_admin")).one()
        id, version = user.id, user.version
    assert desk.post(f"/admin/user/{id}/active", version=version).status_code == 409
    assert desk.get("/admin/").status_code == 200


def test_every_recorded_column_has_a_name_for_people():
    tables = schema.metadata().sorted_tables
    unsaid = {"audit_entry", "audit_head", "settlement_line", "sign_in", "draft", "address_try", "old_password", "number_view",
              "seek", "form_key", "machine_check"}
    assert {table.name for table in tables} - set(trailwords.SUBJECTS) <= unsaid
    columns = {column.key for table in tables if table.name in trailwords.SUBJECTS for column in table.columns}
    unrecorded = {"id", "version", "args", "dedupe_key", "attempts", "failures", "fence", "lease_until", "total", "finished",
                  "created_at"}
    assert columns - set(trailwords.COLUMNS) - trailwords.UNSAID - unrecorded == set()



def test_every_recorded_act_has_a_name_for_people():
    code = "".join(path.read_text("utf-8") for folder in ("models", "exports", "views", "portal")
                   for path in (ROOT / folder).glob("*.py"))
    acts = set(re.findall(r'(?:\brecord\(|\bact=)"(\w+)"', code)) | {"sign_in", "sign_in_refused"}
    assert len(acts) >= 9
    assert acts - set(trailwords.ACTS) == set()
