"""What each post does in a day, and how often: the working mix of the load run."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from typing import NoReturn

from desk import LISTED, SAVED, Desk, Page, Wrong
from forms import File

THINK = (5.0, 20.0)  # seconds between two things a clerk does
POLL = 2.0           # a task's page asks again by itself
DAY, MONTH, BEFORE = "2021-11-01", "2021-11", "2021-10-20"
CASES, CASE = "/admin/case/", "/admin/case/details/"
NAMES = ("王桂兰", "李福生", "张玉梅", "陈", "赵金莲", "wgl", "liuyoucai", "yangyuying")


def a_scan(dice: random.Random, side: int = 320) -> File:
    """A small picture in shades of grey, no two alike."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + dice.randbytes(side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return File("证明.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1))
                + chunk(b"IEND", b""), "image/png")


def home(desk: Desk) -> None:
    desk.get("/admin/", "home")


def people(desk: Desk) -> None:
    """The list by pages, filters and order, and somebody on it."""
    asked = desk.dice.choice([
        {}, {}, {"page": desk.dice.randrange(1, 40)}, {"state": "unverified"}, {"waits": "me"}, {"due": "late"},
        {"category": "deceased", "kind": "stock"}, {"mark": "lacks"}, {"sort": 0}])
    page = desk.list(CASES, "list", **asked)
    desk.ponder()
    if page.ids:
        desk.get(f"{CASE}?id={desk.dice.choice(page.ids)}", "case")


def search(desk: Desk) -> None:
    """A name, its beginning, its letters or the end of a number, in the box of the frame."""
    text = desk.dice.choice([*NAMES, f"{desk.dice.randrange(10000):04d}"])
    form = desk.list(CASES, "list").form("/admin/find/").fill(search=text)
    desk.ponder()
    page = desk.send(form, "search", r"/admin/case/\?seek=", LISTED)
    if page.ids:
        desk.ponder()
        desk.get(f"{CASE}?id={page.ids[0]}", "case")


def _case(desk: Desk, **filters: str) -> tuple[str, Page] | None:
    """A case of one's own that the list shows under these filters, and its page."""
    id = desk.pick(CASES, "list by step", **filters)
    if id is None:
        return None
    desk.ponder()
    return id, desk.get(f"{CASE}?id={id}", "case")


def _step(step: str, facts: dict[str, str], **filters: str) -> Callable[[Desk], None]:
    """A step of a case, with what it asks."""
    def take(desk: Desk) -> None:
        if found := _case(desk, step=step, **filters):
            form = found[1].form(f"/admin/case/{found[0]}/step")
            desk.ponder()
            asked = {f"fact-{key}": value for key, value in facts.items()}
            desk.send(form.fill(**asked, then="stay"), f"step {step}", CASE, SAVED)
            desk.note("step")
    take.__name__ = step
    return take


establish = _step("establish", {"category": "uncertified", "how": "phone"})
certify = _step("certify", {"certified_on": DAY, "method": "at_home"}, category="uncertified")
card = _step("card", {"card_bound_on": BEFORE})
resume = _step("resume", {"resumes": MONTH}, category="uncertified")
settle = _step("settle", {}, category="uncertified")


def correct(desk: Desk) -> None:
    if found := _case(desk, step="establish"):
        form = desk.get(f"/admin/case/{found[0]}/correct", "correction form").form(has='name="phone"')
        desk.ponder()
        desk.send(form.fill(phone=f"0358-{desk.dice.randrange(10**7):07d}"), "correct", CASE, SAVED)
        desk.note("case.correct")


def attach(desk: Desk) -> None:
    if found := _case(desk, step="certify", category="uncertified"):
        form = found[1].form(f"/admin/case/{found[0]}/attach")
        desk.ponder()
        desk.send(form, "attach", CASE, SAVED, **{"proof-other": a_scan(desk.dice)})
        desk.note("case.attach")


def accept_twenty(desk: Desk) -> None:
    """Twenty proposals accepted at once: ticks, question, check page, done."""
    page = desk.list(CASES, "list of 200", step="establish", page_size=200, page=desk.dice.randrange(3))
    ids = desk.mine(page)[:20]
    if not ids:
        return
    desk.ponder()
    ticked = page.form("/admin/case/action/").fill(action="accept", rowid=ids)
    form = desk.send(ticked, "accept: ticks").form("/admin/case/bulk").fill(**{"fact-how": "records"})
    desk.ponder()
    check = desk.send(form, "accept: check").form("/admin/case/bulk")
    desk.ponder()
    desk.send(check, "accept 20", wants=SAVED)
    desk.note("step", len(ids))


