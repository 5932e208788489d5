"""A thousand rounds of clerks at one case, against each other, against lists and against batches."""

from __future__ import annotations

import os

import pytest
from clerking import Score, against_batch, against_import, clerks, correcting, in_turn, stepping

from views import seen

ROUNDS = int(os.environ.get("PORTAL_SOAK_ROUNDS", "1000"))


def test_a_thousand_rounds_overwrite_nothing(portal):
    desks = clerks(portal)
    at_one_case = [act(portal, desks, 50) for _ in range(ROUNDS // 100) for act in (correcting, stepping)]  # fifty, then the next
    scores = {"clerks": sum(at_one_case, Score()),
              "clerk and list": against_import(portal, desks[0], desks[1], ROUNDS // 10),
              "clerk and batch": against_batch(portal, desks[0], desks[1], ROUNDS // 10)}
    for who, score in scores.items():
        print(f"\n{who}: {score}", end=" ")
    assert sum(scores.values(), Score()).silent == []


@pytest.mark.parametrize("rounds", [ROUNDS // 100])
def test_the_control_does(portal, monkeypatch, rounds):
    desks = clerks(portal)
    monkeypatch.setattr(seen, "fresh", lambda *rows: True)
    score = correcting(portal, desks, rounds, in_turn)
    assert len(score.silent) == 2 * rounds
    print(f"\ncontrol without the version of the page: {score}", end=" ")
