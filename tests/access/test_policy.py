"""Every rule of the URL map has its row in the table, and every row its rule."""

from __future__ import annotations

import pytest
from tally import COUNTED, holds
from werkzeug.routing import Map, Rule

from access.knocking import ruled
from access.policy import ANYBODY, LETTERS, POSTS, TABLE
from models.user import Role


def proposed(key: str, rule: Rule) -> str:
    """The row to add, as far as a rule tells it."""
    id = "<id>" in rule.rule
    row = f', "{rule.endpoint.partition(".")[0]}"' if id else ""
    rest = sorted(name for name in rule.arguments if name != "id")
    path = f", path={{{', '.join(f'{name!r}: …' for name in rest)}}}" if rest else ""
    return f'    "{key}": Door("…"{row}{path}),   # the letters of LETTERS that may; form= and does= for a form'


def unnamed(urls: Map, table: dict) -> list[str]:
    keys = {f"{method} {rule.endpoint}": rule for rule in urls.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    return [proposed(key, rule) for key, rule in sorted(keys.items()) if key not in table]


def test_every_rule_is_in_the_table(place_at):
    lacking = unnamed(place_at.app.url_map, TABLE)
    assert lacking == [], "add to TABLE in tests/access/policy.py:\n" + "\n".join(lacking)
    COUNTED.update(routes=len(list(place_at.app.url_map.iter_rules())), doors=len({*map(ruled, TABLE)}))


def test_every_row_is_a_rule(place_at):
    gone = [key for key in TABLE if ruled(key) not in place_at.rules]
    assert gone == [], "take out of TABLE in tests/access/policy.py, for no rule has them: " + ", ".join(gone)


def test_a_rule_that_nobody_named_is_told_with_its_row():
    new, known = Rule("/new/<id>", endpoint="new.deed", methods=["POST"]), Rule("/known", endpoint="login", methods=["GET"])
    urls = Map([new, known])
    told = unnamed(urls, {"GET login": None})
    assert [line.split(",")[0].strip() for line in told] == ['"POST new.deed": Door("…"']


def test_every_post_has_its_letter():
    lacking = [role for role in Role if role not in LETTERS.values()]
    assert lacking == [], f"add a letter to LETTERS in tests/access/policy.py for {lacking}"
    assert len(set(LETTERS.values())) == len(LETTERS)


@pytest.mark.parametrize("key", TABLE)
def test_a_row_makes_sense(place_at, key):
    door, rule = TABLE[key], place_at.rules.get(ruled(key))
    assert set(door.who) <= set(LETTERS) | set(ANYBODY)
    holds(set(door.does) <= set(door.who), "does what it may not", key)
    holds(not set(door.who) & set(door.lost), "both let in and lost", key)
    holds(key.startswith("POST") or not (door.does or door.form), "a form that is no form", key)
    holds(rule is None or ("id" in rule.arguments) == (bool(door.row) and door.by == "<id>"), "the row of the path", key)
    holds(not door.row or door.row in place_at.ids["here"], "a kind of row that peopled does not have", key)
    holds(set(POSTS) & set(door.who + door.lost) or "action_view" in key, "open to nobody", key)
