"""Two clerks and more at one case: whoever comes second is told, keeps what was typed, and overwrites nothing unseen.

`PORTAL_TEST_ROUNDS` makes the rounds more; tests/soak runs a thousand.
"""

from __future__ import annotations

import os

import pytest
from clerking import against_batch, against_import, clerks, correcting, in_turn, stepping, without_versions
from factories import NOW, a_case
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from tally import tell

from models.audit import acting_as
from models.base import db
from models.case import Case, Person
from models.scope import everything
from views import seen

ROUNDS = int(os.environ.get("PORTAL_TEST_ROUNDS", "24"))


def test_nothing_is_overwritten_that_was_not_seen(portal):
    desks = clerks(portal)
    score = correcting(portal, desks, ROUNDS // 2) + stepping(portal, desks, ROUNDS // 2)
    assert (score.silent, score.accepted, score.refused) == ([], score.rounds, 2 * score.rounds)
    tell(f"clerks: {score}")


def test_a_clerk_against_a_list(portal):
    desks = clerks(portal)
    score = against_import(portal, desks[0], desks[1], ROUNDS // 6)
    assert (score.silent, score.accepted, score.refused) == ([], score.rounds, score.rounds)
    tell(f"clerk and list: {score}")


def test_a_clerk_against_a_batch(portal):
    desks = clerks(portal)
    score = against_batch(portal, desks[0], desks[1], ROUNDS // 6)
    assert score.silent == []
    tell(f"clerk and batch: {score}")


def test_without_the_version_of_the_page_changes_are_lost(portal, monkeypatch):
    """The control: the same rounds, with the one comparison of forms taken out."""
    desks = clerks(portal)
    monkeypatch.setattr(seen, "fresh", lambda *rows: True)
    score = correcting(portal, desks, 2, in_turn)
    assert len(score.silent) == 4, "of three changes a round two are lost unseen"
    tell(f"clerks, control without the version of the page: {score}")


def raced(app, table: type, column: str) -> str:
    """Two transactions read the same row before either writes: what is there in the end."""
    with app.app_context(), everything("test"), acting_as("test", "command", lambda: NOW):
        case, slow = a_case(), Session(db.engine, expire_on_commit=False)
        id = case.id if table is Case else case.person_id
        db.session.rollback()
        try:
            mine = slow.get(table, id)
            slow.commit()
            setattr(db.session.get(table, id), column, "先")
            db.session.commit()
            setattr(mine, column, "后")
            slow.commit()
            db.session.expire_all()
            return getattr(db.session.get(table, id), column)
        finally:
            slow.close()


@pytest.mark.parametrize(("table", "column"), [(Case, "remark"), (Person, "name")])
def test_of_two_transactions_that_read_the_same_one_loses(portal, table, column):
    with pytest.raises(StaleDataError):
        raced(portal, table, column)


@pytest.mark.parametrize(("table", "column"), [(Case, "remark"), (Person, "name")])
def test_without_the_version_of_the_row_the_first_change_is_lost(portal, table, column):
    with without_versions(table):
        assert raced(portal, table, column) == "后"
