"""Clerks at one case, round after round, each in a thread: what each saw, what was accepted, and what the trail says of it.

A change is silent if it took the place of a value that its clerk had not seen. Of every change the trail knows what was
there before it, and the clerk's page says what was shown: the two have to be the same.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

from factories import COUNTY, TIANNING, a_case, a_user
from flask import Flask
from screening import Desk, hidden, looking
from sqlalchemy import inspect, select

from models.area import Names
from models.audit import AuditEntry
from models.base import db
from models.case import Case, StepDone
from models.user import Role

PATIENCE = 120  # seconds until a clerk gives up waiting for the others
CERTIFY = {"fact-certified_on": "2021-09-18", "fact-method": "app"}


@dataclass
class Score:
    """What a number of rounds came to."""

    rounds: int = 0
    accepted: int = 0
    refused: int = 0
    silent: list[Any] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, name) + getattr(other, name) for name in ("rounds", "accepted", "refused", "silent")))

    def __str__(self) -> str:
        return (f"{self.rounds} rounds, {self.accepted} changes accepted, {self.refused} refused with the difference, "
                f"{len(self.silent)} overwritten silently")


@dataclass(frozen=True)
class Change:
    """One accepted change, or one that was refused: the value its clerk saw, and the one they typed."""

    saw: str
    wrote: str
    accepted: bool


def clerks(app: Flask, count: int = 3) -> list[Desk]:
    """The township's clerk, the county's, and others of the county, each signed in."""
    with looking(app):
        names = [a_user(Role.COUNTY_CLERK, COUNTY, username=f"clerk-{n}").username for n in range(count - 2)]
    return [Desk(app, name) for name in (f"township-{TIANNING}", "county_clerk", *names)]


def together(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Every act in a thread of its own, begun at the same moment."""
    start = Barrier(len(acts))

    def begun(act: Callable[[], Any]) -> Any:
        start.wait(PATIENCE)
        return act()
    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begun, acts))


