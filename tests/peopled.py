"""Two townships with something of every kind in each: what the tests of access knock at."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from factories import NOW, TIANNING, XIAJIAYING, a_case, a_user, arranging, holder, seeing_as, step, walk
from flask import Flask
from PIL import Image
from sqlalchemy import select

from models import draft, handing, outbox, realtime
from models.area import Township, Village
from models.audit import AuditEntry
from models.base import db
from models.campaign import Campaign, Handout, Preparation, the_campaign
from models.case import Case
from models.categories import CATEGORIES
from models.certificate import Certificate, Upload, attach
from models.document import DRAWN, REFUSED, Bulletin, Document
from models.formkey import FormKey
from models.imports import ImportRun
from models.leaving import ExportRequest
from models.ledger import PublishedRate, Settlement
from models.numberview import NumberView
from models.outbox import DONE, FAILED, Task
from models.papers import order_documents
from models.passwords import OldPassword
from models.scope import everything
from models.seek import Seek
from models.user import Role, User
from portal import create_app
from portal.settings import Settings
from portal.store import Store

HERE, THERE = f"{TIANNING}001", f"{XIAJIAYING}201"
NEXT = {HERE: f"{TIANNING}002", THERE: f"{XIAJIAYING}202"}  # a village whose list nobody handed on
TOWN, OTHER = f"township-{TIANNING}", f"township-{XIAJIAYING}"
# Names that stand on no row but a township's own.
HERS, THEIRS = ("贾本地", "甲"), ("尉迟外", "乙")


def scan() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(file, "PNG")
    return file.getvalue()


def office(database: str, folder: Path, **changes: object) -> Flask:
    return create_app(Settings(data_dir=folder, database_url=database, now=NOW, demo=True, **changes))


@dataclass(frozen=True)
class Townships:
    """Both townships as a template, with their files and the ids of what lies where."""

    stage: Any
    folder: Path
    ids: dict[str, dict[str, int]]

    @contextmanager
    def opened(self, name: str) -> Iterator[Flask]:
        """The portal on a copy of them under this name."""
        self.fresh(name)
        app = office(self.stage.url(name), self.folder)
        yield app
        with app.app_context():
            db.engine.dispose()

    def fresh(self, name: str) -> None:
        self.stage.copy("peopled", name)


def furnish(folder: Path) -> dict[str, dict[str, int]]:
    """Fill both townships; the ids of what lies where: {"here": {"case": 1, …}, "there": {…}}."""
    put = Store(folder / "files").put
    with everything("test"):
        for village, mark in ((HERE, HERS), (THERE, THEIRS)):
            _people(village, mark)
        with arranging() as now:
            handing.hand_out(the_campaign(), "county_clerk", now)
        with arranging() as now:
            a_user(Role.COUNTY_CLERK, username="gone")
            for code in (TIANNING, XIAJIAYING):
                _prepared(code, put, now)
            for code, mark in ((HERE, HERS), (THERE, THEIRS)):
                _papers(code, mark, put, now)
                _refused(code, now)
                _archive(code[:9], put, now)
                _signed_in(code[:9], now)
                db.session.add(ExportRequest(sheet="cases_full", area_code=code[:9], reason="存档", people=501,
                                             asked_by="county_clerk", asked_at=now))
        for village, mark in ((HERE, HERS), (THERE, THEIRS)):
            step(a_case(NEXT[village], category="uncertified", name=f"{mark[0]}邻"), "certify")
        return {name: _ids(code, mark) for name, code, mark in (("here", HERE, HERS), ("there", THERE, THEIRS))}


def _signed_in(code: str, now) -> None:
    """Another clerk of the township, with all that signing in and looking for people leaves behind."""
    clerk = a_user(Role.TOWNSHIP, code, username=f"second-{code}")
    db.session.flush()
    clerk.old_passwords.append(OldPassword(password_hash="x"))
    draft.keep(clerk, "/admin/", None, [("x", "x")], False, realtime.now())  # others are purged at the next sign-in
    db.session.add_all((Seek(ticket=code, username=clerk.username, area_code=code, text="王", kept_at=now),
                        FormKey(key_hash=code, user_id=clerk.id, area_code=code, endpoint="x", digest="x", done=True,
                                made_at=realtime.now()),
                        NumberView(username=clerk.username, area_code=code, seen_at=now)))


def _people(village: str, mark: tuple[str, str]) -> None:
    for number, key in enumerate(CATEGORIES):
        a_case(village, paused_from=f"2020-{number + 1:02d}", category=None if key == "unknown" else key,
               name=f"{mark[0]}{number}")
    drawn = {"alive": "yes", "impostor_from": "2019-10", "impostor_to": "2019-12"}
    walk(a_case(village, category="impostor", name=f"{mark[0]}退"), "approve", **drawn)
    walk(a_case(village, category="impostor", name=f"{mark[0]}还"), "refund", **drawn)
    step(walk(a_case(village, category="uncertified", name=f"{mark[0]}补"), "resume"), "settle")


def _prepared(code: str, put, now) -> None:
    handout = db.session.scalar(select(Handout).where(Handout.area_code == code))
    handing.confirm_receipt(handout, f"{code}收", now)
    db.session.flush()
    handing.hand_on(the_campaign(), code, f"township-{code}", now)
    plan = Upload("other", put(scan()), f"{code}方案.png", len(scan()), "image/png")
    handing.prepare(the_campaign(), code, "组长", "组员", plan, f"township-{code}", now)


def _papers(village: str, mark: tuple[str, str], put, now) -> None:
    case = db.session.scalars(select(Case).where(Case.area_code == village).order_by(Case.id)).first()
    attach(case, Upload("household_cancellation", put(scan() + village.encode()), f"{mark[0]}证明.png", 9, "image/png"),
           f"township-{village[:9]}", now)
    with seeing_as(holder(Role.TOWNSHIP, case)):
        task = order_documents([case], "certification", holder(Role.TOWNSHIP, case), now)
        db.session.flush()
    task.state, task.finished = DONE, 1
    document = db.session.scalars(select(Document).where(Document.task_id == task.id)).one()
    document.state, document.sha256 = DRAWN, put(b"%PDF-1.4 " + village.encode())
    db.session.add(ImportRun(kind="roster", area_code=village[:9], file_name=f"{mark[0]}名单.xlsx",
                             sha256=hashlib.sha256(village.encode()).hexdigest(), counts={"new": 1}, imported_at=now,
                             imported_by="county_clerk"))
    if village == HERE:
        db.session.add(Bulletin(campaign=the_campaign(), as_of=now.date() - timedelta(days=1), kind="ranking", facts={},
                                file_name="通报.pdf",
                                ordered_by="county_clerk", ordered_at=now, state=DRAWN, task_id=task.id,
                                sha256=put(b"%PDF-1.4 ranking")))


def _refused(village: str, now) -> None:
    """A paper that could not be drawn, and its task: both may be ordered again."""
    case = db.session.scalars(select(Case).where(Case.area_code == village).order_by(Case.id.desc())).first()
    with seeing_as(holder(Role.TOWNSHIP, case)):
        task = order_documents([case], "certification", holder(Role.TOWNSHIP, case), now)
        db.session.flush()
    task.state = FAILED
    db.session.scalars(select(Document).where(Document.task_id == task.id)).one().state = REFUSED


def _archive(township: str, put, now) -> None:
    """Village lists that the county's clerk had made in the background."""
    task = outbox.order("village_lists", township, "county_clerk", campaign=the_campaign().id, villages=[], leaving="导出：")
    task.state, task.finished, task.file_name, task.sha256 = DONE, 1, "表册.zip", put(b"PK" + township.encode())


