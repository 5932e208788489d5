"""No form does anything without the token of one's own session (CSRF)."""

from __future__ import annotations

import re

import pytest
from tally import holds

from access.knocking import LOGS, NAMES, changed, own
from access.test_matrix import POSTS


def without_tokens(page: str) -> str:
    """A page without what differs from second to second."""
    return re.sub(r'(name="(?:csrf_token|once)" value=|data-idle=|data-life=)"[^"]*"', r"\1", page)


@pytest.mark.parametrize("letter", NAMES)
def test_nothing_is_done_without_the_token_of_one_s_own_session(place, letter):
    desk, foreign, before = place.desk(letter), place.tokens["U" if letter != "U" else "T"], place.kept(*LOGS)
    for key, door in POSTS.items():
        id = place.id(own(letter), door)
        for token in ("", "wrong", foreign):
            answer = place.knock(desk, key, id, form=place.form(key, id) | {"csrf_token": token})
            holds(answer.status_code == 400, key, letter, token)
    assert changed(before, place.kept(*LOGS)) == []
