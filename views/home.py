"""The home of each post: what waits, who is late, what to begin with. Every number opens its list."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import case as when
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from models import ranking
from models.base import db
from models.campaign import Campaign, Handout, Preparation
from models.case import CLEARED, UNVERIFIED, VERIFIED, Case
from models.outbox import FAILED, Task
from models.user import Right, Role
from models.words import N_
from models.workflow import missing_proofs
from views import accounts, standing
from views.account import days_left
from views.accounts import Tile
from views.base import OfficePage
from views.cases import CaseView
from views.frame import campaign, today
from views.listing import list_url
from views.machine import worries
from views.places import names
from views.words import say

MINE = (N_("Waits for me"), {"waits": "me"})
OVERDUE = (N_("Overdue"), {"due": "late"})
TILES: dict[Role, tuple[tuple[str, dict[str, str]], ...]] = {
    Role.TOWNSHIP: (MINE, (N_("To verify"), {"state": UNVERIFIED}), (N_("Material missing"), {"mark": "lacks"}), OVERDUE),
    Role.COUNTY_CLERK: (MINE, (N_("Settlement returned"), {"mark": "returned"}), (N_("Refunds due"), {"step": "refund"}),
                        OVERDUE, (N_("Additions"), {"kind": "added"})),
    Role.COUNTY_REVIEWER: (MINE, (N_("To approve"), {"step": "approve"}), OVERDUE),
    Role.COUNTY_APPROVER: (MINE, (N_("To review"), {"step": "review"}), OVERDUE),
    Role.COUNTY_ADMIN: ((N_("To verify"), {"state": UNVERIFIED}), (N_("In hand"), {"state": VERIFIED}), OVERDUE,
                        (N_("Additions"), {"kind": "added"})),
    Role.AUDITOR: ((N_("To verify"), {"state": UNVERIFIED}), (N_("To review"), {"step": "review"}),
                   (N_("To approve"), {"step": "approve"}), OVERDUE),
}


class Home(OfficePage):
    title, at, needs = N_("To do"), "admin", None

    @expose("/")
    def index(self) -> str:
        if not current_user.may(Right.SEE_CASES):
            return self.render("admin/home.html", campaign=campaign(), left=days_left(), worries=worries(),
                               tiles=accounts.tiles(), asked=accounts.asked())
        present = campaign()
        ranks = ranking.standings(present, today()) if present else {"rows": [], "total": None}
        facts: dict[str, Any] = {"tiles": [*map(_tile, TILES[Role(current_user.role)]), *_extra(ranks)], "first": _first()}
        if current_user.role == Role.TOWNSHIP:
            facts["villages"] = _villages(present) if present else []
        else:
            facts["townships"], facts["total"] = _townships(present, ranks) if present else ([], None)
        return self.render("admin/home.html", campaign=present, left=days_left(), worries=worries(), **facts)

    def waiting(self) -> int:
        if not current_user.may(Right.SEE_CASES):
            return 0
        return standing.some(standing.waits_for_me())


def counted(**filters: str) -> int:
    """How many cases the list shows under these filters: asked with the list's own conditions."""
    picks = {pick.key: pick for pick in CaseView.column_filters}
    return standing.count(*(picks[key].where(value) for key, value in filters.items()))


def _tile(tile: tuple[str, dict[str, str]]) -> Tile:
    title, filters = tile
    number = counted(**filters)
    return Tile(say(title), str(number), list_url("case", **filters), late=bool(number and "due" in filters))


def _extra(ranks: dict) -> list[Tile]:
    if current_user.role == Role.TOWNSHIP:
        return _rank(ranks["rows"])
    failed = db.session.scalar(select(func.count()).select_from(Task).where(Task.state == FAILED))
    return [Tile(say(N_("Failed jobs")), str(failed), list_url("task", state=FAILED), late=True)] if failed else []


def _rank(rows: list[dict]) -> list[Tile]:
    mine = next((row for row in rows if row["code"] == current_user.area_code), None)
    if mine is None or mine["rank"] is None:
        return []
    ranked = sum(row["rank"] is not None for row in rows)
    moved = (mine["rank_before"] or mine["rank"]) - mine["rank"]
    note = f"↑{moved}" if moved > 0 else f"↓{-moved}" if moved < 0 else say(N_("as a week ago"))
    return [Tile(say(N_("Rank")), f"{mine['rank']}/{ranked}", link("ranking.index") or link("ranking.index_view"), note=note)]


def link(endpoint: str, **values: Any) -> str | None:
    """The address of a screen, if the portal has it and this person may enter."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _first() -> list[dict[str, Any]]:
    """Whom to begin with: unverified stock first, then whoever has waited longest."""
    if not current_user.may(Right.CHANGE_CASES):
        return []
    found = db.session.scalars(
        select(Case).where(standing.waits_for_me())
        .options(*map(selectinload, (Case.person, Case.campaign, Case.steps, Case.certificates)))
        .order_by(~standing.is_stock(campaign()), Case.state != UNVERIFIED, Case.paused_from, Case.id).limit(10))
    return [{"case": case, "village": names().village(case.area_code), "category": standing.category(case),
             "step": standing.next_step(case), "due": standing.due(case), "lacks": _lacks(case)} for case in found]


def _lacks(case: Case) -> str:
    step = case.way.step(case.next_step)
    return "；".join(say(message) for message in missing_proofs(case, step, case.facts))


def _progress() -> tuple[Any, Any, Any]:
    done = lambda *states: func.coalesce(func.sum(when((Case.state.in_(states), 1), else_=0)), 0)
    return func.count(), done(VERIFIED, CLEARED), done(CLEARED)


def _villages(of: Campaign) -> list[dict[str, Any]]:
    """Every village with people on the list; those without a receipt first."""
    counts = db.session.execute(select(Case.area_code, *_progress()).where(
        Case.campaign_id == of.id, standing.is_stock(of)).group_by(Case.area_code)).all()
    receipts = dict(db.session.execute(select(Handout.area_code, Handout.received_at).where(
        Handout.campaign_id == of.id)).all())
    rows = [{"code": code, "name": names().village(code) or names().township(code), "stock": stock, "verified": verified,
             "cleared": cleared, "received": receipts.get(code), "handed": code in receipts,
             "url": list_url("case", village=code, kind="stock")} for code, stock, verified, cleared in counts]
    return sorted(rows, key=lambda row: (row["received"] is not None, row["cleared"] / row["stock"], row["code"]))


def _townships(of: Campaign, ranks: dict) -> tuple[list[dict[str, Any]], dict]:
    """The standings, with receipts and plans that are missing."""
    received = dict(db.session.execute(select(Handout.area_code, Handout.received_at).where(
        Handout.campaign_id == of.id)).all())
    planned = set(db.session.scalars(select(Preparation.area_code).where(Preparation.campaign_id == of.id)))
    rows = [{**row, "url": list_url("case", township=row["code"], kind="stock"),
             "late_url": list_url("case", township=row["code"], due="late"),
             "added_url": list_url("case", township=row["code"], kind="added"),
             "received": received.get(row["code"]), "planned": row["code"] in planned} for row in ranks["rows"]]
    return rows, ranks["total"]
