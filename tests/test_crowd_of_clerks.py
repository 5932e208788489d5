"""Clerks of several townships at once, each as the load run has them: every answer is right, and every act is told once."""

from __future__ import annotations

import http.client
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from factories import a_case, arranging, moment
from serving import served as behind_waitress
from sqlalchemy import func, select

from models import audit
from models.area import Township, Village
from models.audit import AuditEntry
from models.base import db
from models.case import Case

sys.path.append(str(Path(__file__).parent / "load"))
import routine
from desk import Answer, Desk

DAY = (routine.correct, routine.establish, routine.certify, routine.attach, routine.accept_twenty)


@pytest.fixture
def county(served):
    """The portal with people in five townships: some that nobody looked into, with what the list proposes, some to certify."""
    app = served(second_factor=False, now=moment("2021-11-02"))
    with app.app_context():
        with arranging():
            codes = db.session.scalars(select(Township.area_code).where(Township.ranked)).all()[:5]
            villages = [db.session.scalar(select(func.min(Village.area_code)).where(Village.area_code.startswith(code)))
                        for code in codes]
        for village in villages:
            proposed = [a_case(village) for _ in range(3)]
            a_case(village, category="uncertified")
            with arranging():
                for case in proposed:
                    case.proposed = "no_card"
    return app, codes


def wire_to(address: str):
    """Requests by the standard library, with the cookie of one person."""
    cookie: dict[str, str] = {}

    def send(method, path, name, judge, body=None, kind=""):
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request(method, path, body, {"Cookie": cookie.get("all", "")} | ({"Content-Type": kind} if kind else {}))
        got = connection.getresponse()
        answer = Answer(got.status, got.getheader("Location", ""), got.read())
        connection.close()
        if got.getheader("Set-Cookie"):
            cookie["all"] = got.getheader("Set-Cookie").partition(";")[0]
        judge(answer)
        return answer
    return send


def a_day(address: str, township: str) -> Counter:
    """What was acknowledged to the clerk of a township in a day's work."""
    desk = Desk(wire_to(address), f"township-{township}")
    desk.sign_in()
    for act in DAY:
        act(desk)
    return Counter({(desk.username, act): times for act, times in desk.done.items()})


def test_a_crowd_of_clerks_is_served_and_every_act_told_once(county, caplog):
    app, codes = county
    with behind_waitress(app) as address, ThreadPoolExecutor(len(codes)) as crowd:
        done = sum(crowd.map(lambda code: a_day(address, code), codes), Counter())

    with app.app_context(), arranging():
        told = Counter(map(tuple, db.session.execute(select(AuditEntry.actor, AuditEntry.act).where(
            AuditEntry.actor.startswith("township-"), AuditEntry.origin == "screen", AuditEntry.result == "done",
            AuditEntry.session_id.is_not(None) | (AuditEntry.act == "sign_in")))))
        assert told == done
        assert db.session.scalar(select(func.count()).select_from(Case).where(Case.category == "unknown")) == 0
        audit.verify()
    assert "locked" not in caplog.text
