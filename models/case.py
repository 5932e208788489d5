"""A suspended person's case: who, where, since when, in which category, what was done, what was reached."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import idnumber
from models.base import AreaCode, BigId, Editable, Instant, Json, MonthText, Row, Sensitive, by_bytes, db
from models.campaign import Campaign
from models.categories import CATEGORIES
from models.months import Month
from models.scope import Carried, Child, Placed
from models.steps import Category
from models.words import N_

if TYPE_CHECKING:  # they know the case; it knows them by name
    from models.certificate import Certificate
    from models.document import Document
    from models.ledger import Settlement

# Where a case stands. The list filters by it; milestones hold when it was reached.
UNVERIFIED, VERIFIED, CLEARED = "unverified", "verified", "cleared"
STATE_TITLES = {UNVERIFIED: N_("To verify"), VERIFIED: N_("In hand"), CLEARED: N_("Cleared")}


class Person(db.Model, Editable, Carried):
    """One human being, by the 18-character ID number; has no area and is seen through their cases."""

    __tablename__ = "person"
    __carrier__ = ("Case", "person_id")
    __unrecorded__ = ("born",)  # beside the masked number it would tell the whole one

    id_number: Mapped[str] = mapped_column(Sensitive(18), nullable=False, unique=True)
    id_tail: Mapped[str] = mapped_column(by_bytes(4), nullable=False, index=True)
    name: Mapped[str] = mapped_column(by_bytes(60), nullable=False, index=True)
    name_key: Mapped[str] = mapped_column(by_bytes(200), nullable=False, index=True)
    sex: Mapped[str] = mapped_column(String(1), nullable=False)
    born: Mapped[date] = mapped_column(Date, nullable=False)
    phone: Mapped[str | None] = mapped_column(Sensitive(40))
    cases: Mapped[list[Case]] = relationship(back_populates="person")
    benefit: Mapped[Benefit | None] = relationship(back_populates="person")

    @property
    def masked_id(self) -> str:
        return idnumber.masked(self.id_number)

    @property
    def short_id(self) -> str:
        return idnumber.short(self.id_number)

    def __str__(self) -> str:
        return self.name


class Benefit(db.Model, Editable, Child):
    """What settling needs of a person and no suspension list holds. Amounts in 分, months as Month."""

    __tablename__ = "benefit"
    __parent__ = ("person_id", "Person")

    person_id: Mapped[int] = mapped_column(BigId, ForeignKey("person.id"), nullable=False, unique=True)
    person: Mapped[Person] = relationship(back_populates="benefit")
    basic_from: Mapped[Month] = mapped_column(MonthText, nullable=False)
    supplement_from: Mapped[Month | None] = mapped_column(MonthText)
    years_paid: Mapped[int] = mapped_column(nullable=False, default=0)
    account_pension: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    account_balance: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    government_subsidy: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    supplement_account_pension: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    supplement_account_balance: Mapped[int] = mapped_column(BigId, nullable=False, default=0)
    # Who typed it in; empty where a list brought it.
    entered_by: Mapped[str | None] = mapped_column(String(64))


def _first_township(context: Any) -> str:
    return context.get_current_parameters()["area_code"][:9]


class Case(db.Model, Editable, Placed):
    """One suspension of one person in one campaign."""

    __tablename__ = "pension_case"
    __table_args__ = (
        # A person cleared once may be suspended anew in the same campaign.
        UniqueConstraint("campaign_id", "person_id", "paused_from"),
        Index("ix_pension_case_area_code_id", "area_code", "id"),
        # Each answers a count, or the question in whose area a person is, without a look at the rows.
        Index("ix_pension_case_area_state", "area_code", "state", "stock_township", "campaign_id"),
        Index("ix_pension_case_category_step", "category", "next_step", "area_code", "stock_township", "state", "paused_from"),
        Index("ix_pension_case_standing", "campaign_id", "stock_township", "state", "listed_at", "listed_township", "area_code"),
        Index("ix_pension_case_person_area", "person_id", "area_code"),
        {"sqlite_autoincrement": True},
    )

    campaign_id: Mapped[int] = mapped_column(BigId, ForeignKey("campaign.id"), nullable=False)
    campaign: Mapped[Campaign] = relationship()
    person_id: Mapped[int] = mapped_column(BigId, ForeignKey("person.id"), nullable=False)
    person: Mapped[Person] = relationship(back_populates="cases")
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    paused_from: Mapped[Month] = mapped_column(MonthText, nullable=False)  # the first month not paid
    household: Mapped[str] = mapped_column(String(20), nullable=False, default="")
    pause_reason: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    remark: Mapped[str] = mapped_column(Text, nullable=False, default="")
    listed_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    # Where it was first listed: past standings are answered by it, wherever the case moves later.
    listed_township: Mapped[str] = mapped_column(AreaCode, nullable=False, default=_first_township)
    # Set when the list is handed out, never after: the township it counts in, if it is stock.
    stock_township: Mapped[str | None] = mapped_column(AreaCode)
    proposed: Mapped[str] = mapped_column(String(20), nullable=False, default="unknown")
    category: Mapped[str] = mapped_column(String(20), nullable=False, default="unknown")
    # Counts the classifications: steps taken under an earlier one are history.
    round: Mapped[int] = mapped_column(nullable=False, default=1)
    state: Mapped[str] = mapped_column(String(12), nullable=False, default=UNVERIFIED)
    next_step: Mapped[str | None] = mapped_column(String(24), default="establish", index=True)
    outcome: Mapped[str | None] = mapped_column(String(20), index=True)
    # What a person corrected after a list brought it; another list may not overwrite it.
    corrected: Mapped[list] = mapped_column(Json, nullable=False, default=list)
    steps: Mapped[list[StepDone]] = relationship(back_populates="case", order_by="StepDone.id")
    milestones: Mapped[list[Milestone]] = relationship(back_populates="case", order_by="Milestone.id")
    certificates: Mapped[list[Certificate]] = relationship(back_populates="case", order_by="Certificate.id")
    settlements: Mapped[list[Settlement]] = relationship(back_populates="case", order_by="Settlement.id")
    documents: Mapped[list[Document]] = relationship(back_populates="case", order_by="Document.id")

    @property
    def way(self) -> Category:
        """The entry of the category table."""
        return CATEGORIES[self.category]

    @property
    def taken(self) -> dict[str, StepDone]:
        """The steps of the present classification that stand."""
        return {step.step: step for step in self.steps if step.round == self.round and step.undone_at is None}

    @property
    def facts(self) -> dict[str, str | None]:
        """Every fact the standing steps gave."""
        return {name: value for step in self.taken.values() for name, value in step.facts.items()}

    @property
    def is_stock(self) -> bool:
        return self.stock_township is not None

    def __str__(self) -> str:
        return f"{self.person.name} {self.person.short_id}"


class StepDone(db.Model, Editable, Child):
    """A step taken: when it happened, when it was recorded and by whom, with its facts."""

    __tablename__ = "step_done"
    __parent__ = ("case_id", "Case")

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("pension_case.id"), nullable=False, index=True)
    case: Mapped[Case] = relationship(back_populates="steps")
    category: Mapped[str] = mapped_column(String(20), nullable=False)
    round: Mapped[int] = mapped_column(nullable=False)
    step: Mapped[str] = mapped_column(String(24), nullable=False)
    taken_on: Mapped[date] = mapped_column(Date, nullable=False)
    recorded_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    recorded_by: Mapped[str] = mapped_column(String(64), nullable=False)
    facts: Mapped[dict] = mapped_column(Json, nullable=False, default=dict)
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    undone_by: Mapped[str | None] = mapped_column(String(64))
    undone_why: Mapped[str | None] = mapped_column(String(200))


class Milestone(db.Model, Row, Child):
    """`verified` or `cleared`, as an interval of recording: so that a past day can always be asked."""

    __tablename__ = "milestone"
    __parent__ = ("case_id", "Case")
    # Which cases changed behind a day is what the standings of that day ask.
    __table_args__ = (
        Index("ix_milestone_reached", "reached_at", "case_id"),
        {"sqlite_autoincrement": True})

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("pension_case.id"), nullable=False, index=True)
    case: Mapped[Case] = relationship(back_populates="milestones")
    kind: Mapped[str] = mapped_column(String(12), nullable=False)
    outcome: Mapped[str | None] = mapped_column(String(20))
    reached_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    lost_at: Mapped[datetime | None] = mapped_column(Instant)


Index("ix_milestone_lost", Milestone.lost_at, Milestone.case_id, sqlite_where=Milestone.lost_at.is_not(None),
      postgresql_where=Milestone.lost_at.is_not(None))
