"""The home of those who see no case: accounts and posts, what waits and what is locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_login import current_user
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from models.base import db
from models.grants import ASKED, PostGrant
from models.user import ROLE_TITLES, Right, Role, User
from models.words import N_
from views.listing import list_url
from views.posts import place
from views.users import USE
from views.words import moment, say


@dataclass(frozen=True)
class Tile:
    """A number and the list it counts."""

    title: str
    number: str
    url: str | None
    late: bool = False
    note: str = ""


def tiles() -> list[Tile]:
    waiting = _users(User.posts.any(PostGrant.state == ASKED))
    return [Tile(say(N_("Posts that wait to be granted")), str(waiting), list_url("user", post=ASKED), late=waiting > 0),
            *(Tile(say(title), str(_users(USE.where(use))), list_url("user", use=use)) for use, title in (
                ("yes", N_("Logins in use")), ("no", N_("Logins not in use")), ("locked", N_("Locked logins"))))]


def _users(condition: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(User).where(condition))


def asked() -> list[dict[str, Any]]:
    """The posts that wait, oldest first."""
    found = db.session.scalars(select(PostGrant).where(PostGrant.state == ASKED).options(joinedload(PostGrant.user))
                               .order_by(PostGrant.id).limit(50))
    return [{"name": post.user.name, "post": say(ROLE_TITLES[Role(post.role)]), "area": place(post.area_code),
             "basis": say(post.basis), "by": f"{post.asked_by} {moment(post.asked_at)}",
             "verb": say(N_("Decide") if current_user.may(Right.GRANT_POSTS) else N_("Open")),
             "url": url_for("user.details_view", id=post.user_id)} for post in found]
