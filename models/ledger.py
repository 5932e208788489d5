"""Settlements as signed: figures frozen when submitted, three different people, reversed but never edited."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import AreaCode, BigId, Editable, Instant, Json, MonthText, Row, db
from models.case import Case
from models.money import fen, yuan
from models.months import Month
from models.scope import Child, Placed, Shared
from models.settlement import settle
from models.words import N_, Refusal

SUBMITTED, REVIEWED, APPROVED, NOTHING_OWED, RETURNED, REVERSED = (
    "submitted", "reviewed", "approved", "nothing_owed", "returned", "reversed")
STANDING = (SUBMITTED, REVIEWED, APPROVED, NOTHING_OWED)
SETTLEMENT_TITLES = {
    SUBMITTED: N_("Waits for review"), REVIEWED: N_("Waits for approval"), APPROVED: N_("Approved"),
    NOTHING_OWED: N_("Nothing owed"), RETURNED: N_("Returned"), REVERSED: N_("Reversed"),
}


class PublishedRate(db.Model, Editable, Shared):
    """A dated rate with the document that set it. Append-only in spirit: a new standard is a new row."""

    __tablename__ = "rate"
    __table_args__ = (
        UniqueConstraint("item", "from_month", "min_age"),
        CheckConstraint("item IN ('basic', 'age', 'years', 'supplement')", name="item"),
        CheckConstraint("amount >= 0", name="amount"),
        {"sqlite_autoincrement": True},
    )

    item: Mapped[str] = mapped_column(String(20), nullable=False)
    from_month: Mapped[Month] = mapped_column(MonthText, nullable=False)
    amount: Mapped[int] = mapped_column(BigId, nullable=False)  # 分 a month (of `years`: a month for each year)
    min_age: Mapped[int] = mapped_column(nullable=False, default=0)
    basis: Mapped[str] = mapped_column(String(300), nullable=False)


class Settlement(db.Model, Editable, Placed):
    """One computed and signed sum of one case. Amounts in 分; `facts` and `result` as the contract has them."""

    __tablename__ = "settlement"
    __digested__ = ("facts", "result")
    __table_args__ = (
        # Neither a list in order of time nor what waits for whom need look at the rows, whose documents are long.
        Index("ix_settlement_area_submitted", "area_code", "submitted_at"),
        Index("ix_settlement_state_area", "state", "area_code", "submitted_by", "reviewed_by", "submitted_at"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> submitted_by", name="reviewer_is_another"),
        CheckConstraint("approved_by IS NULL OR (approved_by <> submitted_by AND approved_by <> reviewed_by "
                        "AND reviewed_by IS NOT NULL)", name="approver_is_a_third"),
        CheckConstraint("(state NOT IN ('reviewed', 'approved') OR reviewed_by IS NOT NULL) "
                        "AND (state <> 'approved' OR approved_by IS NOT NULL)", name="signed_as_stated"),
        {"sqlite_autoincrement": True},
    )

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("pension_case.id"), nullable=False, index=True)
    case: Mapped[Case] = relationship(back_populates="settlements")
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    round: Mapped[int] = mapped_column(nullable=False)
    state: Mapped[str] = mapped_column(String(12), nullable=False)
    as_of: Mapped[Month] = mapped_column(MonthText, nullable=False)
    facts: Mapped[dict] = mapped_column(Json, nullable=False)
    result: Mapped[dict] = mapped_column(Json, nullable=False)
    back_pay: Mapped[int] = mapped_column(BigId, nullable=False)
    recover: Mapped[int] = mapped_column(BigId, nullable=False)
    offset: Mapped[int] = mapped_column(BigId, nullable=False)
    still_to_refund: Mapped[int] = mapped_column(BigId, nullable=False)
    refund_to_person: Mapped[int] = mapped_column(BigId, nullable=False)
    submitted_by: Mapped[str] = mapped_column(String(64), nullable=False)
    submitted_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    reviewed_by: Mapped[str | None] = mapped_column(String(64))
    reviewed_at: Mapped[datetime | None] = mapped_column(Instant)
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(String(200))
    lines: Mapped[list[SettlementLine]] = relationship(back_populates="settlement", order_by="SettlementLine.id")
    receipts: Mapped[list[Receipt]] = relationship(back_populates="settlement", order_by="Receipt.id")

    @property
    def refunded(self) -> int:
        """分 paid back so far."""
        return sum(receipt.amount for receipt in self.receipts)

    @property
    def uncovered(self) -> int:
        """分 that neither the account nor a refund covers yet."""
        return self.still_to_refund - self.refunded


class SettlementLine(db.Model, Row, Child):
    """One month and item of a settlement, in 分, with the rate's basis as it was. Never changed (a trigger refuses)."""

    __tablename__ = "settlement_line"
    __parent__ = ("settlement_id", "Settlement")
    __untraced__ = True  # the settlement's own entry in the trail holds the hash of the whole result

    settlement_id: Mapped[int] = mapped_column(BigId, ForeignKey("settlement.id"), nullable=False, index=True)
    settlement: Mapped[Settlement] = relationship(back_populates="lines")
    month: Mapped[Month] = mapped_column(MonthText, nullable=False)
    party: Mapped[str] = mapped_column(String(12), nullable=False)
    item: Mapped[str] = mapped_column(String(20), nullable=False)
    entitled: Mapped[int] = mapped_column(BigId, nullable=False)
    paid: Mapped[int] = mapped_column(BigId, nullable=False)
    difference: Mapped[int] = mapped_column(BigId, nullable=False)
    basis: Mapped[str] = mapped_column(String(300), nullable=False)


