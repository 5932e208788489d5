"""Exactly one entry an act: every form that is sent, every command that writes, every kind of job, done once or refused."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pyotp
import pytest
from factories import PASSWORD, TIANNING, arranging
from peopled import HERE, HERS, OTHER, TOWN, scan
from screening import Desk, hidden
from sqlalchemy import func, select
from tally import tell

from models import handing
from models.area import Village
from models.audit import AuditEntry, verify
from models.base import db
from models.campaign import Campaign, Handout, Preparation, the_campaign
from models.case import Case, Person
from models.document import Bulletin, Document
from models.grants import PostGrant
from models.ledger import SUBMITTED, Settlement
from models.outbox import Task
from models.scope import everything
from models.signin import SignIn
from models.user import User
from portal import jobs, schedule
from views import trailwords

ROSTER = Path(__file__).parent / "samples" / "roster_messy.xlsx"
POSTS = ("county_admin", "county_clerk", "county_reviewer", "county_approver", "auditor", "system_admin", "security_admin", TOWN)
# Changes no row and says nothing of anybody: the language of a page.
SILENT = {"language"}
SIGNS_IN = {"login", "login_code"}  # by who is nobody yet


@pytest.fixture(scope="module")
def app(townships):
    """Two townships with something of every kind; the tests of this file go on where the one before ended."""
    with townships.opened("coverage") as app:
        app.config["HERE"] = townships.ids["here"]
        yield app


def entries(app) -> list[AuditEntry]:
    with app.app_context(), everything("test"):
        return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def count(app) -> int:
    with app.app_context(), everything("test"):
        return db.session.scalar(select(func.count(AuditEntry.id)))


def the(app, cls, *where, order=None):
    with app.app_context(), everything("test"):
        return db.session.scalars(select(cls).where(*where).order_by(cls.id if order is None else order)).first()


def case(app, category: str) -> Case:
    with app.app_context(), everything("test"):
        return db.session.scalars(select(Case).where(Case.area_code == HERE, Case.category == category)
                                  .order_by(Case.id.desc())).first()


def posts(app) -> dict[str, object]:
    return {rule.endpoint: rule for rule in app.url_map.iter_rules() if "POST" in rule.methods}


class Act:
    """One form, by its endpoint: who sends it, what, and how many entries it leaves."""

    def __init__(self, endpoint: str, who: str, typed, address=None, entries: int = 1, statuses=(200, 302)):
        self.endpoint, self.who, self.typed, self.address = endpoint, who, typed, address
        self.entries, self.statuses = entries, statuses


def on_case(kind, /, **typed):
    return lambda app: {"version": str(case(app, kind).version)} | typed


def correcting(**typed):
    """A case and its person, who are corrected together."""
    def form(app):
        row = case(app, "deceased")
        return {"version": f"{row.version}.{the(app, Person, Person.id == row.person_id).version}"} | typed
    return form


def of_case(name, category):
    return lambda app: f"/admin/case/{case(app, category).id}/{name}"


def of_user(name):
    return lambda app: f"/admin/user/{the(app, User, User.username == 'gone').id}/{name}"


def its_version(app):
    return {"version": str(the(app, User, User.username == "gone").version)}


def post_in(state):
    """The post of the same user that stands so."""
    def form(app):
        post = the(app, PostGrant, PostGrant.state == state, User.username == "gone", PostGrant.user_id == User.id)
        return {"post": str(post.id), "version": str(post.version)}
    return form


def session_of(who):
    """Sign somebody in, to be signed out."""
    def address(app):
        Desk(app, who)
        row = the(app, SignIn, SignIn.ended_at.is_(None), User.username == who, SignIn.user_id == User.id)
        return f"/admin/signin/{row.id}/end"
    return address


def of_here(kind, address):
    return lambda app: address.format(app.config["HERE"][kind])


POST = {"role": "auditor", "township": "", "basis": "文件"}
REASON = {"reason": "file"}
BENEFIT = {"basic_from": "2010-04", "supplement_from": "", "years_paid": "3", "account_pension": "12.30",
           "account_balance": "1234.50", "government_subsidy": "100", "supplement_account_pension": "0",
           "supplement_account_balance": "0"}
CAMPAIGN = {"title": "清理", "document_no": "交人社字〔2021〕82号", "verify_by": "2021-09-20", "clear_by": "2021-10-31",
            "bureau": "局", "office": "中心", "address": "地址", "phone": "电话", "bank_account": "", "refund_days": "30"}


def with_benefit(app):
    with app.app_context(), everything("test"):
        found = db.session.get(Case, case(app, "deceased").id).person.benefit
        return BENEFIT | {"version": str(found.version)}


def submitted(app):
    with app.app_context(), everything("test"):
        return db.session.scalars(select(Settlement).where(Settlement.state == SUBMITTED,
                                                           Settlement.area_code == HERE)).first()


def reviewed(app) -> Case:
    return the(app, Case, Case.id == the(app, Settlement, Settlement.state == "reviewed").case_id)


def refused_task(app):
    """A task whose paper could not be drawn."""
    with app.app_context(), arranging():
        paper = db.session.scalars(select(Document).where(Document.state == "ordered")).first()
        paper.state, task = "refused", db.session.get(Task, paper.task_id)
        task.state = "done"
        id = task.id
    return f"/admin/task/{id}/again"


def a_day_without(app):
    """The day of the report that was there, taken away."""
    with app.app_context(), arranging():
        db.session.delete(db.session.scalars(select(Bulletin)).one())
    return {"day": "2021-09-19"}


# In this order, each on what those before it left.
ACTS = (
    Act("case.step", TOWN, on_case("unknown", **{"step": "establish", "fact-category": "no_card", "fact-how": "phone"}),
        of_case("step", "unknown")),
    Act("case.undo", TOWN, on_case("no_card", step="establish", why="填错"), of_case("undo", "no_card"), statuses=(302, 422)),
    Act("case.attach", TOWN, lambda app: on_case("imprisoned")(app) | {"proof-other": (io.BytesIO(scan()), "扫描.png")},
        of_case("attach", "imprisoned")),
    Act("case.reclassify", "county_clerk", on_case("imprisoned", category="no_card", why="核实"),
        of_case("reclassify", "imprisoned")),
    Act("case.number", "auditor", lambda app: {"why": "抽查"}, of_case("number", "deceased")),
    Act("case.benefit", "county_clerk", with_benefit, of_case("benefit", "deceased")),
    Act("case.correct", "county_clerk", correcting(name="王更正", area_code=HERE, phone="13900001234"),
        of_case("correct", "deceased")),
    Act("case.paper", TOWN, on_case("uncertified", kind="certification"), of_case("paper", "uncertified")),
    Act("task.again", TOWN, lambda app: {}, refused_task),
    Act("case.action_view", "county_clerk", lambda app: {"action": "accept", "rowid": str(case(app, "deceased").id)}, entries=0),
    Act("case.bulk", "county_clerk", lambda app: {
        "deed": "accept", "stage": "apply", "fact-how": "phone",
        "ids": f"{case(app, 'deceased').id}:{case(app, 'deceased').version}"}),
    Act("settlement.action_view", "county_reviewer", lambda app: {"action": "review", "rowid": str(submitted(app).id)},
        entries=0),
    Act("settlement.sign", "county_reviewer", lambda app: {
        "deed": "review", "stage": "apply", "row": f"{submitted(app).id}:{submitted(app).version}"}),
    Act("case.give_back", "county_reviewer", lambda app: {"why": "金额有误", "version": str(reviewed(app).version)},
        lambda app: f"/admin/case/{reviewed(app).id}/return"),
    Act("document.action_view", TOWN, lambda app: {"action": "zip", "all": "1"}),
    Act("handing.out", "county_clerk", lambda app: {}, entries=1),
    Act("handing.on", TOWN, lambda app: {}),
    Act("handing.receipt", TOWN, lambda app: {
        "person": "张代办", "handout": str(the(app, Handout, Handout.area_code == HERE).id)}),
    Act("handing.plan", TOWN, lambda app: {
        "version": str(the(app, Preparation, Preparation.area_code == HERE[:9]).version), "leader": "某", "members": "某",
        "plan": (io.BytesIO(scan()), "方案.png")}),
    Act("ranking.download", "county_clerk", lambda app: {}, of_here("bulletin", "/admin/ranking/bulletin/{}")),
    Act("ranking.issue", "county_clerk", a_day_without),
    Act("user.create_view", "county_admin", lambda app: {"username": "li", "name": "李", "role": "auditor", "township": "",
                                                              "basis": "文件"}),
    Act("user.active", "county_admin", its_version, of_user("active")),
    Act("user.password", "county_admin", its_version, of_user("password")),
    Act("user.sessions", "county_admin", its_version, of_user("sessions")),
    Act("user.ends", "system_admin", lambda app: its_version(app) | {"ends_on": "2099-12-31"}, of_user("ends")),
    Act("user.generator", "security_admin", its_version, of_user("generator")),
    Act("user.ask", "system_admin", lambda app: POST, of_user("ask")),
    Act("user.refuse", "security_admin", post_in("asked"), of_user("refuse")),
    Act("user.ask", "system_admin", lambda app: POST, of_user("ask")),
    Act("user.grant", "security_admin", post_in("asked"), of_user("grant")),
    Act("user.end", "security_admin", post_in("granted"), of_user("end")),
    Act("signin.end", "county_admin", lambda app: {}, session_of("county_approver")),
    Act("account.password", OTHER, lambda app: {"old": PASSWORD, "new": "Another-2021-word", "again": "Another-2021-word"}),
    Act("stay", "auditor", lambda app: {}, entries=0),
    Act("draft_dropped", "auditor", lambda app: {}, entries=0),
    Act("find.find", TOWN, lambda app: {"room": "case", "search": "王"}, entries=0),
    Act("rate.create_view", "county_admin", lambda app: {
        "item": "basic", "from_month": "2024-01", "amount": "128", "min_age": "0", "basis": "文件"}),
    Act("campaign.edit_view", "county_admin", lambda app: CAMPAIGN | {"version": str(the(app, Campaign).version)},
        lambda app: "/admin/campaign/edit/?id=1"),
    Act("township.edit_view", "county_admin", lambda app: {"version": "1", "contact": "王代办", "phone": "0358-1"},
        lambda app: f"/admin/township/edit/?id={app.config['HERE']['township']}"),
    Act("village.edit_view", "county_admin", lambda app: {
        "version": str(the(app, Village, Village.area_code == HERE).version), "contact": "李代办", "phone": "0358-2"},
        lambda app: f"/admin/village/edit/?id={app.config['HERE']['village']}"),
    # Files that leave
    Act("leaving.take", "county_clerk", lambda app: {"place": TIANNING, "reason": "file"}),
    Act("leaving.decide", "county_reviewer", lambda app: {"verdict": "allow"}, of_here("request", "/admin/leaving/{}/decide")),
    Act("leaving.fetch", "county_clerk", lambda app: {}, of_here("request", "/admin/leaving/{}/fetch")),
    Act("certificate.download", "auditor", lambda app: {}, of_here("certificate", "/admin/certificate/{}/download")),
    Act("document.download", TOWN, lambda app: REASON, of_here("document", "/admin/document/{}/download")),
    Act("task.zip", TOWN, lambda app: REASON, of_here("task", "/admin/task/{}/zip")),
    Act("handing.plan_file", "auditor", lambda app: {}, of_here("plan", "/admin/handing/plan/{}")),
    Act("handing.village", TOWN, lambda app: {}, of_here("handout", "/admin/handing/village/{}")),
    Act("handing.villages", TOWN, lambda app: {}, of_here("code", "/admin/handing/villages?township={}")),
    Act("task.file", "county_clerk", lambda app: {}, of_here("archive", "/admin/task/{}/file")),
    Act("handing.export", "auditor", lambda app: {}),
    Act("settlement.export_sheet", "county_approver", lambda app: {}),
    Act("ranking.workbook", "county_clerk", lambda app: {}),
    Act("policy.posts", "auditor", lambda app: {}),
)


def test_every_form_leaves_one_entry(app):
    left = {}
    for act in ACTS:
        desk = Desk(app, act.who)
        url = act.address(app) if act.address else posts(app)[act.endpoint].rule
        typed, before = act.typed(app), count(app)
        answer = desk.post(url, typed)
        assert answer.status_code in act.statuses, (act.endpoint, answer.status_code, answer.text)
        assert count(app) - before == act.entries, (act.endpoint, [entry.act for entry in entries(app)[before:]])
        left[act.endpoint] = act.entries
    tell(f"{len(left)} forms sent, {sum(left.values())} entries: one each, none for {sum(not n for n in left.values())}")


def test_every_form_is_sent_by_one_of_these_tests(app):
    elsewhere = {"login", "login_code", "logout", "account.generator", "account.confirm",
                 "roster.check", "roster.confirm", "roster.errors"}
    assert set(posts(app)) - {act.endpoint for act in ACTS} - elsewhere - SILENT - _without_a_form(app) == set()


def _without_a_form(app) -> set[str]:
    """What Flask-Admin offers on every table, and a screen without that form answers with 404."""
    desk = Desk(app, "county_admin")
    return {name for name, rule in posts(app).items() if name.endswith((".create_view", ".edit_view", ".action_view"))
            and desk.post(f"{rule.rule}?id=1", {"action": "none", "rowid": "1"}).status_code in (403, 404)}


def test_a_list_is_one_entry_and_one_for_each_row(app):
    desk = Desk(app, "county_clerk")
    before = count(app)
    page = desk.post("/admin/roster/check", kind="roster", file=(io.BytesIO(ROSTER.read_bytes()), "名单.xlsx")).text
    assert count(app) == before
    desk.post("/admin/roster/confirm", sha256=hidden(page, "sha256"))
    new = entries(app)[before:]
    runs = [entry for entry in new if entry.subject == "import_run"]
    counts = runs[0].told["counts"][1]
    assert len(runs) == 1
    backups = [entry for entry in new if entry.act == "backup"]  # nothing comes in without one
    assert [entry.changed for entry in backups] == [[]]
    new.remove(backups[0])
    assert len(new) == 1 + counts["rows"] - counts["unchanged"]
    assert {entry.act for entry in new} == {"import"}
    assert sum(entry.result == "refused" for entry in new) == counts["refused"] > 0
    assert not re.search(r"\d{15}", str([(entry.changes, entry.why, entry.case_id) for entry in new]))

    before = count(app)
    desk.post("/admin/roster/errors", sha256=hidden(page, "sha256"))
    assert [entry.act for entry in entries(app)[before:]] == ["export"]


def test_signing_in_and_out_and_failing_to(app):
    before, desk = count(app), Desk(app, "county_clerk")
    desk.post("/logout")
    desk.get("/login")
    desk.post("/login", username="county_clerk", password="wrong")
    desk.post("/login", username="nobody", password=PASSWORD)
    assert [entry.act for entry in entries(app)[before:]] == ["sign_in", "sign_out", "sign_in_refused", "sign_in_refused"]
    assert [entry.result for entry in entries(app)[before:]] == ["done", "done", "refused", "refused"]
    assert [row["values"]["failures"] for row in entries(app)[before:][2].changed] == [[0, 1]]


def test_setting_up_a_generator_is_one_entry_a_form(app, monkeypatch):
    desk, before = Desk(app, "county_approver"), count(app)
    monkeypatch.setitem(app.config, "SECOND_FACTOR", True)
    desk.post("/admin/account/generator", password="wrong")
    picture = desk.post("/admin/account/generator", password=PASSWORD)
    secret = re.search(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b", picture.text)[0].replace(" ", "")
    desk.post("/admin/account/confirm", code="wrong")
    desk.post("/admin/account/confirm", code=pyotp.TOTP(secret).now())
    new = entries(app)[before:]
    assert [(entry.act, entry.result) for entry in new] == [
        ("proof_refused", "refused"), ("account.generator", "done"), ("account.confirm", "refused"), ("generator_set", "done")]
    assert secret not in str([(entry.changes, entry.rows, entry.why) for entry in new])


@pytest.mark.parametrize("who", POSTS)
def test_every_refused_form_leaves_one_entry(app, who):
    """Without a token, and with it but with nothing filled in: whatever is answered by 400 or more."""
    desk, met = Desk(app, who), 0
    for name, rule in posts(app).items():
        if name in SILENT | SIGNS_IN | {"logout"}:
            continue
        url = rule.rule.replace("<id>", "999999999")
        for token in ("", desk.token):
            before, answer = count(app), desk.post(url, csrf_token=token)
            new = entries(app)[before:]
            if answer.status_code >= 400:
                assert [(entry.act, entry.result, entry.actor) for entry in new] == [
                    ("proof_refused" if name == "account.password" and token else name[:32], "refused", who)], (url, token)
                assert new[0].why
                assert (new[0].role, new[0].address) == ("township" if who == TOWN else who, "127.0.0.1")
                met += 1
    tell(f"{who}: {met} refused forms, {met} entries")
    assert met > len(posts(app))


def test_reading_leaves_nothing(app):
    desk = Desk(app, "county_admin")
    before = count(app)
    for url in ("/admin/", "/admin/case/", "/admin/case/details/?id=999999", "/admin/audit/", "/admin/nowhere", "/admin/roster/"):
        desk.get(url)
    assert count(app) == before


def test_every_act_has_a_title(app):
    told = {entry.act for entry in entries(app)} | set(posts(app)) - SILENT - SIGNS_IN
    assert sorted(act for act in told - _without_a_form(app) if act not in trailwords.ACTS) == []


def test_each_kind_of_job_leaves_one_entry_a_case(app):
    with app.app_context(), arranging():
        handing.order_lists(the_campaign(), TIANNING, [HERE], "表册.zip", "导出：", TOWN)
    before = count(app)
    jobs.run_waiting(app)
    new = entries(app)[before:]
    assert {entry.act for entry in new} == set(jobs.ALLOWED)
    assert {entry.origin for entry in new} == {"job"}
    assert len(new) == len({(entry.act, entry.case_id, entry.row_id) for entry in new})

    before = count(app)
    made = schedule.look(app)
    assert len(entries(app)[before:]) == len(made)


def test_the_chain_holds_after_all_of_it(app):
    total = count(app)
    with app.app_context(), everything("test"):
        assert verify() == total > 200
        numbers = set(db.session.scalars(select(Person.id_number)))
    text = str([(entry.changes, entry.rows, entry.why, entry.actor) for entry in entries(app)])
    assert not [number for number in numbers if number in text]
    assert HERS[0] in text
    assert TIANNING in text
