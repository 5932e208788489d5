"""What takes its time is done before anything is written: meanwhile every other clerk may write."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from factories import TIANNING, a_case
from PIL import Image
from screening import Desk, hidden, looking
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

import views.handing
import views.ranking
import views.stepform
from models.audit import AuditEntry
from models.base import db
from models.case import Case
from models.certificate import Certificate
from models.schema import hurried
from models.user import User

TOWN = f"township-{TIANNING}"


def a_scan() -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "PNG")
    out.seek(0)
    return out, "证明.png"


# Who, the slow work as (module, name), and the form sent for the case of this id and version.
FORMS = {
    "a workbook": ("county_clerk", (views.ranking.sheets, "build"), lambda desk, case: desk.post("/admin/ranking/workbook")),
    "a table of receipts": (TOWN, (views.handing.sheets, "build"), lambda desk, case: desk.post("/admin/handing/export")),
    "a scan attached": (TOWN, (views.stepform, "checked_upload"), lambda desk, case: desk.post(
        f"/admin/case/{case[0]}/attach", {"version": case[1], "proof-other": a_scan()})),
    "a scan with a step": (TOWN, (views.stepform, "checked_upload"), lambda desk, case: desk.post(
        f"/admin/case/{case[0]}/step", {"version": case[1], "step": "establish", "fact-category": "uncertified",
                                        "fact-how": "phone", "proof-other": a_scan()})),
}
ENDPOINTS = {"a workbook": "ranking.workbook", "a scan attached": "case.attach"}


def written_by_another(engine) -> bool:
    """Whether somebody else, in a thread and a connection of their own, may write now."""
    def write() -> bool:
        try:
            with hurried(engine) as connection:
                connection.execute(update(User.__table__).values(failures=User.__table__.c.failures))
        except OperationalError:
            return False
        return True
    with ThreadPoolExecutor(1) as other:
        return other.submit(write).result()


@pytest.fixture
def case(portal) -> tuple[int, int]:
    with looking(portal):
        case = a_case()
        return case.id, case.version


def meanwhile(portal, monkeypatch, work, act) -> list:
    """What *act* gives each time the slow work is done, just before it."""
    found, (module, name) = [], work
    slow = getattr(module, name)

    def wrapped(*args, **kwargs):
        found.append(act())
        return slow(*args, **kwargs)
    monkeypatch.setattr(module, name, wrapped)
    return found


def engine_of(portal):
    with portal.app_context():
        return db.engine


@pytest.mark.parametrize("name", FORMS)
def test_others_write_while_something_slow_is_made(name, portal, case, monkeypatch):
    who, work, send = FORMS[name]
    desk, engine = Desk(portal, who), engine_of(portal)
    found = meanwhile(portal, monkeypatch, work, lambda: written_by_another(engine))
    with looking(portal):
        before = len(db.session.scalars(select(AuditEntry.id)).all())

    assert send(desk, case).status_code in (200, 302)

    assert found == [True]
    with looking(portal):
        assert len(db.session.scalars(select(AuditEntry.id)).all()) == before + 1


@pytest.mark.parametrize("name", ENDPOINTS)
def test_without_that_they_wait(name, portal, case, monkeypatch):
    who, work, send = FORMS[name]
    desk, engine = Desk(portal, who), engine_of(portal)
    monkeypatch.setattr(portal.view_functions[ENDPOINTS[name]].__func__, "reads_first", False)
    found = meanwhile(portal, monkeypatch, work, lambda: written_by_another(engine))

    assert send(desk, case).status_code in (200, 302)

    assert found == [False]


def test_a_case_that_changed_while_a_scan_was_read_is_not_written_over(portal, case, monkeypatch):
    desk, other = Desk(portal, TOWN), Desk(portal, "county_clerk")
    address = f"/admin/case/{case[0]}/correct"
    correct = {"version": hidden(other.get(address).text, "version"), "name": "王秀珍", "area_code": "141122100001", "phone": ""}

    def somebody_corrects() -> int:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: other.post(address, correct).status_code).result()
    found = meanwhile(portal, monkeypatch, (views.stepform, "checked_upload"), somebody_corrects)

    assert FORMS["a scan attached"][2](desk, case).status_code == 409

    assert found == [302]
    with looking(portal):
        assert db.session.scalars(select(Certificate)).all() == []
        assert db.session.get(Case, case[0]).person.name == "王秀珍"


def test_the_same_form_sent_twice_while_its_scan_is_read_attaches_once(portal, case, monkeypatch):
    desk, again = Desk(portal, TOWN), []
    sent = desk.tokens() | {"version": case[1]}
    attach = lambda: desk.client.post(f"/admin/case/{case[0]}/attach", data=sent | {"proof-other": a_scan()})

    def once_more() -> None:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as thread:
            again.append(thread.submit(attach).result().status_code)
    meanwhile(portal, monkeypatch, (views.stepform, "checked_upload"), once_more)

    assert attach().status_code == 302

    assert again == [302]
    with looking(portal):
        assert len(db.session.scalars(select(Certificate)).all()) == 1