class Receipt(db.Model, Row, Child):
    """Money paid back, with its voucher."""

    __tablename__ = "receipt"
    __parent__ = ("settlement_id", "Settlement")
    __table_args__ = (CheckConstraint("amount > 0", name="amount"), {"sqlite_autoincrement": True})
    settlement_id: Mapped[int] = mapped_column(BigId, ForeignKey("settlement.id"), nullable=False, index=True)
    settlement: Mapped[Settlement] = relationship(back_populates="receipts")
    amount: Mapped[int] = mapped_column(BigId, nullable=False)
    received_on: Mapped[date] = mapped_column(Date, nullable=False)
    voucher_no: Mapped[str] = mapped_column(String(60), nullable=False)
    recorded_by: Mapped[str] = mapped_column(String(64), nullable=False)
    recorded_at: Mapped[datetime] = mapped_column(Instant, nullable=False)


def rates_in_force() -> list[dict]:
    """The published rates in the shape of the trial calculation."""
    return [{"item": rate.item, "from": str(rate.from_month), "amount": yuan(rate.amount),
             "min_age": rate.min_age or None, "basis": rate.basis}
            for rate in db.session.scalars(select(PublishedRate).order_by(PublishedRate.id))]


def trial_document(case: Case, facts: dict, as_of: Month) -> dict:
    """What the trial calculation takes, from a case and its facts. Raises Refusal naming what is missing."""
    benefit = case.person.benefit
    if benefit is None:
        raise Refusal(N_("The benefit record of {name} is missing (benefit start, years paid, account): "
                         "import it or fill it in on the case page."), name=case.person.name)
    return {
        "as_of": str(as_of),
        "person": {
            "born": case.person.born.isoformat(), "basic_from": str(benefit.basic_from),
            "supplement_from": benefit.supplement_from and str(benefit.supplement_from),
            "years_paid": benefit.years_paid,
            **{name: yuan(getattr(benefit, name)) for name in (
                "account_pension", "account_balance", "government_subsidy",
                "supplement_account_pension", "supplement_account_balance")},
        },
        "paused_from": str(case.paused_from), "resumes": facts.get("resumes"), "payments": None,
        "category": case.way.settled_as,
        "facts": ruling_facts(case, facts),
        "rates": rates_in_force(),
    }


def ruling_facts(case: Case, facts: dict) -> dict:
    return {name: _as_json(name, facts.get(name)) for name in case.way.settled_with}


def _as_json(name: str, value: str | None) -> str | bool | None:
    return value == "yes" if name == "alive" else value


