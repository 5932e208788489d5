"""The questions both lists and homes ask of cases: one condition each, so that a number and its list agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask_login import current_user
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select

from models.base import db
from models.campaign import Campaign
from models.case import CLEARED, UNVERIFIED, Case
from models.categories import CATEGORIES
from models.certificate import Certificate
from models.ledger import RETURNED, Settlement
from models.steps import Proof, Step
from models.user import Right, Role
from models.words import N_, Message
from views.frame import campaign, today
from views.words import said, say

KINDS = (("stock", N_("Stock")), ("added", N_("Additions")))


def is_stock(of: Campaign | None) -> ColumnElement[bool]:
    """Frozen at the hand-out; before it, whoever was suspended before the cut-off."""
    if of is None or of.handed_out_at is not None:
        return Case.stock_township.is_not(None)
    return Case.paused_from < of.cutoff


def of_kind(kind: str) -> ColumnElement[bool]:
    return is_stock(campaign()) if kind == "stock" else ~is_stock(campaign())


def overdue(of: Campaign | None = None, day: date | None = None) -> ColumnElement[bool]:
    """Stock not verified after the first deadline, or not cleared after the second."""
    of, day = of or campaign(), day or today()
    late = [] if of is None else [Case.state == UNVERIFIED] * (day > of.verify_by)
    late += [] if of is None else [Case.state != CLEARED] * (day > of.clear_by)
    return and_(is_stock(of), or_(*late)) if late else false()


def takes(test: Callable[[Step], bool]) -> ColumnElement[bool]:
    """Cases whose next step fits *test*."""
    found = [(way.key, [step.key for step in way.steps if test(step)]) for way in CATEGORIES.values()]
    return or_(*(and_(Case.category == category, Case.next_step.in_(keys)) for category, keys in found if keys), false())


def waits_for_me() -> ColumnElement[bool]:
    """Cases whose next step the person signed in may take."""
    return takes(lambda step: current_user.may(Right.CHANGE_CASES) and Role(current_user.role) in step.by)


def count(*conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Case).where(*conditions))


def some(*conditions: ColumnElement[bool], most: int = 100) -> int:
    """As `count`, but counting stops at *most*: every page asks this."""
    few = select(Case.id).where(*conditions).limit(most).subquery()
    return db.session.scalar(select(func.count()).select_from(few))


def next_step(case: Case) -> str:
    """The next step by name; nothing once the case is cleared."""
    step = case.next_step and case.way.step(case.next_step)
    return say(step.title) if step else "–"


def category(case: Case) -> str:
    """The category; while it is unknown, also what the list proposes."""
    if case.way.transitional and case.proposed != case.category:
        return said(N_("{unknown} (proposed: {proposed})"), unknown=Message(case.way.title),
                    proposed=Message(CATEGORIES[case.proposed].title))
    return say(case.way.title)


def due(case: Case) -> tuple[str, str]:
    """(tone, sentence) of the deadline a case stands under; additions have none."""
    of = case.campaign
    if case.state == CLEARED or not _counts_as_stock(case):
        return "quiet", "–"
    day = of.verify_by if case.state == UNVERIFIED else of.clear_by
    left = (day - today()).days
    if left < 0:
        return "is-late", said(N_("{days} days late"), days=-left)
    return "is-soon" if left <= 3 else "", said(N_("{days} days left"), days=left)


def _counts_as_stock(case: Case) -> bool:
    return case.is_stock if case.campaign.handed_out_at else case.paused_from < case.campaign.cutoff


def kind(case: Case) -> str:
    return say(dict(KINDS)["stock" if _counts_as_stock(case) else "added"])


def lacks_material() -> ColumnElement[bool]:
    """Cases whose next step demands evidence that is not at hand."""
    missing = [and_(Case.category == way.key, Case.next_step == step.key, or_(*map(_none_of, step.proofs)))
               for way in CATEGORIES.values() for step in way.steps if step.proofs and not step.proofs_when]
    return or_(*missing)


def _none_of(group: tuple[Proof, ...]) -> ColumnElement[bool]:
    return ~exists().where(Certificate.case_id == Case.id, Certificate.kind.in_([str(kind) for kind in group]))


def returned() -> ColumnElement[bool]:
    """Cases whose settlement was returned and has to be computed anew."""
    return and_(Case.next_step == "settle", exists().where(
        Settlement.case_id == Case.id, Settlement.round == Case.round, Settlement.state == RETURNED))


MARKS = {"lacks": N_("Material missing"), "returned": N_("Settlement returned")}


def marked(mark: str) -> ColumnElement[bool]:
    return lacks_material() if mark == "lacks" else returned()