def order_paper(desk: Desk) -> None:
    """A notice ordered, its task watched until it is drawn, and the paper fetched."""
    if not (found := _case(desk, step="certify", category="uncertified")):
        return
    form = found[1].form(f"/admin/case/{found[0]}/paper").fill(kind="certification")
    page = desk.send(form, "order a paper", r"/admin/task/\d+")
    page = _watched(desk, page)
    paper = page.button(r"/admin/document/\d+/download") or _not_made()
    desk.ponder()
    desk.fetch(paper, "fetch a paper", b"%PDF")
    desk.note("download")


def _watched(desk: Desk, page: Page) -> Page:
    """The page of a task once it has ended, or after two minutes."""
    for _ in range(60):
        if 'http-equiv="refresh"' not in page.text:
            break
        desk.wait(POLL)
        page = desk.get(page.path, "task")
    return page


def _not_made() -> NoReturn:
    raise Wrong("a task made no file within two minutes")


def village_lists(desk: Desk) -> None:
    """The workbooks of all villages of the township: ordered, watched and fetched."""
    order = desk.get("/admin/handing/", "handing out").button(r"/admin/handing/villages[^\"]*")
    desk.ponder()
    page = _watched(desk, desk.send(order, "order the workbooks", r"/admin/task/\d+"))
    desk.fetch(page.button(r"/admin/task/\d+/file") or _not_made(), "workbooks of a township", b"PK")
    desk.note("export")


def _sign(deed: str) -> Callable[[Desk], None]:
    """A settlement looked at and signed."""
    def sign(desk: Desk) -> None:
        id = desk.pick("/admin/settlement/", "settlements that wait", waits="me")
        if id is None:
            return
        desk.ponder()
        form = desk.get(f"/admin/settlement/details/?id={id}", "settlement").form("/admin/settlement/sign", f'value="{deed}"')
        desk.ponder()
        check = desk.send(form, f"{deed}: check").form("/admin/settlement/sign")
        desk.send(check, deed, "/admin/settlement/details/", SAVED)
        desk.note("step")
    sign.__name__ = deed
    return sign


def standings(desk: Desk) -> None:
    desk.get("/admin/ranking/", "ranking")


def ranking_workbook(desk: Desk) -> None:
    desk.fetch(desk.get("/admin/ranking/", "ranking").button("/admin/ranking/workbook[^\"]*"), "workbook of the ranking", b"PK")
    desk.note("export")


def trail(desk: Desk) -> None:
    """The trail: its newest entries, an older page, one act, one person, one entry."""
    asked = desk.dice.choice([{}, {}, {"page": desk.dice.randrange(1, 200)}, {"act": "step"}, {"since": "7"},
                              {"search": "township-141122100"}, {"search": "2021-10-01"}])
    page = desk.list("/admin/audit/", "trail", **asked)
    desk.ponder()
    if page.ids:
        desk.get(f"/admin/audit/details/?id={desk.dice.choice(page.ids)}", "entry of the trail")


def accounts(desk: Desk) -> None:
    desk.list(desk.dice.choice(["/admin/user/", "/admin/signin/"]), "people and sign-ins")


READING = {home: 3, people: 5, search: 4, standings: 1}
ROUTINE: dict[str, dict[Callable[[Desk], None], float]] = {
    "township": READING | {establish: 4, certify: 5, card: 2, correct: 2, attach: 2, accept_twenty: 1, order_paper: 2,
                           village_lists: 0.2},
    "county_clerk": READING | {resume: 4, settle: 4, establish: 2, attach: 1, order_paper: 1, ranking_workbook: 1},
    "county_reviewer": READING | {_sign("review"): 8},
    "county_approver": READING | {_sign("approve"): 8},
    "auditor": READING | {trail: 10},
    "county_admin": READING | {accounts: 3},
}


def work(desk: Desk, post: str) -> None:
    """One thing out of what the post does."""
    acts = ROUTINE[post]
    desk.dice.choices(list(acts), list(acts.values()))[0](desk)