def compute(case: Case, facts: dict, by: str, now: datetime, as_of: Month) -> Settlement:
    """Compute, freeze and submit the sum of a case; nothing owed needs no signature. Raises Refusal."""
    if standing(case):
        raise Refusal(N_("{name} already has a settlement: return or reverse it first."), name=case.person.name)
    document = trial_document(case, facts, as_of)
    result = settle(document)
    amounts = {column: fen(result[key]) for column, key in (
        ("back_pay", "back_pay"), ("recover", "recover"), ("offset", "offset"),
        ("still_to_refund", "still_to_refund"), ("refund_to_person", "refund_to_person_or_heirs"))}
    settlement = Settlement(
        case=case, area_code=case.area_code, round=case.round, as_of=as_of, facts=document, result=result,
        state=SUBMITTED if any(amounts.values()) else NOTHING_OWED, submitted_by=by, submitted_at=now, **amounts)
    settlement.lines = [_line(line) for line in result["lines"]]
    db.session.add(settlement)
    return settlement


def _line(line: dict) -> SettlementLine:
    return SettlementLine(
        month=Month.parse(line["month"]), party=line["party"], item=line["item"], entitled=fen(line["entitled"]),
        paid=fen(line["paid"]), difference=fen(line["difference"]), basis=line["basis"])


def standing(case: Case) -> Settlement | None:
    """The settlement of the present classification that was not returned or reversed."""
    return next((s for s in reversed(case.settlements) if s.round == case.round and s.state in STANDING), None)


def the_standing(case: Case) -> Settlement:
    settlement = standing(case)
    if settlement is None:
        raise Refusal(N_("{name} has no settlement yet: compute it first."), name=case.person.name)
    return settlement


def review(case: Case, by: str, now: datetime) -> None:
    """The second signature. Raises Refusal for the person who submitted, and out of turn."""
    settlement = the_standing(case)
    if settlement.state != SUBMITTED:
        raise Refusal(N_("The settlement of {name} does not wait for review."), name=case.person.name)
    if by == settlement.submitted_by:
        raise Refusal(N_("Whoever computed a settlement cannot review it: another person has to."))
    settlement.state, settlement.reviewed_by, settlement.reviewed_at = REVIEWED, by, now


def approve(case: Case, by: str, now: datetime) -> None:
    """The third signature. Raises Refusal for either of the first two people, and out of turn."""
    settlement = the_standing(case)
    if settlement.state != REVIEWED:
        raise Refusal(N_("The settlement of {name} has not been reviewed."), name=case.person.name)
    if by in (settlement.submitted_by, settlement.reviewed_by):
        raise Refusal(N_("Whoever computed or reviewed a settlement cannot approve it: a third person has to."))
    settlement.state, settlement.approved_by, settlement.approved_at = APPROVED, by, now


def end(settlement: Settlement, by: str, now: datetime, why: str) -> None:
    """Return a settlement that is not approved yet, or reverse one that is; its figures stay as they were."""
    if settlement.receipts:
        raise Refusal(N_("Money was already refunded on this settlement: it cannot be taken back here."))
    settlement.state = REVERSED if settlement.state == APPROVED else RETURNED
    settlement.ended_by, settlement.ended_at, settlement.ended_why = by, now, why


def take_refund(case: Case, facts: dict, by: str, now: datetime) -> None:
    """Record a refund that covers all that is open. Raises Refusal for any other amount."""
    settlement = the_standing(case)
    amount = fen(facts["refunded"])
    if amount != settlement.uncovered:
        raise Refusal(N_("{open} yuan are to be refunded, not {amount}: one refund has to cover it."),
                      open=yuan(settlement.uncovered), amount=yuan(amount))
    db.session.add(Receipt(
        settlement=settlement, amount=amount, received_on=date.fromisoformat(facts["refunded_on"]),
        voucher_no=facts["voucher_no"], recorded_by=by, recorded_at=now))


def refuse_uncovered(case: Case) -> None:
    """An account may be sealed only where no overpayment stays uncovered (rules §1.6)."""
    settlement = standing(case)
    if settlement and settlement.uncovered > 0:
        raise Refusal(N_("The account of {name} cannot be sealed: {amount} yuan of overpayment are not covered "
                         "by the account. They have to be refunded first."),
                      name=case.person.name, amount=yuan(settlement.uncovered))
