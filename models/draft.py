"""What somebody typed when their session had already ended: kept for them, for 8 hours, and for nobody else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from models import scope
from models.base import AreaCode, BigId, Instant, Json, Row, db
from models.scope import Placed
from models.user import User

KEPT_FOR = timedelta(hours=8)
LARGEST, LONGEST_ADDRESS = 200_000, 2000  # bytes, characters


class Draft(db.Model, Row, Placed):
    """The one form that is kept for a person. Times are the real clock's."""

    __tablename__ = "draft"
    __administrative__, __owner__ = True, "user_id"
    __untraced__ = True  # nothing was done; sending it is the act

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("portal_user.id"), nullable=False, unique=True)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)  # the user's
    kept_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    address: Mapped[str] = mapped_column(String(LONGEST_ADDRESS), nullable=False)
    page: Mapped[str | None] = mapped_column(String(LONGEST_ADDRESS))  # where the form was
    fields: Mapped[list] = mapped_column(Json, nullable=False)  # [[name, value], …] in the form's order
    files: Mapped[bool] = mapped_column(nullable=False)  # whether files were chosen, which are not kept


def keep(user: User, address: str, page: str | None, fields: list[tuple[str, str]], files: bool, now: datetime) -> bool:
    """Keep a form in place of an older one; False if it is too large for that."""
    size = len(json.dumps(fields, ensure_ascii=False).encode())
    if size > LARGEST or max(len(address), len(page or "")) > LONGEST_ADDRESS:
        return False
    row = db.session.scalar(select(Draft).where(Draft.user_id == user.id)) or Draft(user_id=user.id)
    row.area_code, row.kept_at, row.address, row.page = user.area_code, now, address, page
    row.fields, row.files = [list(field) for field in fields], files
    db.session.add(row)
    return True


def of(user: User, now: datetime) -> Draft | None:
    """What is kept for this person."""
    return db.session.scalar(select(Draft).where(Draft.user_id == user.id, Draft.kept_at > now - KEPT_FOR))


def purge(now: datetime) -> None:
    """Forget what nobody came back for."""
    with scope.everything("old drafts"):
        for row in db.session.scalars(select(Draft).where(Draft.kept_at <= now - KEPT_FOR)):
            db.session.delete(row)
