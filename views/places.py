"""Places by name, read once a request; and the filters by township and village of every table that has a place."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_login import current_user
from sqlalchemy import ColumnElement, select

from models import scope
from models.area import Names, Township, Village, short_name
from models.base import db
from models.case import Case, Person
from models.prefix import in_area
from models.user import Role
from models.words import N_
from views.filters import Pick, equals, person_matches


def names() -> Names:
    """Townships and villages by code."""
    if "names" not in g:
        g.names = Names()
    return g.names


def townships() -> list[tuple[str, str]]:
    """None for a township's clerk, who has only the one."""
    if current_user.role == Role.TOWNSHIP:
        return []
    return db.session.execute(select(Township.area_code, Township.name).order_by(Township.area_code)).all()


def villages() -> list[tuple[str, str]]:
    """The villages of one's township, or of the township picked."""
    chosen = TOWNSHIP.picked() or scope.current() or ""
    if len(chosen) < 9:
        return []
    found = db.session.execute(select(Village.area_code, Village.name).where(in_area(Village.area_code, chosen))
                               .order_by(Village.name_key))
    return [(code, short_name(name)) for code, name in found]


# A link comes from another post, and a village stays picked when the township changes: codes not on offer are not asked.
TOWNSHIP_CODE, VILLAGE_CODE = r"\d{9}", r"\d{9}|\d{12}"


def township_of(column: Any) -> Pick:
    return Pick("township", N_("Township"), townships, lambda code: in_area(column, code), elsewhere=TOWNSHIP_CODE)


def village_of(column: Any) -> Pick:
    return equals("village", N_("Village"), column, villages, elsewhere=VILLAGE_CODE)


TOWNSHIP = township_of(Case.area_code)


def of_person(case_id: Any, text: str) -> ColumnElement[bool]:
    """Rows of the cases of the people a search means."""
    return case_id.in_(select(Case.id).join(Person, Person.id == Case.person_id).where(person_matches(Person, text)))


def place(row: Any) -> str:
    """The place of a row as a list shows it."""
    return names().full(row.area_code)
