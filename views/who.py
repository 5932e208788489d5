"""User names as people's names."""

from __future__ import annotations

from flask import g
from sqlalchemy import select

from models.base import db
from models.scope import everything
from models.user import User
from models.words import N_
from views.words import say


def who(username: str | None) -> str:
    """赵经办 for county_clerk; whoever signed is named to everybody who may see what was signed."""
    if "people" not in g:
        with everything("the names of those who signed"):
            g.people = dict(db.session.execute(select(User.username, User.name)).all()) | {"system": say(N_("the portal"))}
    return g.people.get(username, username or "")
