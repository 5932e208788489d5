"""Who reaches what: every address the portal has, as every post and as nobody, on rows here, elsewhere and nowhere."""

from __future__ import annotations

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from conftest import make_template
from factories import PASSWORD, TIANNING, XIAJIAYING, arranging, contents, moved_to
from peopled import HERE, HERS, OTHER, THEIRS, THERE, TOWN, furnish, office, scan
from screening import Desk, Page
from sqlalchemy import select

from models.area import Village, short_name
from models.base import db
from models.campaign import Campaign
from models.case import Case, Person
from models.certificate import Certificate
from models.user import Role, User

LETTERS = {"A": "county_admin", "C": "county_clerk", "R": "county_reviewer", "P": "county_approver", "U": "auditor", "T": TOWN,
           "S": "system_admin", "G": "security_admin"}
ALL, SEEING = "".join(LETTERS), "ACRPUT"
LOGS = ("audit_entry", "audit_head")  # downloads leave a line there

# What a whole screen needs; everybody may enter the others.
ROOMS = {"settlement": "ACRPU", "rate": "ACRPU", "roster": "C", "user": "AUSG", "policy": "AUSG", "audit": "AU", "admin": ALL}
# What one address needs beyond its screen. Forms that a screen does not have are missing for everybody who may enter it.
DEEDS = {
    "edit_view": {"township": "A", "village": "A", "campaign": "A"}, "create_view": {"user": "AS", "rate": "A"},
    "action_view": {}, "case.step": "CRPT", "case.undo": "CRPT", "case.reclassify": "CRPT", "case.give_back": "CRPT",
    "case.attach": "CRPT", "case.paper": "CRPT", "case.benefit": "C", "case.correct": "CT", "case.number": SEEING,
    "handing.check": "C",
    "handing.out": "C", "handing.on": "T", "handing.plan": "T", "handing.receipt": "T", "ranking.issue": "AC",
    "settlement.sign": "RP", "task.again": "CRPT",
    "user.ask": "AS", "user.active": "AS", "user.password": "AS", "user.sessions": "AS", "user.grant": "G", "user.refuse": "G",
    "user.end": "G"}
# Addresses of one row: the kind of row, and the name the address gives its id if it is no part of the path.
ROWS = {"handing.village": "handout", "handing.plan_file": "plan", 
        "ranking.download": "bulletin"}
SHARED = ("campaign", "rate", "bulletin")
OPEN = {"login", "logout", "language", "healthz", "static", "root"}
MISSING, MALFORMED = "999999999", ("1,2", "-1", "x", "", "٣", "1e3", "0x1", "1" * 40, "%00", "../1")


@pytest.fixture(scope="module")
def place(stage, tmp_path_factory):
    """The two townships as a template, the folder of their files, and the ids of what lies where."""
    folder, ids = tmp_path_factory.mktemp("office"), {}
    make_template(stage, "peopled", lambda: ids.update(furnish(folder)))
    stage.copy("peopled", "access")
    app = office(stage.url("access"), folder)
    yield stage, app, ids
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(place):
    """The portal on a fresh copy of the two townships."""
    stage, app, _ids = place
    with app.app_context():
        db.engine.dispose()
    stage.copy("peopled", "access")
    return app


@pytest.fixture
def ids(place):
    return place[2]


@contextmanager
def looking(app):
    with app.app_context(), arranging() as now:
        yield now


def kept(app, *leaving_out: str) -> dict:
    with looking(app):
        return contents(*leaving_out)


def changed(before: dict, after: dict) -> list[str]:
    return [table for table in before if before[table] != after[table]]


def rules(app, method: str) -> list:
    return [rule for rule in app.url_map.iter_rules() if method in rule.methods and rule.endpoint not in OPEN]


def kind_of_row(rule) -> str | None:
    view, _, name = rule.endpoint.partition(".")
    if rule.endpoint in ROWS:
        return ROWS[rule.endpoint]
    return view if "<id>" in rule.rule or name in ("details_view", "edit_view") else None


