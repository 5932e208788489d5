"""Papers ordered for several people at once: numbers run on, and the trail tells of each."""

from __future__ import annotations

import pytest
from factories import NOW, TIANNING, a_case, arranging, walk
from sqlalchemy import select

from models.audit import AuditEntry
from models.base import db
from models.campaign import the_campaign
from models.document import Document
from models.papers import order_documents
from models.words import Refusal

DRAWN = {"alive": "yes", "impostor_from": "2019-10", "impostor_to": "2019-12"}


@pytest.fixture
def three(county):
    """Three people to whom an impostor's refund is owed, and the account it goes to."""
    cases = [walk(a_case(f"{TIANNING}001", category="impostor"), "approve", **DRAWN) for _ in range(3)]
    with arranging():
        the_campaign().bank_account = "某银行 0000"
    return cases


def test_numbers_run_on_without_a_gap(county, three):
    for _ in range(2):  # the second order is the first once more
        with arranging():
            order_documents(three, "recovery", county.clerk, NOW)
    numbers = db.session.scalars(select(Document.number).order_by(Document.id)).all()
    assert [number[-2:] for number in numbers] == ["1号", "2号", "3号"]
    told = db.session.scalars(select(AuditEntry.case_id).where(AuditEntry.act == "order_paper")).all()
    assert told == [case.id for case in three]


def test_an_order_that_is_refused_gives_no_number_in_vain(county, three):
    other = a_case(f"{TIANNING}001", category="uncertified")
    with pytest.raises(Refusal), arranging():
        order_documents([*three, other], "recovery", county.clerk, NOW)
    db.session.rollback()
    assert db.session.scalars(select(Document.id)).all() == []
    with arranging():
        order_documents(three[:1], "recovery", county.clerk, NOW)
    assert db.session.scalars(select(Document.number)).one().endswith("〕1号")