def _ids(village: str, mark: tuple[str, str]) -> dict[str, int]:
    """The first row of each kind; the certificate is the one that has a file."""
    def first(cls: type, *where: object, order: object = None) -> int:
        return db.session.scalars(select(cls.id).where(*where).order_by(cls.id if order is None else order)).first()
    town = village[:9]
    with_money = first(Case, Case.area_code == village, order=Case.id.desc())
    return {
        "case": first(Case, Case.area_code == village), "owed": with_money,
        "recovering": first(Case, Case.area_code == village, Case.next_step == "refund"),
        "begun": first(Case, Case.area_code == NEXT[village]),
        "unknown": first(Case, Case.area_code == village, Case.next_step == "establish"),
        "archive": first(Task, Task.area_code.startswith(town), Task.kind == "village_lists"),
        "failed": first(Task, Task.area_code.startswith(town), Task.state == FAILED),
        "code": town, "settlement": first(Settlement, Settlement.case_id == with_money),
        "certificate": first(Certificate, Certificate.name == f"{mark[0]}证明.png"), "campaign": first(Campaign),
        "handout": first(Handout, Handout.area_code == village), "rate": first(PublishedRate), "bulletin": first(Bulletin),
        "village": first(Village, Village.area_code == village),
        **{name: first(cls, cls.area_code.startswith(town)) for name, cls in (
            ("document", Document), ("task", Task), ("plan", Preparation), ("audit", AuditEntry), ("user", User),
            ("roster", ImportRun), ("request", ExportRequest), ("township", Township))}}
