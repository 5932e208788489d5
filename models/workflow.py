"""The verbs that move a case along its category: the same for screen, command and bulk action.

A verb checks everything before it changes anything, and never commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from models import audit, ledger
from models.base import db
from models.case import CLEARED, UNVERIFIED, VERIFIED, Case, Milestone, StepDone
from models.categories import CATEGORIES
from models.certificate import Upload, attach
from models.effects import EFFECTS, before_effect
from models.formfacts import read_facts
from models.steps import PROOF_TITLES, Proof, Step, holds
from models.user import ROLE_TITLES, Role, User
from models.words import N_, Message, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")

DONE, NOW, WAITING, NOT_APPLICABLE = "done", "now", "waiting", "not_applicable"


@dataclass(frozen=True)
class StepState:
    """Where one step of a case stands, and in one sentence why it is not possible now."""

    step: Step
    state: str
    needed: bool
    why: Message | None = None
    done: StepDone | None = None


def plan(case: Case) -> list[StepState]:
    """Every step of the case's category in order: done, possible now, waiting, or not applicable."""
    states: list[StepState] = []
    open_step: Step | None = None
    taken, facts = case.taken, case.facts
    for step in case.way.steps:
        states.append(_state(step, taken, facts, open_step))
        if states[-1].state in (NOW, WAITING) and open_step is None:
            open_step = step
    return states


def _state(step: Step, taken: dict, facts: dict, open_step: Step | None) -> StepState:
    needed = not step.later and holds(step.needed, facts)
    if step.key in taken:
        return StepState(step, DONE, needed, done=taken[step.key])
    unknown = [name for name in step.when if name not in facts]
    if not unknown and not holds(step.when, facts):
        return StepState(step, NOT_APPLICABLE, False)
    if open_step is not None:
        return StepState(step, WAITING, needed, Message(N_("First: {step}."), {"step": Message(open_step.title)}))
    return StepState(step, NOW, needed)


def missing_proofs(case: Case, step: Step, facts: dict, kinds: Iterable[str] = ()) -> list[Message]:
    """What evidence a step still lacks, given the facts and the kinds about to be attached."""
    if not holds(step.proofs_when, facts):
        return []
    there = {certificate.kind for certificate in case.certificates} | set(kinds)
    return [_either(group) for group in step.proofs if not there & set(group)]


def _either(group: tuple[Proof, ...]) -> Message:
    first = Message(PROOF_TITLES[group[0]])
    return first if len(group) == 1 else Message(N_("{one} or {other}"), {"one": first, "other": _either(group[1:])})


def possible_now(case: Case) -> list[StepState]:
    return [state for state in plan(case) if state.state == NOW]


def advance(case: Case, key: str, by: User, now: datetime, *, on: date | None = None,
            facts: dict[str, str | None] | None = None, uploads: Iterable[Upload] = ()) -> StepDone:
    """Take one step of a case.

    *facts*: text as typed, by fact key. *on*: the day it happened, today if not given. Raises Refusal
    saying which check failed; nothing is changed then.
    """
    uploads, today = list(uploads), now.astimezone(SHANGHAI).date()
    step = _step(case, key)
    _check_role(step, by)
    before_effect(step, case)
    _check_order(case, step)
    on = on or today
    if on > today:
        raise Refusal(N_("A step cannot be taken on {day}, which is still to come."), day=on.isoformat())
    read = read_facts(step, facts or {}, case, today)
    missing = missing_proofs(case, step, case.facts | read, [upload.kind for upload in uploads])
    if missing:
        raise Refusal(N_("“{step}” still lacks: {proof}."), step=Message(step.title), proof=missing[0])
    # Effects refuse by what they compute or find in the new certificates: a savepoint leaves nothing of them behind.
    with db.session.begin_nested():
        return _take(case, step, by, now, on, read, uploads)


def _step(case: Case, key: str) -> Step:
    step = case.way.step(key)
    if step is None:
        raise Refusal(N_("Category “{category}” has no step “{step}”; it has: {steps}."),
                      category=Message(case.way.title), step=key, steps=", ".join(s.key for s in case.way.steps))
    return step


def _check_role(step: Step, by: User) -> None:
    if by.role not in step.by:
        raise Refusal(N_("“{step}” is not for {name}: it is taken by {roles}."), step=Message(step.title),
                      name=by.username, roles=Message(ROLE_TITLES[step.by[0]]))


def _check_order(case: Case, step: Step) -> None:
    state = next(state for state in plan(case) if state.step is step)
    if state.state == DONE:
        raise Refusal(N_("“{step}” was already done for {name}."), step=Message(step.title), name=case.person.name)
    if state.state == NOT_APPLICABLE:
        raise Refusal(N_("“{step}” does not apply to {name}."), step=Message(step.title), name=case.person.name)
    if state.state == WAITING:
        raise Refusal(N_("“{step}” is not possible yet for {name}. {why}"), step=Message(step.title),
                      name=case.person.name, why=state.why)


def _take(case: Case, step: Step, by: User, now: datetime, on: date, facts: dict, uploads: list[Upload]) -> StepDone:
    certificates = [attach(case, upload, by.username, now) for upload in uploads]
    # Effects may refuse by what they compute, so they come before the step is added.
    facts = facts | EFFECTS[step.effect](case, facts, certificates, by.username, now, on)
    done = StepDone(case=case, category=case.category, round=case.round, step=step.key, taken_on=on,
                    recorded_at=now, recorded_by=by.username, facts=facts)
    db.session.add(done)
    if step.effect == "establish":
        _classify(case, facts["category"])
    refresh(case, now)
    audit.record("step", "step_done", case.area_code, done.id, case.id)
    return done