def address(rule, id: object) -> str:
    """The address of a rule, for one row where it is one's."""
    if kind_of_row(rule) is None:
        return rule.rule.replace("<kind>", "roster")
    return rule.rule.replace("<id>", str(id)) if "<id>" in rule.rule else f"{rule.rule}?id={id}"


def allowed(endpoint: str, letter: str) -> int:
    """200 for what is open, else the status that refuses it."""
    view, _, name = endpoint.partition(".")
    if letter not in ROOMS.get(view, SEEING):
        # A settlement out of sight is none, and these posts have none in sight.
        return 404 if letter in "SG" and view == "settlement" and name in ("edit_view", "details_view") else 403
    asked = DEEDS.get(endpoint, DEEDS.get(name, ALL))
    if isinstance(asked, dict):
        return 404 if view not in asked else 200 if letter in asked[view] else 403
    return 200 if letter in asked else 403


def test_every_address_is_known_here(app):
    views = {rule.endpoint.partition(".")[0] for rule in rules(app, "GET")} - {"admin"}
    assert views == {"audit", "campaign", "case", "certificate", "document", "handing", "policy", "ranking", "rate", "roster",
                     "settlement", "task", "township", "user", "village"}
    standard = {"index_view", "details_view", "edit_view", "create_view", "action_view"}
    own = {rule.endpoint for method in ("GET", "POST") for rule in rules(app, method)
           if rule.endpoint.partition(".")[2] not in standard}
    reading = {"admin.index", "handing.index", "handing.export", "handing.villages", "ranking.index",
               "ranking.workbook", "settlement.export_sheet", "task.show", "task.zip", "document.download",
               "certificate.download", "case.bulk",
               "roster.template", "roster.check", "roster.confirm", "roster.errors", "policy.index", "policy.posts",
               *ROWS}
    assert own == reading | {name for name in DEEDS if "." in name}


@pytest.mark.parametrize("letter", ALL)
def test_every_page_by_post(app, ids, letter):
    desk, before = Desk(app, LETTERS[letter]), None
    before = kept(app, *LOGS)
    for rule in rules(app, "GET"):
        url, wanted = address(rule, ids["here"].get(kind_of_row(rule))), allowed(rule.endpoint, letter)
        if rule.endpoint == "handing.villages" and letter in "ACRPU":
            assert desk.get(url).status_code == 404
            url += f"?township={TIANNING}"
        answer = desk.get(url)
        assert (answer.status_code if answer.status_code != 302 else 200) == wanted, (url, answer.status_code)
    assert changed(before, kept(app, *LOGS)) == []


def test_pages_of_rows_elsewhere_are_those_of_rows_nowhere(app, ids):
    desk = Desk(app, TOWN)
    for rule in rules(app, "GET"):
        kind = kind_of_row(rule)
        if kind is None or kind in SHARED or kind in ("audit", "user", "roster"):
            continue
        odd = [text for text in MALFORMED if text or "<id>" not in rule.rule]  # without an id it is another address
        missing = desk.get(address(rule, MISSING))
        assert missing.status_code == 404, rule
        for id in (ids["there"][kind], *odd):
            assert desk.get(address(rule, id)).data == missing.data, (rule, id)


# What is sent

