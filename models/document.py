"""Documents: facts frozen when ordered, a number without gaps, a file once drawn; and the circulated bulletins."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import AreaCode, BigId, Editable, Instant, Json, Row, by_bytes, db
from models.campaign import Campaign
from models.case import Case
from models.scope import Placed, Shared, everything
from models.words import N_

ORDERED, DRAWN, REFUSED = "ordered", "drawn", "refused"
DOCUMENT_TITLES = {ORDERED: N_("Being drawn"), DRAWN: N_("Ready"), REFUSED: N_("Refused")}


class Paper:
    """What every drawn paper has."""

    kind: Mapped[str] = mapped_column(by_bytes(32), nullable=False)
    number: Mapped[str | None] = mapped_column(by_bytes(60))  # 文号
    facts: Mapped[dict] = mapped_column(Json, nullable=False)
    file_name: Mapped[str] = mapped_column(String(200), nullable=False)
    state: Mapped[str] = mapped_column(String(8), nullable=False, default=ORDERED)
    sha256: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[dict | None] = mapped_column(Json)
    ordered_by: Mapped[str] = mapped_column(String(64), nullable=False)
    ordered_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    drawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Document(db.Model, Editable, Placed, Paper):
    """One notice of one case."""

    __tablename__ = "document"
    __digested__ = ("facts",)

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("pension_case.id"), nullable=False, index=True)
    case: Mapped[Case] = relationship(back_populates="documents")
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("task.id"), nullable=False, index=True)


class Bulletin(db.Model, Editable, Shared, Paper):
    """A circulated report (通报): the standings of one day, made once. Every township may read it."""

    __tablename__ = "bulletin"
    __digested__ = ("facts",)
    __table_args__ = (UniqueConstraint("campaign_id", "as_of"), {"sqlite_autoincrement": True})

    campaign_id: Mapped[int] = mapped_column(BigId, ForeignKey("campaign.id"), nullable=False)
    campaign: Mapped[Campaign] = relationship()
    as_of: Mapped[date] = mapped_column(Date, nullable=False)
    task_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("task.id"))


class Series(db.Model, Row, Shared):
    """The last number given of a series of papers in a year."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("prefix", "year"), {"sqlite_autoincrement": True})

    prefix: Mapped[str] = mapped_column(String(40), nullable=False)
    year: Mapped[int] = mapped_column(nullable=False)
    last: Mapped[int] = mapped_column(nullable=False, default=0)


def next_number(prefix: str, year: int) -> str:
    """The next number, such as 交人社函〔2021〕12号: given in the transaction that orders the paper, so without gaps."""
    db.session.flush()  # what waits is checked by the area of whoever orders; only the number is the county's
    with everything("numbers run through the county"):
        series = db.session.scalar(select(Series).where(Series.prefix == prefix, Series.year == year).with_for_update())
        if series is None:
            series = Series(prefix=prefix, year=year, last=0)
            db.session.add(series)
        series.last += 1
        db.session.flush()
    return f"{prefix}〔{year}〕{series.last}号"
