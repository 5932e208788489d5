"""Broken ground, for real: the disk of a running portal is full or read-only, its file handles are gone. People are told
so in Chinese, nothing is half done, and when it is over all goes on without a restart.
"""

from __future__ import annotations

import io
import os
import re
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis
from brokenground import Browser, Ground, furnished, mounting, office_at
from factories import PASSWORD
from PIL import Image
from running import until
from sqlalchemy import select, text

from models import audit
from models.base import db
from models.certificate import Certificate
from models.document import DRAWN, Bulletin, Document
from models.outbox import DONE, Task
from models.scope import everything

pytestmark = pytest.mark.skipif(mounting() is None, reason="this machine lets nobody mount a disk of their own (unshare): "
                                "tests/test_machine_faults.py meets the same errors without one")
FULL, READ_ONLY, HANDLES = "服务器磁盘已满", "只能读取、不能写入", "服务器打开的文件过多"
LONG = 90  # seconds, on a machine that does much else; the sweep comes every 15
CASE = "/admin/case/details/?id=1"
LIST = Path(__file__).parent / "samples" / "benefits.xlsx"
NOTE = "入户见到本人 𠮷"


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """One portal for all of them: each breaks its ground and mends it. What is on the disk at the end is looked at here."""
    folder = tmp_path_factory.mktemp("broken")
    ground = Ground(folder, furnished(folder / "source"))
    ground.acknowledged = []
    until(lambda: ground.waiting() == 0, LONG)  # a worker that is stopped while it writes would keep the others waiting
    yield ground
    logged = ground.log.read_text()
    whole(office_at(ground.end()), ground.acknowledged)
    assert not re.search(r" (web|schedule) ERROR", logged), logged
    assert [*ground.after.glob("files/*/half-*"), *ground.after.rglob("weasyprint-*")] == []


def whole(app, acknowledged: list[str]) -> None:
    """Nothing is broken; what was acknowledged is there once, and nothing else; every paper is drawn."""
    with app.app_context(), everything("test"):
        assert db.session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
        audit.verify()
        assert sorted(db.session.scalars(select(Certificate.name))) == sorted(acknowledged)
        for model in (Document, Bulletin):
            assert {row.state for row in db.session.scalars(select(model))} <= {DRAWN}, model
        assert {task.state for task in db.session.scalars(select(Task))} == {DONE}
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def town(ground) -> Browser:
    return Browser(ground.address, "town")


@pytest.fixture
def clerk(ground) -> Browser:
    browser = Browser(ground.address, "clerk")
    browser.get("/admin/roster/")
    return browser


def scan(side: int) -> bytes:
    """A picture like no other, of random points, which cannot be packed."""
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, "PNG")
    return file.getvalue()


def attach(browser: Browser, ground: Ground, side: int = 8) -> tuple[int, str]:
    """Add material to the case; what is acknowledged is noted."""
    name = f"{os.urandom(4).hex()}.png"
    answer = browser.post("/admin/case/1/attach", {"proof-other": (scan(side), name)}, **browser.case())
    if answer[0] == 302:
        ground.acknowledged.append(name)
    return answer


def reclassify(browser: Browser, category: str = "no_card") -> tuple[int, str]:
    """A form that writes, with something typed."""
    return browser.post("/admin/case/1/reclassify", category=category, why=NOTE, **browser.case())


def sign_in(ground: Ground) -> tuple[int, str]:
    browser = Browser(ground.address)
    browser.get("/login")
    return browser.post("/login", username="town", password=PASSWORD)


def check_list(clerk: Browser) -> tuple[int, str]:
    return clerk.post("/admin/roster/check", {"file": (LIST.read_bytes(), "名单.xlsx")}, kind="benefits")


def order(browser: Browser, case: int) -> None:
    """Order a paper of a case, which one can do but once."""
    assert browser.post(f"/admin/case/{case}/paper", kind="certification", **browser.case(case))[0] == 302


