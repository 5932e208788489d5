"""Who is signed in: one row a sign-in, kept on the server, so that a copied cookie ends with it.

The cookie carries a random token and nothing else; the row its SHA-256, so that
whoever reads the table can sign in as nobody. A session ends when the row says
so, after 15 minutes without use or 8 hours in all (GB/T 22239 8.1.4.1 b), by the
real clock.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Engine, ForeignKey, Index, String, event, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import realtime, scope
from models.base import AreaCode, BigId, Instant, Row, db
from models.schema import hurried
from models.scope import Placed
from models.user import User
from models.words import N_

IDLE, LONGEST = timedelta(minutes=15), timedelta(hours=8)
SEEN_EVERY = timedelta(minutes=1)  # a row written at every click would make readers wait for writers

SIGNED_OUT, ELSEWHERE, UNUSED, TOO_OLD, CLOCK = "signed_out", "elsewhere", "idle", "too_old", "clock"
DISABLED, PASSWORD, MOVED, BY_ADMIN, RESTORED = "disabled", "password", "moved", "by_admin", "restored"
ENDS = {
    SIGNED_OUT: N_("You have signed out."),
    ELSEWHERE: N_("Somebody signed in with this user name at another place, which ended the session here. If it was not you, "
                  "tell the administrator."),
    UNUSED: N_("You were signed out after 15 minutes without use."),
    TOO_OLD: N_("After 8 hours everybody signs in again."),
    CLOCK: N_("The portal’s clock was put back, so that nobody knows how long you were away: sign in again."),
    DISABLED: N_("This session was ended: ask the administrator."),
    PASSWORD: N_("The password was changed, which ended the session here."),
    MOVED: N_("Your post or area was changed: sign in again."),
    BY_ADMIN: N_("The administrator ended this session."),
    RESTORED: N_("The portal was restored from a backup: sign in again, and look whether your last work is there."),
}


class SignIn(db.Model, Row, Placed):
    """One sign-in, from its beginning to its end. Times are the real clock's."""

    __tablename__ = "sign_in"
    __administrative__, __owner__ = True, "user_id"
    __untraced__ = True  # beginning and ending are acts with names of their own; being seen is none
    __table_args__ = (CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended_for_a_reason"),
                      {"sqlite_autoincrement": True})

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("portal_user.id"), nullable=False, index=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)  # the user's
    key_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    began_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    seen_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    proved_at: Mapped[datetime | None] = mapped_column(Instant)  # when a one-time code was last given
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(String(64), nullable=False)
    browser: Mapped[str] = mapped_column(String(200), nullable=False)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    def over(self, now: datetime) -> str | None:
        """Why it holds no longer; None while it does."""
        if self.ended_why or not self.user.in_force(now):
            return self.ended_why or DISABLED
        if now - self.began_at >= LONGEST:
            return TOO_OLD
        if now - self.seen_at >= IDLE:
            return UNUSED
        return None if realtime.within(self.seen_at, now, IDLE) else CLOCK

    def left(self, now: datetime) -> tuple[int, int]:
        """Seconds until it ends for want of use, and until it ends for its age."""
        return int((self.seen_at + IDLE - now).total_seconds()), int((self.began_at + LONGEST - now).total_seconds())

    def end(self, why: str, now: datetime) -> None:
        if self.ended_at is None:
            self.ended_why, self.ended_at = self.over(now) or why, now

    def __str__(self) -> str:
        return str(self.user)


# One live session per person, whoever is quicker.
Index("ix_sign_in_live", SignIn.user_id, unique=True, sqlite_where=SignIn.ended_at.is_(None),
      postgresql_where=SignIn.ended_at.is_(None))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def begin(user: User, address: str, browser: str, now: datetime) -> str:
    """A new session, which ends every older one of the person; the token for its cookie."""
    end_all(user.id, ELSEWHERE, now)
    db.session.flush()  # a flush inserts before it updates, and two live ones cannot be
    token = secrets.token_urlsafe(32)
    db.session.add(SignIn(user=user, user_id=user.id, area_code=user.area_code, key_hash=_hash(token), began_at=now, seen_at=now,
                          address=address[:64], browser=browser[:200]))
    return token


def find(token: str) -> SignIn | None:
    """The sign-in of a cookie, whether or not it still holds."""
    with scope.everything("sign-in"):
        return db.session.scalar(select(SignIn).where(SignIn.key_hash == _hash(token)))


def live(now: datetime) -> tuple[Any, ...]:
    """What is true of sessions that hold."""
    return (SignIn.ended_at.is_(None), SignIn.seen_at > now - IDLE, SignIn.seen_at <= now + realtime.SLIP,
            SignIn.began_at > now - LONGEST)


def end_all(user_id: int, why: str, now: datetime) -> None:
    """End whatever session a person has."""
    with scope.everything("ending sessions"):
        for row in db.session.scalars(select(SignIn).where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))):
            row.end(why, now)


def end_every(why: str, now: datetime) -> int:
    """End all sessions; how many there were."""
    rows = db.session.scalars(select(SignIn).where(SignIn.ended_at.is_(None))).all()
    for row in rows:
        row.end(why, now)
    return len(rows)


def touch(engine: Engine, id: int, now: datetime) -> None:
    """Note that a session was used, in a small transaction of its own.

    Of its own: a page is read on a connection that cannot write, and a form that is refused rolls back what it
    wrote, yet both are use. If the database is busy, full or read-only it is left for the next request: no page waits or
    fails for it.
    """
    with suppress(DBAPIError), hurried(engine) as connection, Session(connection) as session:
        row = session.get(SignIn, id)
        if row is not None and row.ended_at is None:
            row.seen_at = now
        session.flush()


@event.listens_for(Session, "before_flush")
def _end_with_the_login(session: Session, context: Any, instances: Any) -> None:
    """A new password, another post or area, and disabling end the sessions, wherever they are written."""
    with session.no_autoflush:
        for user in [row for row in session.dirty if isinstance(row, User)]:
            why = _changed(user)
            if why:
                end_all(user.id, why, realtime.now())


def _changed(user: User) -> str | None:
    reasons = {"active": DISABLED, "password_hash": PASSWORD, "role": MOVED, "area_code": MOVED}
    return next((why for name, why in reasons.items() if inspect(user).attrs[name].history.has_changes()), None)
