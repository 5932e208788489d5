"""What the portal found when it looked after itself: the last backup, the last check of the trail. A row for each kind."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from models import scope
from models.base import Instant, Json, Row, db
from models.scope import Shared

BACKUP, CHAIN = "backup", "chain"


class MachineCheck(db.Model, Row, Shared):
    """The newest look of one kind, and when it was last as it should be. Times are the real clock's."""

    __tablename__ = "machine_check"
    __administrative__ = True
    __untraced__ = True  # nothing was done; a backup is told in the trail by itself

    kind: Mapped[str] = mapped_column(String(16), nullable=False, unique=True)
    at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    ok: Mapped[bool] = mapped_column(nullable=False)
    good_at: Mapped[datetime | None] = mapped_column(Instant)
    told: Mapped[dict] = mapped_column(Json, nullable=False)  # of what is good: facts; else {"id": message id, "values": {…}}


def note(kind: str, ok: bool, at: datetime, told: dict) -> None:
    """Keep what was found in place of what was found before. Does not commit."""
    with scope.everything("the portal looks after itself"):
        row = latest().get(kind) or MachineCheck(kind=kind)
        row.at, row.ok, row.told = at, ok, told
        row.good_at = at if ok else row.good_at
        db.session.add(row)
        db.session.flush()


def latest() -> dict[str, MachineCheck]:
    """What was found last, by kind."""
    return {row.kind: row for row in db.session.scalars(select(MachineCheck))}
