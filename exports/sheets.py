"""THE TABLE of Excel exports: a new one is one more entry in SHEETS.

Rows are what the scope lets through; ID numbers are masked, since a file travels further than a screen. The sheet
WHOLE leaves for a reason, and above 500 people when a second person allows it (models/leaving.py).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import defer, joinedload, selectinload

from exports import postsheet
from exports.workbook import Column, Sheet, write
from models.area import Names
from models.base import db
from models.campaign import Campaign, Handout
from models.case import STATE_TITLES, Case
from models.categories import CATEGORIES
from models.ledger import SETTLEMENT_TITLES, Receipt, Settlement
from models.ranking import FORMULA, standings
from models.steps import OUTCOME_TITLES
from models.words import N_, Refusal

Say = Callable[[Any], str]


@dataclass(frozen=True)
class Export:
    """One sheet: *columns* as (message id, width, kind); *rows* gives one value for each."""

    key: str
    title: str
    columns: tuple[tuple[str, int, str], ...]
    rows: Callable[[Campaign, datetime, Say], Iterable[tuple]]
    notes: tuple[str, ...] = ()


def build(key: str, campaign: Campaign, now: datetime, say: Say, leaving: str = "") -> bytes:
    """The workbook of one export, under the present scope; *leaving* is its last line. Raises Refusal for an unknown one."""
    if key not in SHEETS:
        raise Refusal(N_("There is no sheet “{key}”; there are: {all}."), key=key, all=", ".join(SHEETS))
    export, out = SHEETS[key], io.BytesIO()
    stamp = now.strftime("%Y-%m-%d %H:%M")
    write(Sheet(title=say(export.title), columns=[Column(say(title), width, kind) for title, width, kind in export.columns],
                rows=export.rows(campaign, now, say), lines=[f"{campaign.county_name} {say(export.title)}", stamp],
                notes=[say(note) for note in export.notes], leaving=leaving), out)
    return out.getvalue()


def _cases(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    names = Names()
    for number, case in enumerate(db.session.scalars(_listed(campaign)), start=1):
        yield (number, names.township(case.area_code), names.village(case.area_code), case.person.name, case.person.sex,
               case.person.masked_id, case.paused_from, case.pause_reason, case.remark, say(CATEGORIES[case.category].title),
               say(STATE_TITLES[case.state]), _step(case, say), say(OUTCOME_TITLES[case.outcome]) if case.outcome else "",
               say(N_("Stock")) if case.is_stock else say(N_("Addition")), *_sums(case))


def _listed(campaign: Campaign) -> Select:
    return (select(Case).where(Case.campaign_id == campaign.id).order_by(Case.area_code, Case.id)
            .options(joinedload(Case.person), selectinload(Case.settlements).options(*_light()))
            .execution_options(yield_per=500))


def _light() -> tuple:
    """A settlement without its two documents, which are many times as long as all the rest."""
    return defer(Settlement.facts), defer(Settlement.result)


def _step(case: Case, say: Say) -> str:
    step = case.way.step(case.next_step) if case.next_step else None
    return say(step.title) if step else ""


def _sums(case: Case) -> tuple[int | None, int | None]:
    settlement = case.settlements[-1] if case.settlements else None
    return (settlement.back_pay, settlement.recover) if settlement else (None, None)


def _cases_full(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    names = Names()
    for number, case in enumerate(db.session.scalars(_listed(campaign)), start=1):
        yield (number, names.township(case.area_code), names.village(case.area_code), case.person.name, case.person.sex,
               case.person.id_number, case.paused_from, say(CATEGORIES[case.category].title), say(STATE_TITLES[case.state]),
               say(OUTCOME_TITLES[case.outcome]) if case.outcome else "", *_sums(case))


def people(campaign: Campaign) -> int:
    """How many rows the sheets of people have, under the present scope."""
    return db.session.scalar(select(func.count()).select_from(Case).where(Case.campaign_id == campaign.id))


def _ranking(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    document = standings(campaign, now.date())
    for row in document["rows"]:
        yield (row["rank"] or "—", row["name"], *_counts(row), row["rank_before"] or "—")
    yield ("", say(N_("Whole county")), *_counts(document["total"]), "")


def _counts(row: dict) -> tuple:
    return (row["stock"], row["verified"], row["verified_rate"] or "—", row["cleared"], row["cleared_rate"] or "—",
            row["outstanding"], row["overdue"], row["added"])


def _settlements(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    names = Names()
    statement = (select(Settlement).join(Case).where(Case.campaign_id == campaign.id).order_by(Settlement.id)
                 .options(*_light(), joinedload(Settlement.case).joinedload(Case.person), selectinload(Settlement.receipts)))
    for each in db.session.scalars(statement):
        yield (names.full(each.area_code), each.case.person.name, each.case.person.masked_id,
               say(CATEGORIES[each.case.category].title), say(SETTLEMENT_TITLES[each.state]), each.back_pay, each.recover,
               each.offset, each.still_to_refund, each.refunded, each.refund_to_person, each.submitted_by,
               each.reviewed_by or "", each.approved_by or "")


def _receipts(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    statement = (select(Receipt).join(Settlement).join(Case).where(Case.campaign_id == campaign.id).order_by(Receipt.id)
                 .options(joinedload(Receipt.settlement).joinedload(Settlement.case).joinedload(Case.person)))
    names = Names()
    for each in db.session.scalars(statement):
        case = each.settlement.case
        yield (names.full(case.area_code), case.person.name, case.person.masked_id, each.amount, each.received_on,
               each.voucher_no, each.recorded_by)


def _handouts(campaign: Campaign, now: datetime, say: Say) -> Iterable[tuple]:
    names = Names()
    statement = select(Handout).where(Handout.campaign_id == campaign.id).order_by(Handout.area_code)
    for each in db.session.scalars(statement):
        yield (names.township(each.area_code), names.village(each.area_code), each.people, each.handed_at.date(),
               each.received_at.date() if each.received_at else None, each.received_by or "")


_PERSON = ((N_("Name"), 10, "text"), (N_("ID number (masked)"), 22, "id"))
_MONEY = tuple((title, 12, "money") for title in (
    N_("Back pay"), N_("To recover"), N_("Offset"), N_("Still to refund"), N_("Refunded"), N_("To person or heirs")))

WHOLE = "cases_full"  # the list with whole ID numbers

SHEETS: dict[str, Export] = {export.key: export for export in (
    Export("cases", N_("Suspended people"), (
        (N_("No."), 6, "number"), (N_("Township"), 12, "text"), (N_("Village"), 14, "text"), _PERSON[0], (N_("Sex"), 6, "text"),
        _PERSON[1], (N_("Paused from"), 10, "month"), (N_("Reason on the list"), 18, "text"), (N_("Remark"), 18, "text"),
        (N_("Category"), 14, "text"), (N_("State"), 10, "text"), (N_("Next step"), 18, "text"), (N_("Outcome"), 14, "text"),
        (N_("Stock or addition"), 10, "text"), (N_("Back pay"), 12, "money"), (N_("To recover"), 12, "money")), _cases),
    Export(WHOLE, N_("Suspended people (with whole ID numbers)"), (
        (N_("No."), 6, "number"), (N_("Township"), 12, "text"), (N_("Village"), 14, "text"), _PERSON[0], (N_("Sex"), 6, "text"),
        (N_("ID number"), 22, "id"), (N_("Paused from"), 10, "month"), (N_("Category"), 14, "text"), (N_("State"), 10, "text"),
        (N_("Outcome"), 14, "text"), (N_("Back pay"), 12, "money"), (N_("To recover"), 12, "money")), _cases_full),
    Export("ranking", N_("Ranking of the townships"), (
        (N_("Rank"), 6, "text"), (N_("Township"), 14, "text"), (N_("Stock"), 8, "number"), (N_("Verified"), 8, "number"),
        (N_("Verified %"), 9, "text"), (N_("Cleared count"), 8, "number"), (N_("Cleared %"), 9, "text"),
        (N_("Outstanding"), 8, "number"), (N_("Overdue"), 8, "number"), (N_("Additions"), 8, "number"),
        (N_("Rank a week before"), 10, "text")), _ranking, notes=(FORMULA,)),
    Export("settlements", N_("Settlements"), (
        (N_("Place"), 20, "text"), *_PERSON, (N_("Category"), 14, "text"), (N_("State"), 10, "text"), *_MONEY,
        (N_("Computed by"), 14, "text"), (N_("Reviewed by"), 14, "text"), (N_("Approved by"), 14, "text")), _settlements),
    Export("receipts", N_("Refunds received"), (
        (N_("Place"), 20, "text"), *_PERSON, (N_("Amount"), 12, "money"), (N_("Received on"), 12, "date"),
        (N_("Voucher number"), 18, "text"), (N_("Recorded by"), 14, "text")), _receipts),
    Export("handouts", N_("Handing out and receipts"), (
        (N_("Township"), 14, "text"), (N_("Village"), 14, "text"), (N_("People"), 8, "number"),
        (N_("Handed out on"), 12, "date"), (N_("Received on"), 12, "date"), (N_("Received by"), 12, "text")), _handouts),
    Export("posts", N_("Register of posts"), postsheet.COLUMNS, postsheet.rows),
)}

