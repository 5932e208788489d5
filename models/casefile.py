"""One case whole (一人一档), as plain JSON: for commands, and for whoever checks the screens against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from models import idnumber
from models.area import Names
from models.audit import DONE, AuditEntry
from models.base import db
from models.case import STATE_TITLES, Case, Person
from models.ledger import Settlement
from models.steps import OUTCOME_TITLES, Fact
from models.words import N_, Refusal
from models.workflow import NOW, StepState, plan

Say = Callable[[Any], str]


def find(key: str) -> Case:
    """A case by its id or by any spelling of the person's ID number. Raises Refusal if there is none in sight."""
    number = idnumber.tidy(key)
    if number.isdecimal() and len(number) < 15:
        case = db.session.get(Case, int(number))
    else:
        case = db.session.scalars(select(Case).join(Person).where(Person.id_number == idnumber.canonical(key))
                                  .order_by(Case.id.desc())).first()
    if case is None:
        raise Refusal(N_("There is no case “{key}”: give its number or the person's ID number."),
                      key=key if len(key) < 15 else idnumber.masked(key))
    return case


def casefile(case: Case, say: Say) -> dict:
    """Everything known of a case. Months YYYY-MM, dates YYYY-MM-DD, instants ISO 8601 in UTC, money in yuan."""
    names = Names()
    states = plan(case)
    return {
        "id": case.id, "campaign": case.campaign.key, "version": case.version,
        "person": {"id_number": case.person.id_number, "name": case.person.name, "sex": case.person.sex,
                   "born": case.person.born.isoformat(), "phone": case.person.phone},
        "area_code": case.area_code, "place": names.full(case.area_code),
        "paused_from": str(case.paused_from), "pause_reason": case.pause_reason, "remark": case.remark,
        "stock": case.is_stock, "stock_township": case.stock_township,
        "proposed": case.proposed, "category": case.category, "category_title": say(case.way.title),
        "state": case.state, "state_title": say(STATE_TITLES[case.state]),
        "outcome": case.outcome, "outcome_title": say(OUTCOME_TITLES[case.outcome]) if case.outcome else None,
        "next_step": case.next_step, "next_step_title": _title(case, say), "facts": case.facts,
        "steps": [_step(state, say) for state in states],
        "next": [_offer(state, say) for state in states if state.state == NOW],
        "evidence": [{"kind": c.kind, "name": c.name, "sha256": c.sha256, "seals": c.seals,
                      "stated_on": c.stated_on and c.stated_on.isoformat(), "attached_at": c.attached_at.isoformat(),
                      "attached_by": c.attached_by} for c in case.certificates],
        "settlement": _settlement(case.settlements[-1]) if case.settlements else None,
        "settlements": [_settlement(settlement) for settlement in case.settlements],
        "documents": [{"id": d.id, "kind": d.kind, "number": d.number, "file_name": d.file_name, "state": d.state,
                       "sha256": d.sha256} for d in case.documents],
        "milestones": [{"kind": m.kind, "outcome": m.outcome, "reached_at": m.reached_at.isoformat(),
                        "lost_at": m.lost_at and m.lost_at.isoformat()} for m in case.milestones],
        "timeline": timeline(case),
    }


def _title(case: Case, say: Say) -> str | None:
    step = case.way.step(case.next_step) if case.next_step else None
    return say(step.title) if step else None


def _step(state: StepState, say: Say) -> dict:
    done = state.done
    return {"step": state.step.key, "title": say(state.step.title), "state": state.state, "needed": state.needed,
            "why": say(state.why) if state.why else None,
            "done": done and {"on": done.taken_on.isoformat(), "recorded_at": done.recorded_at.isoformat(),
                              "by": done.recorded_by, "facts": done.facts}}


def _offer(state: StepState, say: Say) -> dict:
    """A step that is possible now: who takes it, what it asks for."""
    return {"step": state.step.key, "by": [str(role) for role in state.step.by],
            "facts": [fact_json(fact, say) for fact in state.step.facts],
            "proofs": [[str(kind) for kind in group] for group in state.step.proofs]}


def fact_json(fact: Fact, say: Say) -> dict:
    return {"fact": fact.key, "title": say(fact.title), "kind": fact.kind, "optional": fact.optional,
            "choices": [value for value, _ in fact.options()], "when": {k: list(v) for k, v in fact.when.items()}}


def _settlement(settlement: Settlement) -> dict:
    return {"id": settlement.id, "state": settlement.state, "as_of": str(settlement.as_of),
            "submitted_by": settlement.submitted_by, "reviewed_by": settlement.reviewed_by,
            "approved_by": settlement.approved_by, **settlement.result}


def timeline(case: Case) -> list[dict]:
    """Every act of the trail about a case, oldest first: who, when, what with which result, before and after.

    `changes` tells of the act and of the row it is about; `rows` of every row it changed.
    """
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.case_id == case.id).order_by(AuditEntry.id))
    return [{"at": entry.at.isoformat(), "actor": entry.actor, "origin": entry.origin, "act": entry.act,
             "result": entry.result or DONE, "why": entry.why, "subject": entry.subject, "changes": entry.told,
             "rows": entry.changed} for entry in entries]