FIELDS = {
    "case.step": {"step": "establish", "version": "1", "fact-category": "no_card", "fact-how": "phone"},
    "case.undo": {"step": "establish", "version": "2", "why": "试"}, "case.number": {"why": "试"},
    "case.reclassify": {"category": "no_card", "version": "2", "why": "试"}, "case.give_back": {"version": "2", "why": "试"},
    "case.paper": {"kind": "certification", "version": "2"}, "case.attach": {"version": "2"},
    "case.bulk": {"deed": "accept", "stage": "apply", "fact-how": "phone"},
    "case.action_view": {"action": "accept"}, "settlement.action_view": {"action": "review"},
    "settlement.sign": {"deed": "review", "stage": "apply"}, "document.action_view": {"action": "zip"},
    "handing.receipt": {"person": "某"}, "handing.plan": {"leader": "某", "members": "某"},
    "ranking.issue": {"day": "2021-09-19"},
    "user.create_view": {"username": "li", "name": "李", "role": "auditor", "township": "", "basis": "文件"},
    "rate.create_view": {"item": "basic", "from_month": "2024-01", "amount": "128", "min_age": "0", "basis": "文件"},
    "roster.confirm": {"sha256": "0" * 64}, "roster.errors": {"sha256": "0" * 64}}


def sent(rule, id: object, row: int | str) -> tuple[str, dict]:
    """The address and a form that would do something, to row *id*."""
    fields = dict(FIELDS.get(rule.endpoint, {}))
    if rule.endpoint.startswith("user."):
        fields["version"] = "1"
    named = {"case.bulk": "ids", "case.action_view": "rowid", "settlement.action_view": "rowid",
             "document.action_view": "rowid", "settlement.sign": "row", "handing.receipt": "handout"}.get(rule.endpoint)
    return address(rule, id), fields | ({named: row} if named else {})


@pytest.mark.parametrize("letter", ALL)
def test_nothing_is_done_without_the_token_of_one_s_own_session(app, ids, letter):
    desk, foreign = Desk(app, LETTERS[letter]), Desk(app, "auditor" if letter != "U" else TOWN).token
    before = kept(app)
    for rule in rules(app, "POST"):
        url, fields = sent(rule, ids["here"].get(kind_of_row(rule)), ids["here"]["case"])
        for token in ("", "wrong", foreign):
            assert desk.post(url, fields, csrf_token=token).status_code == 400, (url, token)
    assert changed(before, kept(app)) == []


@pytest.mark.parametrize("letter", ALL)
def test_forms_of_another_post_are_refused(app, ids, letter):
    desk = Desk(app, LETTERS[letter])
    before = kept(app)
    for rule in rules(app, "POST"):
        wanted = allowed(rule.endpoint, letter)
        if wanted != 200 and not rule.endpoint.endswith("action_view"):
            url, fields = sent(rule, ids["here"].get(kind_of_row(rule)), ids["here"]["case"])
            assert desk.post(url, fields).status_code == wanted, url
    assert changed(before, kept(app)) == []


def test_forms_on_rows_elsewhere_are_those_on_rows_nowhere(app, ids):
    desk, before = Desk(app, TOWN), kept(app)
    rows = {"case.bulk": "case", "case.action_view": "case", "document.action_view": "document", "handing.receipt": "handout"}
    for rule in rules(app, "POST"):
        kind = kind_of_row(rule) or rows.get(rule.endpoint)
        if kind is None or kind in SHARED or allowed(rule.endpoint, "T") == 403:
            continue
        answers = [desk.post(*sent(rule, id, id)) for id in (ids["there"][kind], MISSING)]
        assert answers[0].status_code in (404, 409), rule
        assert answers[0].data == answers[1].data, rule
    assert changed(before, kept(app)) == []


def test_the_auditor_writes_nothing(app, ids):
    """But the line in the trail that a whole number was looked at."""
    desk, before = Desk(app, "auditor"), kept(app, *LOGS)
    for rule in rules(app, "POST"):
        desk.post(*sent(rule, ids["here"].get(kind_of_row(rule)), ids["here"]["case"]))
    assert changed(before, kept(app, *LOGS)) == []


def test_the_administrator_settles_nothing(app, ids):
    desk, before = Desk(app, "county_admin"), kept(app, *LOGS)
    for rule in rules(app, "POST"):
        if rule.endpoint.partition(".")[0] in ("case", "settlement", "handing", "roster", "task", "document"):
            desk.post(*sent(rule, ids["here"].get(kind_of_row(rule)), ids["here"]["case"]))
    assert changed(before, kept(app, *LOGS)) == []