def in_turn(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    return [act() for act in acts]


Sending = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def correcting(app: Flask, desks: list[Desk], rounds: int, send: Sending = together) -> Score:
    """All open the form of one person; when all have it, each sends another name."""
    with looking(app):
        case = a_case()
        id, person = case.id, case.person_id
    url, changes = f"/admin/case/{id}/correct", []
    for number in range(rounds):
        pages = [desk.get(url).text for desk in desks]
        acts = [_correction(desk, url, page, f"王{number}之{who}")
                for who, (desk, page) in enumerate(zip(desks, pages, strict=True))]
        changes.append(send(acts))
    return _judged(changes, values(app, person, "name"))


def _correction(desk: Desk, url: str, page: str, name: str) -> Callable[[], Change]:
    saw = re.search(r'<input[^>]* name="name"[^>]* value="([^"]*)"', page)[1]
    area = re.search(r'<option selected value="(\d+)"', page)[1]
    typed = {"version": hidden(page, "version"), "seen": hidden(page, "seen"), "name": name, "area_code": area, "phone": ""}

    def act() -> Change:
        answer = desk.post(url, typed)
        if answer.status_code == 409:
            assert f'value="{name}"' in answer.text, "what was typed is kept"
            assert re.search(rf"<td[^>]*>{saw}</td>\s*<td[^>]*><b>王", answer.text), "the difference is shown"
        else:
            assert answer.status_code == 302, answer.text
        return Change(saw, name, answer.status_code == 302)
    return act


def values(app: Flask, person: int, column: str) -> list[tuple[str, str]]:
    """(before, after) of every change of a person's column that the trail knows."""
    with looking(app):
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [tuple(row["values"][column]) for entry in entries for row in entry.changed
                if (row["subject"], row["row_id"], row["change"]) == ("person", person, "update") and column in row["values"]]


def _judged(rounds: list[list[Change]], told: list[tuple[str, str]]) -> Score:
    sent = [change for changes in rounds for change in changes]
    saw = {change.wrote: change.saw for change in sent if change.accepted}
    assert sorted(saw) == sorted(after for _, after in told), "what was accepted is what the trail has"
    silent = [after for before, after in told if saw[after] != before]
    return Score(len(rounds), len(saw), len(sent) - len(saw), silent)


def stepping(app: Flask, desks: list[Desk], rounds: int, send: Sending = together) -> Score:
    """All open the page of one case; when all have it, all take its step, or take it back."""
    with looking(app):
        id = a_case(category="uncertified").id
    page, score = f"/admin/case/details/?id={id}", Score()
    for number in range(rounds):
        verb, typed = ("undo", {"why": "登记有误"}) if number % 2 else ("step", CERTIFY)
        acts = [_verb(desk, f"/admin/case/{id}/{verb}", desk.get(page).text, typed) for desk in desks]
        accepted = sum(send(acts))
        score += Score(1, accepted, len(desks) - accepted, ["a verb twice"] * (accepted - 1))
    with looking(app):
        done = db.session.scalars(select(StepDone).where(StepDone.case_id == id, StepDone.step == "certify")).all()
        standing = [step for step in done if step.undone_at is None]
        assert (len(done), len(standing)) == ((rounds + 1) // 2, rounds % 2) or score.silent
    return score


def _verb(desk: Desk, url: str, page: str, typed: dict[str, str]) -> Callable[[], bool]:
    sent = {"version": hidden(page, "version"), "seen": hidden(page, "seen"), "step": "certify"} | typed

    def act() -> bool:
        answer = desk.post(url, sent)
        assert answer.status_code in (302, 409, 422), answer.text
        return answer.status_code == 302
    return act


def against_import(app: Flask, clerk: Desk, importer: Desk, rounds: int) -> Score:
    """A clerk corrects a name while a list that was checked brings another one."""
    score = Score()
    for number in range(rounds):
        with looking(app):
            case = a_case(name=f"原{number}")
            id, person, listed = case.id, case.person_id, _list(case, f"单{number}")
        url = f"/admin/case/{id}/correct"
        check = importer.post("/admin/roster/check", kind="roster", file=(io.BytesIO(listed), f"{number}.csv")).text
        assert "将更新 1 人" in check, check
        confirm = _confirmation(importer, hidden(check, "sha256"), f"原{number}", f"单{number}")
        score += _judged([together([_correction(clerk, url, clerk.get(url).text, f"王{number}"), confirm])],
                         values(app, person, "name"))
    return score


def _confirmation(desk: Desk, sha256: str, saw: str, wrote: str) -> Callable[[], Change]:
    def act() -> Change:
        answer = desk.post("/admin/roster/confirm", sha256=sha256)
        assert answer.status_code in (200, 409), answer.text
        return Change(saw, wrote, answer.status_code == 200)
    return act


def _list(case: Case, name: str) -> bytes:
    place = Names().full(case.area_code)
    row = (place, "农业", case.person.id_number, name, case.person.sex, str(case.paused_from).replace("-", ""), "", "")
    return "\n".join(",".join(line) for line in (
        ("所在村组", "户籍性质", "证件号码", "姓名", "性别", "暂停年月", "暂停原因", "暂停备注"), row)).encode("utf-8-sig")


def against_batch(app: Flask, clerk: Desk, batcher: Desk, rounds: int, size: int = 3) -> Score:
    """A clerk takes the step of one case while a batch that was checked takes it of that one and of others."""
    score = Score()
    for _ in range(rounds):
        with looking(app):
            ids = [a_case(category="uncertified").id for _ in range(size)]
        form = {"deed": "step-certify"} | CERTIFY
        check = batcher.post("/admin/case/bulk", form | {"ids": ",".join(map(str, ids)), "stage": "check"}).text
        page = clerk.get(f"/admin/case/details/?id={ids[1]}").text
        sent = form | {"ids": hidden(check, "ids"), "stage": "apply"}
        taken, done = together([_verb(clerk, f"/admin/case/{ids[1]}/step", page, CERTIFY),
                                lambda sent=sent: batcher.post("/admin/case/bulk", sent)])
        with looking(app):
            steps = db.session.scalars(select(StepDone.case_id).where(
                StepDone.case_id.in_(ids), StepDone.step == "certify")).all()
        assert f"已办 {size - taken} 人，跳过 {int(taken)} 人" in done.text
        score += Score(1, len(steps), 1, ["a step twice"] * (len(steps) - size))
        assert sorted(set(steps)) == ids, "whoever was not in the way is done"
    return score


@contextmanager
def without_versions(*tables: type) -> Iterator[None]:
    """The guard of the database taken out: what the last one writes counts."""
    mappers = [inspect(table) for table in tables]
    guards = [mapper.version_id_col for mapper in mappers]
    try:
        for mapper in mappers:
            mapper.version_id_col = None
            mapper._memoized_values.clear()  # the statements that compare versions
        yield
    finally:
        for mapper, guard in zip(mappers, guards, strict=True):
            mapper.version_id_col = guard
            mapper._memoized_values.clear()
