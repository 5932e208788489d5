"""An impatient person in Chromium: two forms leave the browser, one thing is done, and the page shows what came of it."""

from __future__ import annotations

from threading import Event

import pytest
from browsing import chromium, seats
from factories import PASSWORD
from flask import Response, request
from running import until
from screening import looking
from serving import served
from sqlalchemy import select

from models.audit import AuditEntry
from models.base import db
from models.user import User

pytestmark = pytest.mark.browser
URL = "/admin/user/new/"


def test_who_presses_again_before_the_answer_adds_one_user_and_reads_the_code(portal, tmp_path):
    """Without the portal's script, which holds a second press off where it runs."""
    came, second = [], Event()

    def note() -> None:
        if (request.method, request.path) == ("POST", URL):
            came.append(request.form["once"])
            if len(came) == 2:
                second.set()

    def slow(answer: Response) -> Response:
        """The first answer is lost: its page is not shown before the form came again."""
        if (request.method, request.path) == ("POST", URL):
            assert second.wait(20)
        return answer
    portal.before_request_funcs[None].insert(0, note)
    portal.after_request_funcs[None].insert(0, slow)
    with served(portal) as address, chromium() as browser, seats(browser, f"http://{address}", tmp_path) as seat:
        person = seat(java_script_enabled=False)
        person.sign_in("county_admin", PASSWORD)
        person.page.goto(URL)
        for label, text in (("用户名", "zhao"), ("姓名", "赵小明"), ("依据", "文件")):
            person.write(label, text)
        person.choose("岗位", "审计")
        box = person.button("保存").bounding_box()
        for n in (1, 2):  # by the mouse, which does not wait for a page as Playwright's own press does
            person.page.mouse.click(box["x"] + 5, box["y"] + 5)
            until(lambda n=n: len(came) >= n)
        person.at("用户")
        person.sees("zhao 的一次性登录码", "赵小明")
    assert came == [came[0]] * 2
    with looking(portal):
        assert len(db.session.scalars(select(User).where(User.username == "zhao")).all()) == 1
        assert [entry.result for entry in db.session.scalars(select(AuditEntry).where(AuditEntry.act == "ask_post"))] == ["done"]