def told(answer: tuple[int, str], status: int, sentence: str) -> bool:
    """Whether the answer says it: one sentence in Chinese, without a word of a program's."""
    assert answer[0] == status, answer
    assert sentence in answer[1], answer[1]
    assert not re.search(r"Traceback|sqlite|Error|errno", answer[1]), answer[1]
    return True


def test_a_full_disk(ground, town, clerk):
    begun = len(ground.log.read_text())
    with ExitStack() as broken:
        with ground.stopped("worker"):
            order(town, 1)
            broken.enter_context(ground.full())
            assert [town.get(page)[0] for page in ("/admin/", "/admin/case/", CASE, "/admin/document/")] == [200] * 4
            refused = reclassify(town)
            assert told(refused, 507, FULL)
            assert NOTE in refused[1]
            assert told(attach(town, ground), 507, FULL)
            assert told(attach(town, ground, 700), 507, FULL)  # so large that it is put aside on the way
            assert told(check_list(clerk), 507, FULL)
            assert told(sign_in(ground), 507, FULL)
            assert FULL in ground.inside(sys.executable, "-m", "portal", "case", "1")
            bell = redis.Redis(unix_socket_path=f"{ground.disk}/redis/socket")
            with pytest.raises(redis.ResponseError):  # it cannot write its file either
                until(lambda: not bell.set("large", os.urandom(1 << 16)))
        until(lambda: "worker WARNING" in ground.log.read_text()[begun:], LONG)
    assert town.press(refused[1])[0] == 302  # the button on the page of the fault
    assert reclassify(town, "uncertified")[0] == 302
    assert attach(town, ground)[0] == 302
    assert check_list(clerk)[0] == 200
    assert sign_in(ground)[0] == 302
    until(lambda: writes(bell), LONG)
    bell.delete("large")
    until(lambda: ground.waiting() == 0, LONG)


def writes(bell: redis.Redis) -> bool:
    with suppress(redis.RedisError):
        return bool(bell.set("small", "x"))
    return False


def test_a_read_only_disk(ground, town, clerk):
    with ground.read_only():
        (before,) = ground.named("web")
        os.kill(before, 9)  # what was open already could still be written to
        (web,) = until(lambda: ground.named("web") - {before}, LONG)
        until(lambda: answers(town), LONG)
        assert [town.get(page)[0] for page in ("/admin/", "/admin/case/", CASE)] == [200] * 3
        for answer in (reclassify(town), attach(town, ground), check_list(clerk), sign_in(ground)):
            assert told(answer, 503, READ_ONLY)
    assert attach(town, ground)[0] == 302
    assert check_list(clerk)[0] == 200
    assert sign_in(ground)[0] == 302
    assert ground.named("web") == {web}


def answers(browser: Browser) -> bool:
    with suppress(OSError):
        return bool(browser.get("/healthz"))
    return False


def test_no_file_handles(ground, town):
    processes, begun = ground.children(), len(ground.log.read_text())
    host, port = ground.address.removeprefix("http://").split(":")

    def connected() -> socket.socket:
        return broken.enter_context(socket.create_connection((host, int(port)), 10))

    with ExitStack() as broken:
        with ground.stopped("worker"):
            order(town, 2)
            broken.enter_context(ground.without_handles(web=3, worker=0))
        until(lambda: connected() and "no new connection can be taken" in ground.log.read_text()[begun:], LONG)
        for method in ("GET", "POST"):
            late = connected()
            late.sendall(f"{method} /login HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = b"".join(iter(lambda line=late: line.recv(4096), b"")).decode()
            assert told((int(answer.split()[1]), answer), 503, HANDLES)
        until(lambda: "worker WARNING" in ground.log.read_text()[begun:], LONG)
    assert attach(town, ground)[0] == 302
    assert ground.children() == processes
    until(lambda: ground.waiting() == 0, LONG)
    assert ground.log.read_text()[begun:].count("no new connection can be taken") <= 2
