"""What is done to many cases at once: form, check page, result; the same verbs and checks as for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from models import audit, workflow
from models.base import db
from models.case import Case, Person
from models.categories import CATEGORIES, UNKNOWN
from models.months import parse_date
from models.outbox import Task
from models.papers import paper_facts
from models.races import Stale, noticed
from models.steps import Fact, Step
from models.user import Right, User
from models.words import N_, Message, Refusal
from views import casepage, papers, stepform
from views.places import names
from views.words import said, say

Typed = Mapping[str, str]
Seen = Mapping[int, int]  # the version of each case that the check page showed
MOST = 500
SINCE = N_("Somebody else changed it since the check: look at it again.")


@dataclass(frozen=True)
class Verdict:
    """What becomes of one case: done, or skipped and why."""

    case: Case
    why: str = ""


class Deed:
    """One entry of the list's menu. Subclasses say what is asked, and do it to one case."""

    task: Task | None = None  # what goes on in the background once it is done

    def __init__(self, name: str, title: str):
        self.name, self.title = name, title

    def asks(self, cases: Sequence[Case]) -> list[Fact]:
        """The questions of the form; none: the check page comes at once."""
        return []

    def one(self, case: Case, typed: Typed, by: User, now: datetime) -> None:
        raise NotImplementedError

    def many(self, cases: Sequence[Case], typed: Typed, by: User, now: datetime, seen: Seen) -> list[Verdict]:
        """Do it to every case that allows it and is as it was seen. A refusal leaves a case as it was, and the others alone."""
        return [self._verdict(case, typed, by, now, seen) for case in cases]

    def tried(self, cases: Sequence[Case], typed: Typed, by: User, now: datetime) -> list[Verdict]:
        """What `many` would do, without doing it."""
        verdicts = []
        for case in cases:
            attempt = db.session.begin_nested()
            verdicts.append(self._verdict(case, typed, by, now, {case.id: case.version}))
            attempt.rollback()
        return verdicts

    def _verdict(self, case: Case, typed: Typed, by: User, now: datetime, seen: Seen) -> Verdict:
        id, area_code = case.id, case.area_code
        try:
            if seen.get(id) != case.version:
                raise Refusal(SINCE)
            with noticed():  # the verb itself leaves nothing behind where it refuses
                self.one(case, typed, by, now)
        except Refusal as refusal:
            refusal = Refusal(SINCE) if isinstance(refusal, Stale) else refusal
            audit.record(None, "pension_case", area_code, id, id, result=audit.REFUSED, why=refusal.message.id)
            return Verdict(case, say(refusal))
        return Verdict(case)


class StepDeed(Deed):
    """A bulk step of the category table."""

    def __init__(self, step: Step):
        super().__init__(f"step-{step.key}", say(step.title))
        self.key = step.key

    def asks(self, cases: Sequence[Case]) -> list[Fact]:
        steps = [case.way.step(self.key) for case in cases]
        return list({fact.key: fact for step in steps if step for fact in step.facts}.values())

    def one(self, case: Case, typed: Typed, by: User, now: datetime) -> None:
        step = case.way.step(self.key)
        if step is None or not step.bulk:
            raise Refusal(N_("“{category}” has no such step for many at once."), category=Message(case.way.title))
        workflow.advance(case, self.key, by, now, on=_day(typed), facts=stepform.answers(step.facts, typed))


class Accept(StepDeed):
    """Establish each case as the category its list proposes."""

    def __init__(self) -> None:
        super().__init__(UNKNOWN.steps[0])
        self.name, self.title = "accept", say(N_("Accept the proposed category"))

    def asks(self, cases: Sequence[Case]) -> list[Fact]:
        return [fact for fact in UNKNOWN.steps[0].facts if fact.key != "category"]

    def one(self, case: Case, typed: Typed, by: User, now: datetime) -> None:
        if not case.way.transitional:
            raise Refusal(N_("Already established: {category}."), category=Message(case.way.title))
        if CATEGORIES[case.proposed].transitional:
            raise Refusal(N_("The list proposes no category: look into this case by itself."))
        super().one(case, {**typed, "fact-category": case.proposed}, by, now)


class PaperDeed(Deed):
    """Order one kind of paper; all of them are drawn together."""

    def __init__(self, kind: str):
        super().__init__(f"paper-{kind}", said(N_("Print: {paper}"), paper=Message(casepage.PAPER_TITLES.get(kind, kind))))
        self.kind = kind

    def one(self, case: Case, typed: Typed, by: User, now: datetime) -> None:
        paper_facts(case, self.kind, now.date(), names())

    def many(self, cases: Sequence[Case], typed: Typed, by: User, now: datetime, seen: Seen) -> list[Verdict]:
        verdicts = super().many(cases, typed, by, now, seen)
        self.task = papers.order([verdict.case for verdict in verdicts if not verdict.why], self.kind, by, now)
        return verdicts


def deeds() -> list[Deed]:
    """What the person signed in may do to many cases."""
    steps = {step.key: step for way in CATEGORIES.values() for step in way.steps if step.bulk and casepage.may_take(step)}
    kinds = dict.fromkeys(kind for way in CATEGORIES.values() for kind in way.notices)
    accept = [Accept()] if "establish" in steps else []
    order = [PaperDeed(kind) for kind in kinds] if current_user.may(Right.ORDER_PAPERS) else []
    return [*accept, *map(StepDeed, steps.values()), *order]


def chosen(ids: Sequence[int], limits: Sequence) -> list[Case]:
    """The cases of these ids in sight, in the list's order, with what the checks read."""
    return list(db.session.scalars(
        select(Case).where(Case.id.in_(ids), *limits).order_by(Case.area_code, Case.id)
        .options(selectinload(Case.person).selectinload(Person.benefit), selectinload(Case.steps),
                 selectinload(Case.milestones), selectinload(Case.certificates), selectinload(Case.settlements))))


def _day(typed: Typed) -> date | None:
    text = stepform.tidy("date", typed.get("on", ""))
    return parse_date(text) if text else None
