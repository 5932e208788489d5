"""The names behind user names, read once a request."""

from __future__ import annotations

from flask import g
from sqlalchemy import select

from models.base import db
from models.scope import everything
from models.user import User
from models.words import N_
from views.words import say


def person(username: str) -> str:
    """Who it was, by name; whoever acted is named to everybody who sees the act."""
    if "people" not in g:
        with everything("the names of those who acted"):
            named = dict(db.session.execute(select(User.username, User.name)).all())
        g.people = named | {"system": say(N_("the portal"))}
    return g.people.get(username, username)
