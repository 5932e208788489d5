"""The rows of the register of posts (岗位权限台账): who holds which post, on what basis, granted by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import grants
from models.area import Names
from models.base import db
from models.campaign import Campaign
from models.duties import FAMILIES, RIGHT_TITLES
from models.grants import ASKED, GRANT_TITLES, GRANTED, PostGrant
from models.user import RIGHTS, ROLE_TITLES, Right, Role, User
from models.words import N_

Say = Callable[[Any], str]

COLUMNS = (
    (N_("Name"), 10, "text"), (N_("User name"), 18, "text"), (N_("Post"), 12, "text"), (N_("Family of posts"), 14, "text"),
    (N_("Area"), 12, "text"), (N_("Rights"), 40, "text"), (N_("Basis"), 24, "text"), (N_("Asked for by"), 14, "text"),
    (N_("Asked for on"), 12, "date"), (N_("Decided by"), 14, "text"), (N_("Decided on"), 12, "date"),
    (N_("Ended on"), 12, "date"), (N_("State"), 10, "text"), (N_("Last sign-in"), 12, "date"), (N_("Same name"), 16, "text"))


def rows(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    names = Names()
    statement = (select(PostGrant).options(joinedload(PostGrant.user))
                 .where(PostGrant.area_code.startswith(campaign.county_code)).order_by(PostGrant.user_id, PostGrant.id))
    for post in db.session.scalars(statement).all():
        role = Role(post.role)
        yield (post.user.name, post.user.username, say(ROLE_TITLES[role]), say(FAMILIES[role]),
               names.township(post.area_code) if role == Role.TOWNSHIP else campaign.county_name, _rights(role, say),
               say(post.basis), post.asked_by, _day(post.asked_at, now), post.decided_by or "", _day(post.decided_at, now),
               _day(post.ended_at, now), say(GRANT_TITLES[post.state]), _last_seen(post.user), _same(post, say))


def _rights(role: Role, say: Say) -> str:
    return "、".join(say(RIGHT_TITLES[right]) for right in Right if right in RIGHTS[role])


def _day(at: datetime | None, now: datetime) -> date | None:
    """The day of a moment where the office is."""
    return at.astimezone(now.tzinfo).date() if at else None


def _last_seen(user: User) -> date | None:
    return getattr(user, "last_seen_on", None)


def _same(post: PostGrant, say: Say) -> str:
    """Whom an excluding post belongs to under the same name, and whether they were told to be two people."""
    same = grants.namesakes(post) if post.state in (ASKED, GRANTED) else []
    told = f"（{say(N_('told to be another person'))}）" if same and post.namesake else ""
    return "、".join(held.user.username for held in same) + told
