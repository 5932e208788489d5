"""Who comes second keeps what was typed and sees the difference: as it was opened, as it is and by whom, as it was typed."""

from __future__ import annotations

import io
import re

import pytest
from clerking import together
from factories import TIANNING, a_case, a_user
from peopled import scan
from screening import Desk, Page, hidden, looking

from models.base import db
from models.campaign import the_campaign
from models.case import Case
from models.user import Role, User

TOWN = f"township-{TIANNING}"
FIGURES = {"basic_from": "2010-04", "supplement_from": "", "years_paid": "3", "account_pension": "12.30",
           "account_balance": "900.00", "government_subsidy": "100.00", "supplement_account_pension": "0.00",
           "supplement_account_balance": "0.00"}


def table(text: str) -> list[list[str]]:
    """The rows of the difference, heading first."""
    found = re.search(r'<section[^>]*aria-labelledby="difference">(.*?)</section>', text, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.S) if found else []
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


def marks(text: str) -> dict[str, str]:
    return {name: hidden(text, name) for name in ("version", "seen")}


@pytest.fixture
def case(portal) -> int:
    with looking(portal):
        case = a_case(category="uncertified", benefit=None)
        case.person.phone = "13900001111"
        return case.id


def test_a_correction_is_compared_field_by_field(portal, case):
    slow, quick, url = Desk(portal, "county_clerk"), Desk(portal, TOWN), f"/admin/case/{case}/correct"
    opened, village = marks(slow.get(url).text), f"{TIANNING}001"
    same = {"name": "王秀英", "phone": "13900001111", "area_code": village}
    assert quick.post(url, same | marks(quick.get(url).text) | {"name": "王秀瑛", "phone": "13900002222"}).status_code == 302

    late = slow.post(url, same | opened | {"name": "王秀颖"})
    assert late.status_code == 409
    assert table(late.text) == [
        ["内容", "您打开时", "现在", "您填写的内容"],
        ["姓名", "王秀英", f"王秀瑛 {name_of(portal, TOWN)} 2021-09-19 10:00", "王秀颖"],
        ["电话", "•••••••1111", f"•••••••2222 {name_of(portal, TOWN)} 2021-09-19 10:00", "•••••••1111"]]
    assert 'value="王秀颖"' in late.text

    meant = slow.post(url, same | marks(late.text) | {"name": "王秀颖", "phone": "13900002222"})
    assert meant.status_code == 302, "sent again, it is meant"
    with looking(portal):
        assert db.session.get(Case, case).person.name == "王秀颖"


def name_of(app, username: str) -> str:
    with looking(app):
        return db.session.query(User).filter_by(username=username).one().name


def test_a_second_correction_of_the_same_person_counts_though_the_case_stays_as_it_is(portal, case):
    slow, quick, url = Desk(portal, "county_clerk"), Desk(portal, TOWN), f"/admin/case/{case}/correct"
    typed = {"name": "王秀英", "area_code": f"{TIANNING}001"}
    for phone in ("1", "2"):
        opened = marks(slow.get(url).text)
        assert quick.post(url, typed | marks(quick.get(url).text) | {"phone": phone}).status_code == 302
        assert slow.post(url, typed | opened | {"phone": "9"}).status_code == 409


def test_one_person_with_two_cases_is_one_person(portal, case):
    with looking(portal):
        other = a_case(paused_from="2021-03", person=db.session.get(Case, case).person).id
    desk, first, second = Desk(portal, "county_clerk"), f"/admin/case/{case}/correct", f"/admin/case/{other}/correct"
    typed, opened = {"name": "王一", "area_code": f"{TIANNING}001", "phone": ""}, marks(desk.get(first).text)
    assert desk.post(second, typed | marks(desk.get(second).text)).status_code == 302
    assert desk.post(first, typed | opened | {"name": "王二"}).status_code == 409


def test_two_who_both_type_in_the_first_benefit_record(portal, case):
    with looking(portal):
        a_user(Role.COUNTY_CLERK, username="clerk-2")
    url, desks = f"/admin/case/{case}/benefit", [Desk(portal, "county_clerk"), Desk(portal, "clerk-2")]
    forms = [marks(desk.get(url).text) | FIGURES | {"years_paid": str(n)} for n, desk in enumerate(desks, 7)]
    answers = together([lambda desk=desk, form=form: desk.post(url, form) for desk, form in zip(desks, forms, strict=True)])
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    late = next(answer for answer in answers if answer.status_code == 409)
    [years] = [row for row in table(late.text) if row[0] == "缴费年限"]
    assert (years[1], {years[2][0], years[3]}) == ("–", {"7", "8"})


def test_what_an_administrator_keeps_is_compared_in_english_too(portal):
    desk, url = Desk(portal, "county_admin"), "/admin/village/edit/?id=1"
    desk.post("/language", locale="en", next="/admin/")
    opened = marks(desk.get(url).text)
    assert desk.post(url, opened, contact="王代办", phone="0358-1").status_code == 302
    late = desk.client.post(url, data=desk.tokens() | {"contact": "李代办", "phone": "0358-1"} | opened)
    assert late.status_code == 409
    assert table(late.text)[0] == ["Entry", "When you opened it", "Now", "What you typed"]
    assert [row[:2] + row[3:] for row in table(late.text)[1:]] == [["Contact", "–", "李代办"], ["Telephone", "–", "0358-1"]]