# What is listed

def crawled(desk: Desk, start: str = "/admin/", most: int = 150) -> list[tuple[str, str]]:
    """(address, text) of every page that links lead to."""
    seen, ahead = {}, [start]
    while ahead and len(seen) < most:
        url = ahead.pop(0)
        if url in seen or not url.startswith("/admin/") or "sort=" in url or "page_size=" in url:
            continue
        answer = desk.get(url)
        seen[url] = answer.text if answer.mimetype == "text/html" else ""
        ahead += Page(seen[url]).links if answer.mimetype == "text/html" and answer.status_code == 200 else []
    return list(seen.items())


def test_no_page_of_a_township_names_anybody_or_any_village_of_another(app):
    with looking(app):
        villages = set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(XIAJIAYING))))
        villages -= set(db.session.scalars(select(Village.name).where(Village.area_code.startswith(TIANNING))))
    pages = crawled(Desk(app, TOWN))
    assert len(pages) > 60
    for url, text in pages:
        assert THEIRS[0] not in text, url
        assert not [name for name in villages if name in text or f">{short_name(name)}<" in text], url
        assert XIAJIAYING not in text, url
    assert any(HERS[0] in text for _url, text in pages)


def test_nothing_of_another_township_is_found_or_counted(app):
    with looking(app):
        person = db.session.scalars(select(Person).where(Person.name.startswith(THEIRS[0]))).first()
        number, name = person.id_number, person.name
    desk = Desk(app, TOWN)
    for room in ("case", "certificate", "document"):
        for text in (name, name[:2], "weichi", number):
            page = desk.get(f"/admin/{room}/", query_string={"search": text}).text
            assert re.findall(r"共 (\d+) 条", page) == [], (room, text)
            assert "details/?id=" not in page, (room, text)
    every = desk.get("/admin/case/").text
    assert re.search(r"共 (\d+) 条", every)[1] == "10"
    asked = "flt0_township={0}", "flt0_village={1}", "flt0_township={0}&flt0_village={1}"
    for query in asked:
        assert re.search(r"共 (\d+) 条", desk.get(f"/admin/case/?{query.format(XIAJIAYING, THERE)}").text)[1] == "10"


# Signing in

def test_what_is_withdrawn_is_withdrawn_at_the_next_request(app, ids):
    desk = Desk(app, "county_clerk")
    assert desk.get("/admin/roster/").status_code == 200
    with looking(app):
        moved_to(user(Role.COUNTY_CLERK), Role.AUDITOR)
    assert desk.get("/admin/roster/").location.startswith("/login")
    desk = Desk(app, "county_clerk")
    assert desk.get("/admin/roster/").status_code == 403
    with looking(app):
        user(Role.COUNTY_CLERK).active = False
    assert desk.get("/admin/").location.startswith("/login")
    assert desk.post("/login", username="county_clerk", password=PASSWORD).status_code == 401


