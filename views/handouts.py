"""What the pages of handing out show: per township, per village, and what handing out would do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from models.area import Township
from models.base import db
from models.campaign import Campaign, Handout, Preparation
from models.case import Case
from models.prefix import in_area
from models.scope import current
from views.places import names
from views.words import moment


def one(id: int, cls: type = Handout) -> Any:
    """A row by its id, if it lies in one's area."""
    return db.session.scalar(select(cls).where(cls.id == id, in_area(cls.area_code, current())))


def of_length(of: Campaign, length: int) -> list[Handout]:
    return list(db.session.scalars(select(Handout).where(
        Handout.campaign_id == of.id, func.length(Handout.area_code) == length).order_by(Handout.area_code)))


def villages(of: Campaign, township: str) -> list[Handout]:
    """Those without a receipt first."""
    found = [row for row in of_length(of, 12) if row.area_code.startswith(township)]
    return sorted(found, key=lambda row: (row.received_at is not None, row.area_code))


def townships(of: Campaign) -> list[dict[str, Any]]:
    """Each township: handed out, received, villages that confirmed, plan."""
    handed = {row.area_code: row for row in of_length(of, 9)}
    plans = {plan.area_code: plan for plan in db.session.scalars(select(Preparation).where(Preparation.campaign_id == of.id))}
    received: dict[str, list[bool]] = {}
    for row in of_length(of, 12):
        received.setdefault(row.area_code[:9], []).append(row.received_at is not None)
    codes = db.session.execute(select(Township.area_code, Township.name).where(Township.ranked).order_by(Township.area_code))
    return [{"code": code, "name": name, "handout": handed.get(code), "at": _at(handed.get(code), "handed_at"),
             "received": _at(handed.get(code), "received_at"), "plan": plans.get(code),
             "villages": len(received.get(code, [])), "villages_received": sum(received.get(code, []))}
            for code, name in codes]


def _at(row: Handout | None, name: str) -> str:
    return moment(getattr(row, name)) if row is not None else ""


def township(of: Campaign, code: str) -> dict[str, Any]:
    """One township: its own hand-out, its villages with receipts, its plan, and villages still without their list."""
    own = db.session.scalar(select(Handout).where(Handout.campaign_id == of.id, Handout.area_code == code))
    found, waiting = villages(of, code), _not_handed_on(of, code)
    return {"own": own, "own_at": _at(own, "handed_at"), "own_received": _at(own, "received_at"),
            "villages": [(row, names().village(row.area_code), _at(row, "handed_at"), _at(row, "received_at")) for row in found],
            "waiting": waiting, "confirmed": sum(row.received_at is not None for row in found),
            "plan": plan(of, code)}


def plan(of: Campaign, code: str) -> Preparation | None:
    """The leading group and plan of a township, if it has recorded them."""
    return db.session.scalar(select(Preparation).where(Preparation.campaign_id == of.id, Preparation.area_code == code))


def _not_handed_on(of: Campaign, code: str) -> int:
    """Villages with people on the list that have not got theirs."""
    handed = select(Handout.area_code).where(Handout.campaign_id == of.id)
    return db.session.scalar(select(func.count(Case.area_code.distinct())).where(
        Case.campaign_id == of.id, in_area(Case.area_code, code), func.length(Case.area_code) == 12,
        Case.area_code.not_in(handed)))


def without_receipt(of: Campaign | None) -> int:
    """Lists in one's area whose receipt nobody confirmed."""
    if of is None:
        return 0
    return db.session.scalar(select(func.count()).select_from(Handout).where(
        Handout.campaign_id == of.id, Handout.received_at.is_(None)))


def would_get(of: Campaign) -> list[tuple[str, int, int, int]]:
    """(township, people, stock, additions) if the list were handed out now, by the condition of handing out itself."""
    place = func.substr(Case.area_code, 1, 9)
    counts = {code: (people, stock) for code, people, stock in db.session.execute(
        select(place, func.count(), func.count().filter(Case.paused_from < of.cutoff))
        .where(Case.campaign_id == of.id).group_by(place))}
    codes = db.session.execute(select(Township.area_code, Township.name).where(Township.ranked).order_by(Township.area_code))
    return [(name, people, stock, people - stock) for code, name in codes
            for people, stock in [counts.get(code, (0, 0))]]
