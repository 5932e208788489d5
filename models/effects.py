"""What some steps do besides being recorded, by the name the category table gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from models import ledger
from models.case import Case
from models.certificate import Certificate
from models.entitlement import Span, read_facts, ruling
from models.months import Month
from models.steps import Proof, Step
from models.words import N_, Refusal

Effect = Callable[[Case, dict, list[Certificate], str, datetime, date], dict]


def before_effect(step: Step, case: Case) -> None:
    """Refusals that say more than the order of steps would."""
    if step.effect == "seal":
        ledger.refuse_uncovered(case)


def _nothing(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    return {}


def _death(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    """The household cancellation's date prevails; a death certificate counts only with both seals (三（三）4)."""
    died_on = date.fromisoformat(facts["died_on"])
    wanted = Proof.HOUSEHOLD_CANCELLATION if facts["source"] == "household_cancellation" else Proof.DEATH_CERTIFICATE
    named = [c for c in {*case.certificates, *new} if c.kind == wanted]
    cancelled = [c for c in {*case.certificates, *new} if c.kind == Proof.HOUSEHOLD_CANCELLATION]
    if wanted is Proof.DEATH_CERTIFICATE and cancelled:
        raise Refusal(N_("A household cancellation certificate is at hand: its date prevails, so name it as the source."))
    if not named:
        raise Refusal(N_("The certificate named as the source of the date is not at hand: attach it."))
    if wanted is Proof.DEATH_CERTIFICATE and facts["seals"] != "both":
        raise Refusal(N_("The death certificate still lacks the township's seal.") if facts["seals"] == "village"
                      else N_("The death certificate still lacks the village's seal."))
    for certificate in named:
        if certificate.stated_on not in (None, died_on):
            raise Refusal(N_("The certificate states {stated} as the day of death, not {given}."),
                          stated=certificate.stated_on.isoformat(), given=died_on.isoformat())
    for certificate in named:
        certificate.stated_on, certificate.seals = died_on, facts.get("seals")
    return {}


def _statement(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    if facts["statement_seals"] != "both":
        raise Refusal(N_("The statement still lacks the township's seal.") if facts["statement_seals"] == "village"
                      else N_("The statement still lacks the village's seal."))
    return {}


def _resume(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    """A month that the settlement would refuse is refused here, where another one can still be chosen."""
    month = Month.parse(facts["resumes"])
    if month in _lost(case):
        raise Refusal(N_("Payment cannot be resumed in {month}: what is recorded leaves no entitlement then. "
                         "Choose a later month, or take back the step that says so."), month=str(month))
    return {}


def _lost(case: Case) -> Span:
    """The months without entitlement by the facts of a case; the grant, entered later, has no part in them."""
    given = ledger.ruling_facts(case, {"funeral_grant": "0.00"} | case.facts)
    category = case.way.settled_as
    return ruling(category).lost(read_facts(given, category, case.person.born, Month(2999, 12)))


def _settle(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    settlement = ledger.compute(case, case.facts | facts, by, now, Month.of(on))
    return {"owed": "no" if settlement.state == ledger.NOTHING_OWED else "yes",
            "to_refund": "yes" if settlement.still_to_refund else "no"}


def _review(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    ledger.review(case, by, now)
    return {}


def _approve(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    ledger.approve(case, by, now)
    return {}


def _refund(case: Case, facts: dict, new: list[Certificate], by: str, now: datetime, on: date) -> dict:
    ledger.take_refund(case, facts, by, now)
    return {}


EFFECTS: dict[str, Effect] = {
    "": _nothing, "establish": _nothing, "seal": _nothing, "death": _death, "statement": _statement,
    "resume": _resume, "settle": _settle, "review": _review, "approve": _approve, "refund": _refund,
}