def user(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


@pytest.mark.parametrize("ended_by", ["sign-out", "sign-in elsewhere", "disabling", "new password", "ended by the county"])
def test_a_copied_cookie_is_dead(app, ended_by):
    desk = Desk(app, TOWN)
    copied = desk.client.get_cookie("session").value
    if ended_by == "sign-out":
        assert desk.post("/logout").status_code == 302
    elif ended_by == "sign-in elsewhere":
        Desk(app, TOWN)
    else:
        with looking(app):
            id, version = user(TOWN).id, user(TOWN).version
        verb = {"disabling": "active", "new password": "password"}.get(ended_by, "sessions")
        assert Desk(app, "county_admin").post(f"/admin/user/{id}/{verb}", version=version).status_code == 302
    thief = Desk(app)
    thief.client.set_cookie("session", copied)
    assert thief.get("/admin/").location.startswith("/login")
    assert thief.get("/admin/case/").location.startswith("/login")


def without_tokens(page: str) -> str:
    """A page without what differs from second to second."""
    return re.sub(r'(name="csrf_token" value=)"[^"]*"', r"\1", page)


def test_five_wrong_tries_lock_the_name_and_nobody_else(app):
    desk = Desk(app)
    desk.get("/login")
    for _ in range(4):
        assert desk.post("/login", username=TOWN, password="wrong").status_code == 401
    assert desk.post("/login", username=TOWN, password="wrong").status_code == 401
    assert desk.post("/login", username=TOWN, password=PASSWORD).status_code == 401
    unknown = desk.post("/login", username="nobody", password=PASSWORD).text.replace("nobody", TOWN)
    assert without_tokens(unknown) == without_tokens(desk.post("/login", username=TOWN, password=PASSWORD).text)
    assert desk.post("/login", username=OTHER, password=PASSWORD).status_code == 302


@pytest.mark.parametrize("username", [None, "gone"])
def test_strangers_reach_nothing(app, ids, username):
    desk = Desk(app)
    desk.get("/login")
    if username:
        assert desk.post("/login", username=username, password=PASSWORD).status_code == 401
    before = kept(app)
    for rule in rules(app, "GET"):
        for id in (ids["here"].get(kind_of_row(rule)), MISSING):
            assert desk.get(address(rule, id)).location.startswith("/login?next="), rule
    for rule in rules(app, "POST"):
        assert desk.post(*sent(rule, ids["here"].get(kind_of_row(rule)), ids["here"]["case"])).location.startswith("/login"), rule
    assert changed(before, kept(app)) == []


# What is sent twice, or wrongly

def test_the_same_order_of_papers_twice_is_one(app):
    with looking(app):
        case = db.session.scalars(select(Case).join(Person).where(Person.name == f"{HERS[0]}补")).one()
        url, typed = f"/admin/case/{case.id}/paper", {"kind": "certification", "version": str(case.version)}
    desk, papers = Desk(app, TOWN), lambda: len(kept(app)["document"])
    before, ordered = papers(), [desk.post(url, typed).location for _ in range(3)]
    assert len(set(ordered)) == 1
    assert "/admin/task/" in ordered[0]
    assert papers() == before + 1


def test_odd_signs_and_days_are_answered(app):
    desk = Desk(app, "county_admin")
    for text in ("\U0010ffff", "\ud7ff", "王\U0010ffff", "9999-12-31", "0001-01-01", "2021-02-30", "%", "'", "0"*60):
        for room in ("case", "audit", "village", "user", "settlement"):
            assert desk.get(f"/admin/{room}/", query_string={"search": text}).status_code == 200, (room, text)
    for day in ("0001-01-01", "0001-01-05", "9999-12-31", "1800-01-01"):
        assert desk.get(f"/admin/ranking/?day={day}").status_code in (200, 422), day
        assert desk.get(f"/admin/ranking/workbook?day={day}").status_code in (200, 404), day


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "x", "9" * 30, "9999-99-99"])
def test_no_blank_and_no_nonsense_gets_past_a_form(app, blank):
    desk = Desk(app, "county_admin")
    with looking(app):
        version = str(db.session.get(Campaign, 1).version)
    forms = {
        "/admin/campaign/edit/?id=1": {"title": "清理", "document_no": "号", "verify_by": "2021-09-20", "clear_by": "2021-10-31",
                                       "bureau": "局", "office": "中心", "address": "地址", "phone": "电话", "refund_days": "30",
                                       "version": version},
        "/admin/rate/new/": FIELDS["rate.create_view"],
        "/admin/user/new/": {"username": "li", "name": "李", "role": "township", "township": TIANNING, "basis": "文件"}}
    for url, typed in forms.items():
        for name in typed:
            status = desk.post(url, typed | {name: blank}).status_code
            assert status in ((409,) if name == "version" else (422,) if not blank.strip() else (302, 422)), (url, name)
            if status == 302:
                break


