"""Filters by township and village, for every table that has a place."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from models import scope
from models.case import Case, Person
from models.words import N_
from views.cases import townships, villages
from views.filters import Pick, equals, person_matches
from views.places import names


def township_of(column: Any) -> Pick:
    return Pick("township", N_("Township"), townships, lambda code: scope.in_area(column, code))


def village_of(column: Any) -> Pick:
    """The villages of one's township, or of the township picked."""
    return equals("village", N_("Village"), column, villages)


def of_person(case_id: Any, text: str) -> ColumnElement[bool]:
    """Rows of the cases of the people a search means."""
    return case_id.in_(select(Case.id).join(Person, Person.id == Case.person_id).where(person_matches(Person, text)))


def place(row: Any) -> str:
    """The place of a row as a list shows it."""
    return names().full(row.area_code)
