"""Standings of the townships on any day, from what was recorded by its end (plan 四（一）)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from sqlalchemy import Subquery, and_, func, or_, select, union_all
from sqlalchemy import case as when

from models.area import Township
from models.base import db
from models.campaign import Campaign
from models.case import CLEARED, UNVERIFIED, VERIFIED, Case, Milestone
from models.prefix import in_area
from models.scope import everything
from models.words import N_

SHANGHAI = ZoneInfo("Asia/Shanghai")
FORMULA = N_("Cleared rate = cleared / stock. Order: cleared rate, then verified rate, then the larger stock. Stock is who "
             "was suspended before the cut-off and listed when the list was handed out; additions are in no rate.")


@dataclass(frozen=True)
class Standing:
    """One township's counts on a day. `rank` is None without stock."""

    code: str
    name: str
    stock: int = 0
    verified: int = 0
    cleared: int = 0
    overdue: int = 0
    added: int = 0
    rank: int | None = None
    rank_before: int | None = None

    @property
    def outstanding(self) -> int:
        return self.stock - self.cleared

    def as_json(self) -> dict:
        return {"rank": self.rank, "code": self.code, "name": self.name, **self.counts(),
                "rank_before": self.rank_before}

    def counts(self) -> dict:
        return {"stock": self.stock, "verified": self.verified, "verified_rate": rate(self.verified, self.stock),
                "cleared": self.cleared, "cleared_rate": rate(self.cleared, self.stock),
                "outstanding": self.outstanding, "overdue": self.overdue, "added": self.added}


def rate(part: int, whole: int) -> str | None:
    """Percent with one decimal, half up; None of nothing."""
    if not whole:
        return None
    return str((Decimal(part) * 100 / whole).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def _order(standing: Standing) -> tuple:
    stock = standing.stock or 1
    return (standing.stock == 0, -Fraction(standing.cleared, stock), -Fraction(standing.verified, stock),
            -standing.stock)


def ranked(standings: Iterable[Standing]) -> list[Standing]:
    """In order of rank; equals share a rank (1, 2, 2, 4); without stock last and unranked."""
    rows = sorted(standings, key=lambda s: (*_order(s), s.code))
    placed: list[Standing] = []
    for position, row in enumerate(rows, start=1):
        tie = placed and _order(placed[-1]) == _order(row)
        placed.append(replace(row, rank=None if not row.stock else placed[-1].rank if tie else position))
    return placed


def end_of(day: date) -> datetime:
    """24:00 of the day in Asia/Shanghai."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=SHANGHAI)


def _since(end: datetime) -> Subquery:
    """The cases that reached or lost something since *end*, with what stood then."""
    changed = union_all(*(select(Milestone.case_id).where(at >= end) for at in (Milestone.reached_at, Milestone.lost_at)))
    stood = and_(Milestone.reached_at < end, or_(Milestone.lost_at.is_(None), Milestone.lost_at >= end))
    flags = (func.max(when((and_(Milestone.kind == kind, stood), 1), else_=0)).label(kind) for kind in (VERIFIED, CLEARED))
    return select(Milestone.case_id, *flags).where(Milestone.case_id.in_(changed)).group_by(Milestone.case_id).subquery()


def _stock(campaign: Campaign, end: datetime) -> tuple:
    """What is stock at *end*, the township it counts in, and the one additions count in.

    Stock is frozen at the hand-out and provisional before it; additions count where they were first listed.
    """
    here = Case.listed_township
    if campaign.handed_out_at is not None and campaign.handed_out_at < end:
        return Case.stock_township.is_not(None), Case.stock_township, here
    return Case.paused_from < str(campaign.cutoff), here, here


def _late(campaign: Campaign, day: date, verified: bool, cleared: bool) -> bool:
    return (day > campaign.verify_by and not verified) or (day > campaign.clear_by and not cleared)


def _counts(campaign: Campaign, day: date) -> dict[str, Counter]:
    """How many of each township are in which field of a Standing: as the cases are now, but for those changed since."""
    end = end_of(day)
    listed = (Case.campaign_id == campaign.id, Case.listed_at < end, in_area(Case.area_code, campaign.county_code))
    stock, counted_in, here = _stock(campaign, end)
    found: dict[str, Counter] = defaultdict(Counter)

    def count(code: str, verified: bool, cleared: bool, cases: int) -> None:
        late = _late(campaign, day, verified, cleared)
        found[code].update(stock=cases, verified=cases * verified, cleared=cases * cleared, overdue=cases * late)
    for code, state, cases in db.session.execute(
            select(counted_in, Case.state, func.count()).where(stock, *listed).group_by(counted_in, Case.state)):
        count(code, state != UNVERIFIED, state == CLEARED, cases)
    since = _since(end)
    columns = (counted_in, Case.state, since.c.verified, since.c.cleared)
    for code, state, verified, cleared, cases in db.session.execute(
            select(*columns, func.count()).join(since, since.c.case_id == Case.id).where(stock, *listed).group_by(*columns)):
        count(code, state != UNVERIFIED, state == CLEARED, -cases)
        count(code, bool(verified), bool(cleared), cases)
    for code, cases in db.session.execute(select(here, func.count()).where(~stock, *listed).group_by(here)):
        found[code].update(added=cases)
    return found


def on(campaign: Campaign, day: date) -> list[Standing]:
    """The county's standings at the end of *day*, ranked, without the rank of the week before."""
    with everything("standings are of the whole county, which the cases are asked for once"):
        found = _counts(campaign, day)
        townships = db.session.execute(
            select(Township.area_code, Township.name)
            .where(Township.ranked, in_area(Township.area_code, campaign.county_code))).all()
    return ranked(Standing(code, name, **found.get(code, {})) for code, name in townships)


def standings(campaign: Campaign, day: date) -> dict:
    """The document of the contract: every township with its rank a week earlier, and the county's total."""
    before = {row.code: row.rank for row in on(campaign, day - timedelta(days=7))}
    rows = [replace(row, rank_before=before.get(row.code)) for row in on(campaign, day)]
    total = Standing(campaign.county_code, campaign.county_name, *(
        sum(getattr(row, field) for row in rows) for field in ("stock", "verified", "cleared", "overdue", "added")))
    return {"as_of": day.isoformat(), "campaign": campaign.key, "formula": FORMULA,
            "total": total.counts(), "rows": [row.as_json() for row in rows]}
