"""What the page of one case shows: the next step and its form, progress, money, material, the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from flask import current_app, url_for
from flask_login import current_user
from sqlalchemy import func, select

from models import ledger
from models.audit import DONE as ACT_DONE
from models.audit import AuditEntry
from models.base import db
from models.case import STATE_TITLES, Case, StepDone
from models.categories import CATEGORIES
from models.document import DOCUMENT_TITLES, Document
from models.ledger import SETTLEMENT_TITLES, Settlement
from models.money import yuan
from models.papers import WITH_NUMBER
from models.steps import OUTCOME_TITLES, PROOF_TITLES, Proof, Step
from models.user import ROLE_TITLES, Right, Role
from models.words import N_
from models.workflow import DONE, NOT_APPLICABLE, NOW, RETURNERS, WAITING, StepState, missing_proofs, plan
from views import proof, standing, stepform, trailwords
from views.people import person
from views.sideforms import CORRECTORS
from views.words import moment, say

SIGNS = {DONE: "✓", NOW: "●", WAITING: "○", NOT_APPLICABLE: "–"}
MONEY_STEPS = ("settle", "review", "approve", "refund")
MONEY_SUBJECTS = ("settlement", "receipt", "benefit")
PAPER_TITLES = {"certification": N_("Notice to certify"), "back_pay": N_("Back pay form"),
                "recovery": N_("Notice to refund"), "deregistration": N_("Deregistration form"),
                "sealing": N_("Sealing statement")}


def page(case: Case, typed: Mapping[str, str], sent: str = "") -> dict[str, Any]:
    """All of a case; *typed* is what a refused form held, *sent* the name of the form."""
    states = plan(case)
    present = next((state.step for state in states if state.state == NOW), None)
    sees_money, verbs = current_user.may(Right.SEE_MONEY), _verbs(case)
    return {
        "head": _head(case), "progress": [_progress(state) for state in states],
        "form": _form(case, present, typed) if present else None,
        "money": _money(case) if sees_money else None,
        "certificates": [(say(PROOF_TITLES[c.kind]), c) for c in case.certificates],
        "papers": [_paper(paper) for paper in case.documents],
        "orders": [(kind, say(PAPER_TITLES.get(kind, kind))) for kind in case.way.notices
                   if current_user.may(Right.ORDER_PAPERS)],
        "timeline": _timeline(case, sees_money), "verbs": verbs, "seen": _newest(case), "typed": typed,
        "sent": sent, "lost": _lost(present, typed) + _reason_lost(verbs, typed, sent),
    }


def _head(case: Case) -> list[tuple[str, Any]]:
    outcome = [(N_("Outcome"), say(OUTCOME_TITLES[case.outcome]))] if case.outcome else []
    noted = [(N_("Reason of the suspension"), case.pause_reason), (N_("Remark"), case.remark)]
    return [(say(title), text) for title, text in [
        (N_("State"), say(STATE_TITLES[case.state])), *outcome, (N_("Category"), standing.category(case)),
        (N_("Stock or addition"), standing.kind(case)), (N_("Suspended from"), case.paused_from),
        (N_("Deadline"), standing.due(case)[1]), (N_("Sex"), case.person.sex), *noted] if text]


def _progress(state: StepState) -> dict[str, Any]:
    done = state.done
    why = {NOW: N_("Possible now"), NOT_APPLICABLE: N_("Does not apply")}.get(state.state)
    return {"sign": SIGNS[state.state], "state": state.state, "title": say(state.step.title),
            "note": f"{done.taken_on} {person(done.recorded_by)}" if done else say(why) if why else say(state.why),
            "facts": trailwords.facts(done.facts) if done else []}


def _form(case: Case, step: Step, typed: Mapping[str, str]) -> dict[str, Any]:
    at_hand = {kind: [c for c in case.certificates if c.kind == kind] for group in step.proofs for kind in group}
    return {"step": step, "title": say(step.title), "help": say(step.help), "may": may_take(step),
            "by": "、".join(say(ROLE_TITLES[role]) for role in step.by),
            "fields": stepform.fields(step.facts, case.facts, typed),
            "proofs": [[(kind, say(PROOF_TITLES[kind]), at_hand[kind]) for kind in group] for group in step.proofs],
            "lacks": [say(message) for message in missing_proofs(case, step, case.facts)],
            "code": step.key in proof.MONEY and proof.needed(),
            "other": (Proof.OTHER, say(PROOF_TITLES[Proof.OTHER])), "needs_benefit": _needs_benefit(case, step)}


def may_take(step: Step) -> bool:
    return current_user.may(Right.CHANGE_CASES) and current_user.role in step.by


def _needs_benefit(case: Case, step: Step) -> bool:
    return step.effect == "settle" and case.person.benefit is None


def _money(case: Case) -> dict[str, Any]:
    settlement = ledger.standing(case)
    return {"settlement": settlement, "rows": _amounts(settlement) if settlement else [],
            "state": say(SETTLEMENT_TITLES[settlement.state]) if settlement else "",
            "url": _url("settlement.details_view", settlement), "benefit": case.person.benefit}


def _amounts(settlement: Settlement) -> list[tuple[str, str]]:
    rows = [(N_("Back pay"), settlement.back_pay), (N_("To recover"), settlement.recover),
            (N_("Offset"), settlement.offset), (N_("Still to refund"), settlement.still_to_refund),
            (N_("Refunded so far"), settlement.refunded), (N_("To the person or heirs"), settlement.refund_to_person)]
    return [(say(title), yuan(amount)) for title, amount in rows]


def _url(endpoint: str, row: Any) -> str | None:
    return url_for(endpoint, id=row.id) if row is not None and endpoint in current_app.view_functions else None


def _paper(paper: Document) -> dict[str, Any]:
    more = "…" * (paper.kind in WITH_NUMBER)  # it asks for a reason first
    return {"title": say(PAPER_TITLES.get(paper.kind, paper.kind)) + more, "state": say(DOCUMENT_TITLES[paper.state]),
            "number": paper.number, "at": moment(paper.ordered_at),
            "url": url_for("document.download", id=paper.id) if paper.sha256 else None}


def _verbs(case: Case) -> dict[str, Any]:
    """Which of the rarer verbs this person may try on this case."""
    newest: StepDone | None = (list(case.taken.values()) or [None])[-1]
    step = newest and case.way.step(newest.step)
    settlement = ledger.standing(case)
    changes = current_user.may(Right.CHANGE_CASES)
    reclassifies = changes and current_user.role in (Role.TOWNSHIP, Role.COUNTY_CLERK) and not settlement
    return {
        "undo": (step.key, say(step.title)) if step and may_take(step) and step.effect not in MONEY_STEPS else None,
        "reclassify": [(c.key, say(c.title)) for c in CATEGORIES.values() if c.key != case.category]
                      if reclassifies else [],
        "give_back": bool(settlement and current_user.role in RETURNERS[settlement.state]),
        "attach": [(str(kind), say(title)) for kind, title in PROOF_TITLES.items()] if changes else [],
        "benefit": current_user.role == Role.COUNTY_CLERK,
        "correct": current_user.role in CORRECTORS,
    }


def entries(case: Case, sees_money: bool, after: int = 0) -> list[AuditEntry]:
    """What was done to the case, newest first, as the trail has it; amounts only for whom they are meant."""
    found = select(AuditEntry).where(AuditEntry.case_id == case.id, AuditEntry.id > after,
                                     func.coalesce(AuditEntry.result, ACT_DONE) == ACT_DONE).order_by(AuditEntry.id.desc())
    hidden = () if sees_money else MONEY_SUBJECTS
    return [entry for entry in db.session.scalars(found.limit(400)) if entry.subject not in hidden]


def _newest(case: Case) -> int:
    return next((entry.id for entry in entries(case, True)), 0)


def _timeline(case: Case, sees_money: bool) -> list[dict[str, Any]]:
    """One point an act: who, when, what, before and after. Older entries, one a row, stand together by their moment."""
    together = groupby(entries(case, sees_money), key=lambda entry: (entry.at, entry.actor, entry.result and entry.id))
    return [_point(list(group), sees_money) for _, group in together]


def _point(group: list[AuditEntry], sees_money: bool) -> dict[str, Any]:
    steps = [entry for entry in group if entry.subject == "step_done"]
    told = [trailwords.headline(entry) for entry in steps or reversed(group)]
    hidden = () if sees_money else MONEY_SUBJECTS
    return {"at": moment(group[0].at), "by": person(group[0].actor), "what": "；".join(dict.fromkeys(told)),
            "facts": [pair for entry in steps for pair in trailwords.facts((entry.told.get("facts") or [0, {}])[1])],
            "changes": [(trailwords.subject_title(row["subject"]), *change) for entry in reversed(group)
                        for row in entry.changed if row["subject"] not in hidden for change in trailwords.changes(row)]}


def _lost(present: Step | None, typed: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was typed for a step that is no longer the next one: kept in sight, to be copied."""
    if not typed.get("step") or (present and present.key == typed["step"]):
        return []
    return trailwords.facts({key.removeprefix("fact-"): text for key, text in typed.items()
                             if key.startswith("fact-") and text})


def _reason_lost(verbs: Mapping[str, Any], typed: Mapping[str, str], sent: str) -> list[tuple[str, str]]:
    """The reason that was given for what is no longer possible."""
    return [(say(N_("Why")), typed["why"])] if typed.get("why") and not verbs.get(sent, True) else []