def test_a_page_with_what_is_wrong_in_it_stays_as_old_as_it_was(portal, case):
    """Otherwise mending it would overwrite what was changed while it was typed."""
    desk, url = Desk(portal, "county_clerk"), f"/admin/case/{case}/correct"
    opened = marks(desk.get(url).text)
    wrong = desk.post(url, opened, name="", area_code=f"{TIANNING}001", phone="")
    assert (wrong.status_code, marks(wrong.text)) == (422, opened)
    page = f"/admin/case/details/?id={case}"
    opened = marks(desk.get(page).text)
    wrong = desk.post(f"/admin/case/{case}/step", opened | {"step": "certify"})
    assert (wrong.status_code, marks(wrong.text)) == (422, opened)


def test_a_reason_is_kept_too_and_who_did_what_is_told(portal, case):
    slow, quick, page = Desk(portal, "county_clerk"), Desk(portal, TOWN), f"/admin/case/details/?id={case}"
    opened = marks(slow.get(page).text)
    certified = {"step": "certify", "fact-certified_on": "2021-09-18", "fact-method": "app"}
    assert quick.post(f"/admin/case/{case}/step", marks(quick.get(page).text) | certified).status_code == 302
    late = slow.post(f"/admin/case/{case}/reclassify", opened, category="no_card", why="社保卡未激活")
    assert late.status_code == 409
    assert f"{name_of(portal, TOWN)} 协助办理资格认证" in late.text
    assert 'value="社保卡未激活"' in late.text
    assert '<option value="no_card" selected>' in late.text
    assert hidden(late.text, "version") != opened["version"]
    meant = slow.post(f"/admin/case/{case}/reclassify", marks(late.text), category="no_card", why="社保卡未激活")
    assert meant.status_code == 302


def test_a_reason_for_what_is_no_longer_possible_stays_in_sight(portal, case):
    slow, quick, page = Desk(portal, "county_clerk"), Desk(portal, TOWN), f"/admin/case/details/?id={case}"
    certified = {"step": "certify", "fact-certified_on": "2021-09-18", "fact-method": "app"}
    assert quick.post(f"/admin/case/{case}/step", marks(quick.get(page).text) | certified).status_code == 302
    opened = marks(slow.get(page).text)
    assert quick.post(f"/admin/case/{case}/undo", marks(quick.get(page).text), step="certify", why="错").status_code == 302
    late = slow.post(f"/admin/case/{case}/undo", opened, step="certify", why="登记有误，重新核实")
    assert late.status_code == 409
    assert "登记有误，重新核实" in late.text


def test_a_plan_recorded_twice_is_compared(portal):
    with looking(portal):
        a_user(Role.TOWNSHIP, TIANNING, username="town-2")
    desks, url = [Desk(portal, TOWN), Desk(portal, "town-2")], "/admin/handing/"
    forms = [marks_of_plan(desk.get(url).text) | {"leader": leader, "members": "李委员"}
             for desk, leader in zip(desks, ("刘镇长", "孙镇长"), strict=True)]
    send = lambda desk, form: desk.post("/admin/handing/plan", form | {"plan": (io.BytesIO(scan()), "方案.png")})
    assert [send(desk, form).status_code for desk, form in zip(desks, forms, strict=True)] == [302, 409]
    late = send(desks[1], forms[1])
    assert 'value="孙镇长"' in late.text
    assert [row[:2] for row in table(late.text)[1:2]] == [["领导小组组长", "–"]]
    assert send(desks[1], forms[1] | marks_of_plan(late.text)).status_code == 302


def marks_of_plan(text: str) -> dict[str, str]:
    return marks(text[text.index('action="/admin/handing/plan"'):])


def test_a_user_changed_meanwhile_is_shown_as_they_are(portal):
    with looking(portal):
        id = a_user(Role.AUDITOR, username="somebody").id
    slow, quick, page = Desk(portal, "county_admin"), Desk(portal, "system_admin"), f"/admin/user/details/?id={id}"
    opened = marks(slow.get(page).text)
    assert quick.post(f"/admin/user/{id}/ends", marks(quick.get(page).text), ends_on="2021-12-31").status_code == 302
    late = slow.post(f"/admin/user/{id}/ends", opened, ends_on="2022-06-30")
    assert late.status_code == 409
    assert [row[:2] for row in table(late.text)[1:]] == [["账号有效期至", "–"]]
    assert 'value="2022-06-30"' in late.text
    assert Page(late.text).faults == []


def test_a_campaign_without_a_version_is_no_campaign_seen(portal):
    with looking(portal):
        title = the_campaign().title
    assert Desk(portal, "county_admin").post("/admin/campaign/edit/?id=1", title="别的").status_code == 409
    with looking(portal):
        assert the_campaign().title == title