def _classify(case: Case, category: str) -> None:
    case.category = category
    case.round += 1


def reclassify(case: Case, category: str, by: User, now: datetime, why: str) -> None:
    """Move a case into another category: its steps so far become history. Raises Refusal."""
    if category not in CATEGORIES:
        raise Refusal(N_("There is no category “{category}”; there are: {all}."), category=category,
                      all=", ".join(CATEGORIES))
    if by.role not in (Role.TOWNSHIP, Role.COUNTY_CLERK):
        raise Refusal(N_("Only the township or the county clerk changes the category of a case."))
    if category == case.category:
        raise Refusal(N_("{name} already is in this category."), name=case.person.name)
    if ledger.standing(case):
        raise Refusal(N_("{name} has a settlement: it must be returned before the category changes."),
                      name=case.person.name)
    if not why.strip():
        raise Refusal(N_("Say in a few words why the category changes."))
    done = StepDone(
        case=case, category=case.category, round=case.round, step="reclassify", taken_on=now.astimezone(SHANGHAI).date(),
        recorded_at=now, recorded_by=by.username, facts={"category": category, "why": why.strip()})
    db.session.add(done)
    _classify(case, category)
    refresh(case, now)
    audit.record("reclassify", "step_done", case.area_code, done.id, case.id, why=why.strip())


def undo(case: Case, key: str, by: User, now: datetime, why: str) -> None:
    """Take back the newest step of a case, which then has to be taken again. Raises Refusal."""
    done = case.taken.get(key)
    if done is None or done is not list(case.taken.values())[-1]:
        raise Refusal(N_("Only the newest step can be taken back."))
    step = _step(case, key)
    if step.effect in ("settle", "review", "approve", "refund"):
        raise Refusal(N_("Money steps are not taken back one by one: return the settlement instead."))
    _check_role(step, by)
    if not why.strip():
        raise Refusal(N_("Say in a few words why the step is taken back."))
    _strike(done, by, now, why)
    refresh(case, now)
    audit.record("undo", "step_done", case.area_code, done.id, case.id, why=why.strip())


def _strike(done: StepDone, by: User, now: datetime, why: str) -> None:
    done.undone_at, done.undone_by, done.undone_why = now, by.username, why.strip()


RETURNERS = {
    ledger.SUBMITTED: (Role.COUNTY_REVIEWER, Role.COUNTY_CLERK), ledger.NOTHING_OWED: (Role.COUNTY_CLERK,),
    ledger.REVIEWED: (Role.COUNTY_APPROVER, Role.COUNTY_REVIEWER), ledger.APPROVED: (Role.COUNTY_APPROVER,),
}


def give_back(case: Case, by: User, now: datetime, why: str) -> None:
    """Return (or, once approved, reverse) the settlement of a case, so that it is computed anew. Raises Refusal."""
    settlement = ledger.the_standing(case)
    if by.role not in RETURNERS[settlement.state]:
        raise Refusal(N_("This settlement is returned by {role}."),
                      role=Message(ROLE_TITLES[RETURNERS[settlement.state][0]]))
    if not why.strip():
        raise Refusal(N_("Say in a few words why the settlement is returned."))
    later = [key for key in case.taken if key not in ("settle", "review", "approve")
             and case.taken[key].id > case.taken["settle"].id]
    if later:
        raise Refusal(N_("Steps were taken after the settlement: take them back first."))
    ledger.end(settlement, by.username, now, why.strip())
    for key in ("settle", "review", "approve"):
        if key in case.taken:
            _strike(case.taken[key], by, now, why)
    refresh(case, now)
    audit.record("give_back", "settlement", case.area_code, settlement.id, case.id, why=why.strip())


def refresh(case: Case, now: datetime) -> None:
    """Bring state, next step and milestones in line with the steps that stand, and write it all at once."""
    states = plan(case)
    open_steps = [s for s in states if s.needed and s.state in (NOW, WAITING)]
    verified = not case.way.transitional and all(key in case.taken for key in case.way.verified_by)
    cleared = verified and not open_steps
    case.touch("state")  # of two who take a step at once one has to lose, also where a step leaves the case as it is
    case.outcome = _outcome(case) if cleared else None
    case.next_step = open_steps[0].step.key if open_steps else _follow_up(states)
    case.state = CLEARED if cleared else VERIFIED if verified else UNVERIFIED
    _mark(case, "verified", verified, now)
    _mark(case, "cleared", cleared, now)
    db.session.flush()


def _follow_up(states: list[StepState]) -> str | None:
    """What a step beyond the end calls for: who was released is to be paid again, who claims is to be answered."""
    beyond = any(s.state == DONE and not s.needed for s in states)
    return next((s.step.key for s in states if s.state == NOW), None) if beyond else None


def _outcome(case: Case) -> str:
    return next(outcome for condition, outcome in case.way.outcomes if holds(condition, case.facts))


def _mark(case: Case, kind: str, reached: bool, now: datetime) -> None:
    standing = next((m for m in case.milestones if m.kind == kind and m.lost_at is None), None)
    if standing and (not reached or (kind == "cleared" and standing.outcome != case.outcome)):
        standing.lost_at, standing = now, None
    if reached and standing is None:
        outcome = case.outcome if kind == "cleared" else None
        db.session.add(Milestone(case=case, kind=kind, reached_at=now, outcome=outcome))
