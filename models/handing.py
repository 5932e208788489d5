"""Handing the list out: the county to its townships (which freezes the stock), a township to its villages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from models import audit, outbox
from models.area import Township, Village
from models.base import db
from models.campaign import Campaign, Handout, Preparation
from models.case import Case
from models.certificate import Upload
from models.outbox import Task
from models.words import N_, Refusal


def hand_out(campaign: Campaign, by: str, now: datetime) -> list[Handout]:
    """Freeze the stock and hand every township its list (方案三（一）). Raises Refusal if done or empty."""
    if campaign.handed_out_at is not None:
        raise Refusal(N_("The list was already handed out: later rows are additions and reach the townships at once."))
    cases = db.session.scalars(select(Case).where(Case.campaign_id == campaign.id)).all()
    if not cases:
        raise Refusal(N_("There is nobody on the list yet: import it first."))
    campaign.handed_out_at = now
    for case in cases:
        if case.paused_from < campaign.cutoff:
            case.stock_township = case.area_code[:9]
    codes = db.session.scalars(select(Township.area_code).where(Township.ranked).order_by(Township.area_code)).all()
    handed = [_hand(campaign, code, sum(case.area_code[:9] == code for case in cases), by, now) for code in codes]
    audit.record("hand_out", "campaign", campaign.county_code, campaign.id)
    return handed


def hand_on(campaign: Campaign, township_code: str, by: str, now: datetime) -> list[Handout]:
    """Hand each village with people its part of the township's list. Raises Refusal before the township's receipt."""
    received = _handout(campaign, township_code)
    if received is None:
        raise Refusal(N_("The county has not handed out the list yet."))
    if received.received_at is None:
        raise Refusal(N_("Confirm the receipt of the township's list first."))
    people = dict(db.session.execute(
        select(Case.area_code, func.count()).where(Case.campaign_id == campaign.id).group_by(Case.area_code)).all())
    handed = set(db.session.scalars(select(Handout.area_code).where(Handout.campaign_id == campaign.id)))
    codes = db.session.scalars(select(Village.area_code).order_by(Village.area_code)).all()
    new = [_hand(campaign, code, people[code], by, now) for code in codes
           if code.startswith(township_code) and code in people and code not in handed]
    if not new:
        raise Refusal(N_("Every village with people on the list has it already."))
    audit.record("hand_on", "handout", township_code, received.id)
    return new


def _hand(campaign: Campaign, code: str, people: int, by: str, now: datetime) -> Handout:
    handout = Handout(campaign=campaign, area_code=code, people=people, handed_at=now, handed_by=by)
    db.session.add(handout)
    return handout


def _handout(campaign: Campaign, code: str) -> Handout | None:
    return db.session.scalar(
        select(Handout).where(Handout.campaign_id == campaign.id, Handout.area_code == code))


def confirm_receipt(handout: Handout, person: str, now: datetime) -> None:
    """Record who received the list, and when. Raises Refusal if recorded before or without a name."""
    if handout.received_at is not None:
        raise Refusal(N_("{person} already confirmed this receipt."), person=handout.received_by)
    if not person.strip():
        raise Refusal(N_("Who received the list? Give the person's name."))
    handout.received_at, handout.received_by = now, person.strip()
    audit.record("receive", "handout", handout.area_code, handout.id)


def order_lists(campaign: Campaign, township_code: str, villages: list[str], file_name: str, leaving: str, by: str) -> Task:
    """Have the lists of a township's villages made in the background, as *file_name*, with *leaving* as their last line.

    What the same person has ordered already and still waits for is not ordered twice.
    """
    if (before := outbox.in_hand("village_lists", township_code, by)) is not None:
        return before
    task = outbox.order("village_lists", township_code, by, total=len(villages), campaign=campaign.id, villages=villages,
                        leaving=leaving)
    task.file_name = file_name
    db.session.flush()
    audit.record("order_lists", "task", township_code, task.id)
    return task


def prepare(campaign: Campaign, township_code: str, leader: str, members: str, plan: Upload, by: str,
            now: datetime) -> Preparation:
    """Record, or record anew, a township's leading group and its plan (方案三（二）). Raises Refusal without a leader."""
    if not leader.strip() or not members.strip():
        raise Refusal(N_("Name the head and the members of the leading group."))
    preparation = db.session.scalar(select(Preparation).where(
        Preparation.campaign_id == campaign.id, Preparation.area_code == township_code))
    if preparation is None:
        preparation = Preparation(campaign=campaign, area_code=township_code)
        db.session.add(preparation)
    preparation.leader, preparation.members = leader.strip(), members.strip()
    preparation.plan_name, preparation.plan_sha256 = plan.name, plan.sha256
    preparation.recorded_at, preparation.recorded_by = now, by
    db.session.flush()
    audit.record("prepare", "preparation", township_code, preparation.id)
    return preparation
