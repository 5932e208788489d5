"""What people search for, kept here for as long as they are signed in: an address carries only a ticket to it.

Names, ID numbers and phones in addresses would lie in histories and logs (ASVS 14.2.1).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AreaCode, Instant, Row, Sensitive, db
from models.scope import Placed
from models.user import User

LONGEST = 60
LASTS, MOST = timedelta(hours=8), 100  # as long as a sign-in; tickets that one person holds


class Seek(db.Model, Row, Placed):
    """One search of one person. Times are those of the real clock."""

    __tablename__ = "seek"
    __administrative__, __owner__ = True, "username"
    __untraced__ = True  # looking for somebody changes nothing

    ticket: Mapped[str] = mapped_column(String(32), nullable=False, unique=True)
    username: Mapped[str] = mapped_column(String(64), nullable=False, index=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    text: Mapped[str] = mapped_column(Sensitive(LONGEST), nullable=False)
    kept_at: Mapped[datetime] = mapped_column(Instant, nullable=False)


def keep(text: str, by: User, at: datetime) -> str:
    """The ticket for a text; the same text gets the same one. What is too old, or too much, is forgotten."""
    mine = db.session.scalars(select(Seek).where(Seek.username == by.username).order_by(Seek.id.desc())).all()
    for number, seek in enumerate(mine):
        if number >= MOST or seek.kept_at <= at - LASTS:
            db.session.delete(seek)
        elif seek.text == text:
            return seek.ticket
    seek = Seek(ticket=secrets.token_urlsafe(12), username=by.username, area_code=by.area_code, text=text, kept_at=at)
    db.session.add(seek)
    return seek.ticket


def text_of(ticket: str, by: User, at: datetime) -> str | None:
    """What a ticket stands for; nothing for a stranger's, an old or an invented one."""
    return db.session.scalar(select(Seek.text).where(
        Seek.ticket == ticket, Seek.username == by.username, Seek.kept_at > at - LASTS))
