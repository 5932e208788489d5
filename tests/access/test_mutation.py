"""Taking one wall, one right or one check out makes a test fail: shown for each of them, by doing it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from tally import COUNTED

from access.mutants import (
    Site,
    entered_by,
    every_right,
    given_to_all,
    given_to_nobody,
    limited,
    screens,
    sites,
    walls,
    without_checks,
    without_seam,
)
from access.policy import LETTERS, POSTS, TABLE
from access.probes import count, doors_of, leaking, let_in, shut_out, strange_rows
from models.user import RIGHTS, Right, Role

named = lambda cls: cls.__name__


def killed(noticed: object, *told: object) -> None:
    """A mutant that nothing notices fails the test, and the count."""
    COUNTED["mutants"] += 1
    assert noticed, ("survives", *told)
    COUNTED["killed"] += 1


# Tables: the seam of the session

@pytest.mark.parametrize("cls", limited(), ids=named)
def test_a_table_out_of_the_seam_is_noticed(place, cls):
    assert strange_rows(place, cls) == []
    with without_seam(cls):
        killed(strange_rows(place, cls), cls)


# Screens: their own limits beside the seam. A clerk with every right shows that areas alone keep rows apart.

@pytest.mark.parametrize("wall", walls(), ids=lambda wall: wall.at)
def test_either_wall_of_a_screen_holds_alone_and_without_both_every_door_leaks(place_at, wall):
    """So the limits of a screen cannot be taken out unnoticed, nor the seam; and the probe is able to see."""
    place, keys = place_at.fresh(), doors_of(wall.at)
    with every_right():
        counts = {key: count(place, key) for key in keys if "index_view" in key}
        with wall.without_own():
            assert leaking(place, keys, counts) == [], "the seam alone"
        with wall.without_seam():
            assert leaking(place, keys, counts) == [], "the limits of the screen alone"
        with wall.without_both():
            found = leaking(place, keys, counts)
    for key in keys:
        killed(key in found or "POST" in key and TABLE[key].lost, wall.at, key)
    place.fresh()


# Rights and posts

@pytest.mark.parametrize("right", Right)
def test_a_right_given_to_all_or_taken_from_all_is_noticed(place, right):
    everybody = all(right in RIGHTS[Role(LETTERS[letter])] for letter in POSTS)
    mutant, noticed = (given_to_nobody(right), shut_out) if everybody else (given_to_all(right), let_in)
    with mutant:
        killed(next(noticed(place), None), right)


# The search boxes' page is open to all by itself: it asks the list that is searched (a check below).
@pytest.mark.parametrize("cls", [cls for cls in screens() if cls.at != "find"], ids=lambda cls: cls.at)
def test_a_screen_open_to_all_or_closed_to_all_is_noticed(place, cls):
    closed_to_some = set(POSTS) - set(TABLE[f"GET {cls.at}.{'index' if f'GET {cls.at}.index' in TABLE else 'index_view'}"].who)
    with entered_by(cls, bool(closed_to_some)):
        killed(next(let_in(place, doors_of_all(cls.at)) if closed_to_some else shut_out(place), None), cls)


def doors_of_all(at: str) -> list[str]:
    return [key for key in TABLE if key.split()[1].startswith(f"{at}.")]


@pytest.mark.parametrize("site", sites("views", "models"), ids=str)
def test_a_check_of_the_post_taken_out_is_noticed(place, site: Site):
    """A check behind another one is noticed once all the others are out: then it is the last one."""
    with without_checks(site):
        noticed = next(let_in(place), None)
    killed(noticed or any(with_only(place, site, key) != with_only(place, None, key) for key in forms_near(site)), site)


def forms_near(site: Site) -> list[str]:
    """Every form, those first whose address sounds like the check's function or module."""
    words = [*site.function.strip("_").split("_"), site.module.partition(".")[2][:4]]
    return sorted((key for key in TABLE if key.startswith("POST")), key=lambda key: not any(word in key for word in words))


def with_only(place, site: Site | None, key: str) -> list[tuple]:
    """Who is let in at a door where every screen is open and every check out, but for one."""
    with ExitStack() as stack:
        stack.enter_context(without_checks(*(other for other in sites("views", "models") if other != site)))
        for cls in screens():
            stack.enter_context(entered_by(cls, True))
        return sorted(let_in(place, [key]))


def test_the_untouched_portal_is_not_noticed(place):
    """The probes tell of nothing where nothing was taken out."""
    assert list(let_in(place)) == []
    assert list(shut_out(place)) == []
    assert len(sites("views", "models")) > 10