def test_a_sign_no_browser_sends_is_refused(app, ids):
    desk = Desk(app, "county_clerk")
    assert desk.post(f"/admin/case/{ids['here']['case']}/number", why="a\0b").status_code == 400
    stranger = Desk(app)
    stranger.get("/login")
    assert stranger.post("/login", username="a\0", password="b").status_code == 400


@pytest.mark.parametrize("township", ["141122999", "141122400", "999999999", "", "x"])
def test_a_login_belongs_to_a_township_with_a_government(app, township):
    desk = Desk(app, "county_admin")
    assert desk.post("/admin/user/new/", username="li", name="李", role="township", township=township,
                     basis="文件").status_code == 422
    assert desk.post("/admin/user/new/", username="li\n", name="李", role="auditor", basis="文件").status_code == 422


def test_a_form_that_came_too_late_leads_back_to_its_page(app, ids):
    desk, url = Desk(app), f"/admin/case/{ids['here']['case']}/"
    desk.get("/login")
    for page, wanted in ((f"/admin/case/details/?id={ids['here']['case']}",) * 2, ("/admin/case/bulk", None), ("//evil/", None)):
        answer = desk.client.post(f"{url}step", data={"csrf_token": desk.token}, headers={"Referer": f"http://localhost{page}"})
        assert parse_qs(urlsplit(answer.location).query).get("next", [None])[0] == wanted, page


# Headers

def test_every_answer_tells_the_browser_what_is_safe(app, ids):
    desk = Desk(app, "county_clerk")
    stranger = Desk(app)
    urls = ["/", "/login", "/nothing", "/healthz", "/static/portal.css", "/static/none", "/admin/", "/admin/user/",
            "/admin/case/0/step", f"/admin/certificate/{ids['here']['certificate']}/download", "/admin/roster/template/roster"]
    for url in urls:
        for client in (desk.client, stranger.client):
            headers = client.get(url).headers
            policy = headers["Content-Security-Policy"]
            assert "unsafe" not in policy, url
            assert "frame-ancestors 'none'" in policy, url
            assert headers["X-Content-Type-Options"] == "nosniff", url
            assert headers["Cache-Control"] == ("no-cache" if url == "/static/portal.css" else "no-store"), url


def test_cookies_that_came_over_https_stay_there(app):
    for scheme, secure in (("http", False), ("https", True)):
        cookie = app.test_client().get("/login", base_url=f"{scheme}://localhost").headers["Set-Cookie"]
        assert ("Secure" in cookie) is secure
        assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


# Numbers of people

def test_no_page_and_no_export_holds_a_whole_number(app):
    with looking(app):
        numbers = list(db.session.scalars(select(Person.id_number)))
    assert len(numbers) == 20
    for post in ("auditor", TOWN):
        desk = Desk(app, post)
        for url, text in crawled(desk, most=70):
            found = [number for number in numbers if number in text or number in url]
            assert found == [], (post, url)
        for url in ("/admin/settlement/export", "/admin/handing/export", f"/admin/handing/villages?township={TIANNING}"):
            answer = desk.get(url)
            assert [number for number in numbers if any(number in text for text in unpacked(answer.data))] == [], (post, url)


def unpacked(content: bytes) -> list[str]:
    """Everything that is written in a workbook, or in an archive of workbooks."""
    if content[:2] != b"PK":
        return [content.decode("utf-8", "replace")]
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return [text for name in opened.namelist() for text in unpacked(opened.read(name))]


def test_an_id_number_typed_for_a_user_name_stays_out_of_the_trail(app):
    desk = Desk(app)
    desk.get("/login")
    desk.post("/login", username="142322195003121233", password=PASSWORD)
    assert not [row for row in kept(app)["audit_entry"] if "142322195003121233" in str(row)]
    assert "142322195003121233" not in Desk(app, "auditor").get("/admin/audit/").text


