"""Ordering a circulated report: standings frozen, a number given, a task ordered, all in one transaction."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select

from exports import bulletins
from models import audit, chain, ranking
from models.base import db
from models.campaign import Campaign
from models.case import Case, Milestone
from models.document import ORDERED, REFUSED, Bulletin, Series, next_number
from models.ledger import Receipt, Settlement
from models.money import yuan
from models.outbox import order
from models.scope import seeing
from models.steps import Outcome
from models.words import N_, Refusal
from portal.settings import SHANGHAI

# 机关代字: the bureau's own; a county not named here gets a series that claims to be nobody's.
PREFIXES = {"141122": "交人社字"}
PROOF = "（试印，未编号）"
NEUTRAL = "专项清理通报"
# Bulletins exist in Chinese only, so their formula is frozen in Chinese.
FORMULA = "核实率＝已核实÷存量×100%；清零率＝已清零÷存量×100%。"


def order_bulletin(campaign: Campaign, as_of: date, by: str, now: datetime) -> Bulletin:
    """The bulletin of a day: ordered now, or the one that is there (a refused one is drawn anew from the same facts).

    Raises Refusal for a day to come and for one before the list was handed out.
    """
    bulletin = db.session.scalar(
        select(Bulletin).where(Bulletin.campaign_id == campaign.id, Bulletin.as_of == as_of))
    if bulletin is None:
        _refuse_day(campaign, as_of, now)
        return _order(campaign, as_of, by, now)
    if bulletin.state == REFUSED:
        bulletin.state, bulletin.error, bulletin.task_id = ORDERED, None, _task(campaign, by)
        audit.record("issue_bulletin", "bulletin", campaign.county_code, bulletin.id)
    return bulletin


def proof(campaign: Campaign, as_of: date, now: datetime, font_dir: Path) -> bytes:
    """The PDF of a day's bulletin as issued; of a day without one a proof, which takes no number and is not filed."""
    issued = db.session.scalar(select(Bulletin).where(Bulletin.campaign_id == campaign.id, Bulletin.as_of == as_of))
    if issued is not None:
        return bulletins.draw(issued.facts["standings"], issued.facts["facts"], font_dir)
    _refuse_day(campaign, as_of, now)
    return bulletins.draw(standings(campaign, as_of), facts_of(campaign, as_of, now, PROOF), font_dir)


def _refuse_day(campaign: Campaign, as_of: date, now: datetime) -> None:
    if as_of > now.astimezone(SHANGHAI).date():
        raise Refusal(N_("There is no bulletin of {day} yet, a day still to come."), day=as_of.isoformat())
    if campaign.handed_out_at is None or campaign.handed_out_at >= ranking.end_of(as_of):
        raise Refusal(N_("The list was not handed out by {day}: there is no stock to rank by."), day=as_of.isoformat())


def _order(campaign: Campaign, as_of: date, by: str, now: datetime) -> Bulletin:
    facts = {"standings": standings(campaign, as_of), "facts": facts_of(campaign, as_of, now)}
    bulletin = Bulletin(
        campaign=campaign, as_of=as_of, kind="ranking", number=facts["facts"]["number"], facts=facts,
        file_name=f"{campaign.county_name}暂停待遇专项清理通报_{as_of.isoformat()}.pdf", ordered_by=by, ordered_at=now,
        task_id=_task(campaign, by, f"bulletin:{campaign.id}:{as_of.isoformat()}"))
    db.session.add(bulletin)
    db.session.flush()
    audit.record("issue_bulletin", "bulletin", campaign.county_code, bulletin.id)
    return bulletin


def _task(campaign: Campaign, by: str, dedupe_key: str | None = None) -> int:
    task = order("bulletin", campaign.county_code, by, dedupe_key=dedupe_key)
    db.session.flush()
    return task.id


def standings(campaign: Campaign, as_of: date) -> dict:
    """The standings as the paper takes them."""
    return ranking.standings(campaign, as_of) | {"formula": FORMULA}


def facts_of(campaign: Campaign, as_of: date, now: datetime, number: str | None = None) -> dict:
    """What else the paper says: office, number, how cases ended and what money moved by that day's end.

    The next *number* is given if none is; a mere look gives one of its own.
    """
    issued = now.astimezone(SHANGHAI).date()
    return {
        "office": {"name": campaign.office, "bureau": campaign.bureau, "address": campaign.address,
                   "phone": campaign.phone, "bank_account": campaign.bank_account},
        "number": number or _next_number(campaign, issued.year),
        "issued_on": issued.isoformat(),
        "campaign": {"title": campaign.title.removeprefix(campaign.county_name), "document_no": campaign.document_no,
                     "verify_by": campaign.verify_by.isoformat(), "clear_by": campaign.clear_by.isoformat()},
        # What stands on paper in every township cannot be rewritten: `portal audit verify --head` compares.
        "trail": dict(zip(("entries", "head"), chain.newest(), strict=True)),
        **_progress(campaign, ranking.end_of(as_of)),
    }


def _next_number(campaign: Campaign, year: int) -> str:
    """The next number of the bureau's series, which goes on behind the campaign's own order (交人社字〔2021〕82号)."""
    prefix = PREFIXES.get(campaign.county_code, NEUTRAL)
    given = re.fullmatch(rf"{prefix}〔{year}〕(\d+)号", campaign.document_no)
    if given and db.session.scalar(select(Series.id).where(Series.prefix == prefix, Series.year == year)) is None:
        db.session.add(Series(prefix=prefix, year=year, last=int(given[1])))
        db.session.flush()
    return next_number(prefix, year)


def _progress(campaign: Campaign, end: datetime) -> dict:
    """How cases had ended and what money had moved at *end*, from what was recorded by then."""
    with seeing(campaign.county_code):
        ended = dict(db.session.execute(
            select(Milestone.outcome, func.count()).join(Case, Case.id == Milestone.case_id)
            .where(Case.campaign_id == campaign.id, Milestone.kind == "cleared", *_stood(Milestone.reached_at,
                   Milestone.lost_at, end)).group_by(Milestone.outcome)).all())
        approved = [Case.campaign_id == campaign.id, *_stood(Settlement.approved_at, Settlement.ended_at, end)]
        back_pay, to_recover = db.session.execute(
            select(func.sum(Settlement.back_pay), func.sum(Settlement.recover))
            .join(Case, Case.id == Settlement.case_id).where(*approved)).one()
        offset = db.session.scalar(select(func.sum(Settlement.offset)).join(Case, Case.id == Settlement.case_id)
                                   .where(*approved))
        refunded = db.session.scalar(
            select(func.sum(Receipt.amount)).join(Settlement, Settlement.id == Receipt.settlement_id)
            .join(Case, Case.id == Settlement.case_id).where(*approved, Receipt.recorded_at < end))
    return {
        "outcomes": {"resumed": ended.get(Outcome.RESUMED, 0), "deregistered": ended.get(Outcome.DEREGISTERED, 0),
                     "sealed": ended.get(Outcome.SEALED, 0), "kept_suspended": ended.get(Outcome.STAYS_SUSPENDED, 0)},
        "amounts": {"back_pay": yuan(int(back_pay or 0)), "to_recover": yuan(int(to_recover or 0)),
                    "recovered": yuan(int(offset or 0) + int(refunded or 0))},
    }


def _stood(since, until, end: datetime) -> tuple:
    return since < end, (until.is_(None)) | (until >= end)
