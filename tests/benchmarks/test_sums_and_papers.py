"""Settlements, alone and of a case, and notices, one and a hundred."""

from __future__ import annotations

import json

import factories
import pytest
from factories import a_case, seeing_as, walk
from measuring import seconds
from sqlalchemy import select

from exports import notices
from models import ledger
from models.base import db
from models.case import Case
from models.settlement import settle_document

ROUND = 100


@pytest.fixture(scope="module")
def document(office):
    """What the trial calculation of a case in the county was given, as text."""
    with office.seeing():
        settled = db.session.scalars(select(ledger.Settlement).where(ledger.Settlement.case_id.in_(office.walked))).first()
        return json.dumps(settled.facts), settled.result


def test_settling(document, board):
    text, expected = document
    assert settle_document(text)["lines"] == expected["lines"] != []

    taken = seconds(lambda: [settle_document(text) for _ in range(ROUND)])
    parsing = seconds(lambda: [json.dumps(json.loads(text)) for _ in range(ROUND)])
    board.speed("settlements, pure", ROUND, taken, "parsing its JSON", parsing)


def test_settling_a_case(session, county, document, board):
    """The step whole: roles, order, rates, the sum with its lines, and the commit with the trail."""
    cases = [walk(a_case(category="uncertified"), "resume") for _ in range(30)]
    before = len(db.session.scalars(select(ledger.SettlementLine.id)).all())
    taken = seconds(lambda: factories.step(cases.pop(), "settle"), runs=25)
    with seeing_as(county.clerk):
        lines = len(db.session.scalars(select(ledger.SettlementLine.id)).all())
        assert lines - before >= 26 * 20
        settled = db.session.scalars(select(Case).where(Case.next_step == "review")).all()
    assert len(settled) == 26
    pure = seconds(lambda: settle_document(document[0]))
    board.speed("settlements of a case, with the trail", 1, taken, "pure", pure)


def test_notices(board):
    """The first of a process, which makes the fonts ready; then warm; then a hundred."""
    facts = notices.example("recovery") | {"number": "交城居保退〔2021〕1号"}
    papers = []
    first = seconds(lambda: papers.append(notices.draw("recovery", facts)), 1, warm=False)
    warm = seconds(lambda: papers.append(notices.draw("recovery", facts)))
    hundred = seconds(lambda: papers.extend(notices.draw_many("recovery", [facts] * 100)), 1, warm=False)
    assert (len(papers), len(set(papers)), papers[0][:4]) == (107, 1, b"%PDF")

    board.time("a notice, the first of a process", first, "warm", warm)
    board.time("a notice, warm", warm)
    board.time("a hundred notices", hundred, "one, warm", warm)