# Files

@pytest.mark.parametrize(("name", "kept_as"), [
    ("../../../etc/passwd.png", "passwd.png"), ("a\x01b\u202e.png", "ab.png"), ("户籍 注销.png", "户籍 注销.png"),
    ("n" * 300 + ".png", "n" * 110 + ".png"), ("<b>.png", "<b>.png"), ("a;b=c.png", "a;b=c.png")])
def test_names_of_files_reach_neither_the_disk_nor_a_header_unquoted(app, ids, name, kept_as):
    desk, folder = Desk(app, TOWN), app.config["PORTAL"].data_dir
    with looking(app):
        version = str(db.session.get(Case, ids["here"]["case"]).version)
    before = {path for path in folder.parent.rglob("*") if path.is_file()}
    url = f"/admin/case/{ids['here']['case']}/attach"
    content = scan() + name.encode("utf-8", "replace")
    assert desk.post(url, {"version": version, "proof-other": (io.BytesIO(content), name)}).status_code == 302
    with looking(app):
        newest = db.session.scalars(select(Certificate).order_by(Certificate.id.desc())).first()
        assert newest.name == kept_as
        file = desk.get(f"/admin/certificate/{newest.id}/download")
    assert file.data == content
    assert file.headers["Content-Disposition"].startswith("attachment; ")
    assert file.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{quote(kept_as, safe='')}")
    new = {path for path in folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(folder / "files") or "translations" in path.parts for path in new)


@pytest.mark.parametrize("content", [
    b"", b"<html><script>alert(1)</script>", b"MZ", b"PK\x03\x04", b"<svg onload='x'/>", b"%PDF-" + b"x" * 11_000_000,
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\1\0\0\0\0"], ids=range(7))
def test_what_is_no_scan_is_not_kept(app, ids, content):
    desk, before = Desk(app, TOWN), kept(app)
    with looking(app):
        version = str(db.session.get(Case, ids["here"]["case"]).version)
    answer = desk.post(f"/admin/case/{ids['here']['case']}/attach", {
        "version": version, "proof-other": (io.BytesIO(content), "扫描.pdf")})
    assert answer.status_code == 422
    assert changed(before, kept(app)) == []


# At the same moment

def at_once(app, desk: Desk, url: str, fields: dict, times: int = 5) -> list[int]:
    """The statuses of the same form, sent by as many browsers of one sign-in at the same moment."""
    start, cookie = Barrier(times), desk.client.get_cookie("session").value

    def send(_: int) -> int:
        client = app.test_client()
        client.set_cookie("session", cookie)
        start.wait(10)
        return client.post(url, data=fields | {"csrf_token": desk.token}).status_code
    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(send, range(times)))


def test_a_form_sent_by_two_at_the_same_moment_has_one_effect(app, ids):
    clerk, town = Desk(app, "county_admin"), Desk(app, TOWN)
    with looking(app):
        case = db.session.scalars(select(Case).where(Case.area_code == HERE, Case.category == "unknown")).one()
        step = {"step": "establish", "version": str(case.version), "fact-category": "no_card", "fact-how": "phone"}
        url = f"/admin/case/{case.id}/step"
    assert at_once(app, town, url, step) == [302, 409, 409, 409, 409]
    assert at_once(app, clerk, "/admin/rate/new/", FIELDS["rate.create_view"]) == [302, 422, 422, 422, 422]
    assert at_once(app, clerk, "/admin/user/new/", FIELDS["user.create_view"]) == [302, 422, 422, 422, 422]
    assert at_once(app, town, "/admin/handing/receipt", {"handout": str(ids["here"]["handout"]), "person": "某"}) \
        == [302, 422, 422, 422, 422]
