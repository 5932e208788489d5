"""What a category is made of: facts, proofs, steps, ends. Frozen, and checked when defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.user import Role
from models.words import N_


class Outcome(StrEnum):
    """How a case ends."""

    RESUMED = "resumed"
    DEREGISTERED = "deregistered"
    SEALED = "sealed"
    STAYS_SUSPENDED = "stays_suspended"


OUTCOME_TITLES = {
    Outcome.RESUMED: N_("Payment resumed"),
    Outcome.DEREGISTERED: N_("Deregistered"),
    Outcome.SEALED: N_("Account sealed"),
    Outcome.STAYS_SUSPENDED: N_("Stays suspended (serving)"),
}


class Proof(StrEnum):
    """Kinds of evidence (佐证材料)."""

    CERTIFICATION = "certification"
    OTHER_PENSION = "other_pension"
    JUDGMENT = "judgment"
    RELEASE = "release"
    HOUSEHOLD_CANCELLATION = "household_cancellation"
    DEATH_CERTIFICATE = "death_certificate"
    UNREACHABLE = "unreachable"
    KINSHIP = "kinship"
    INVESTIGATION = "investigation"
    POLICE_LETTER = "police_letter"
    POLICE_ANSWER = "police_answer"
    DEREGISTRATION = "deregistration"
    REFUND_VOUCHER = "refund_voucher"
    OTHER = "other"


PROOF_TITLES = {
    Proof.CERTIFICATION: N_("Certification form"),
    Proof.OTHER_PENSION: N_("Proof of the other pension"),
    Proof.JUDGMENT: N_("Judgment or proof of custody"),
    Proof.RELEASE: N_("Release certificate"),
    Proof.HOUSEHOLD_CANCELLATION: N_("Household cancellation certificate"),
    Proof.DEATH_CERTIFICATE: N_("Death certificate with village and township seals"),
    Proof.UNREACHABLE: N_("Village and township statement that no family can be reached"),
    Proof.KINSHIP: N_("Proof of kinship"),
    Proof.INVESTIGATION: N_("Record of the investigation"),
    Proof.POLICE_LETTER: N_("Letter to the police station"),
    Proof.POLICE_ANSWER: N_("Answer of the police station"),
    Proof.DEREGISTRATION: N_("Deregistration form, signed"),
    Proof.REFUND_VOUCHER: N_("Refund voucher"),
    Proof.OTHER: N_("Other material"),
}

# A condition on the facts of a case: every named fact has one of the values, ANY of whatever value. Empty: always.
Condition = Mapping[str, tuple[str, ...]]


ANY = ("*",)


def holds(condition: Condition, facts: Mapping[str, Any]) -> bool:
    return all(facts.get(name) is not None if values == ANY else facts.get(name) in values
               for name, values in condition.items())


@dataclass(frozen=True)
class Fact:
    """One thing a step asks for. *kind*: date, month, money (yuan), text, choice. *when*: asked only then."""

    key: str
    title: str
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] | Callable[[], tuple[tuple[str, str], ...]] = ()  # (value, title)
    optional: bool = False
    when: Condition = field(default_factory=dict)
    default: str | None = None

    def __post_init__(self) -> None:
        assert self.kind in ("date", "month", "money", "text", "choice"), self.key
        assert bool(self.choices) == (self.kind == "choice"), self.key

    def options(self) -> tuple[tuple[str, str], ...]:
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True)
class Step:
    """One step of a category.

    *by*: roles who may take it. *proofs*: groups of which one each must be at hand. *when*: applies
    only then. *needed*: counts for clearing only then (a step that may be taken later does not hold
    the case open). *effect*: what else happens, by its name in `effects`.
    """

    key: str
    title: str
    by: tuple[Role, ...]
    facts: tuple[Fact, ...] = ()
    proofs: tuple[tuple[Proof, ...], ...] = ()
    proofs_when: Condition = field(default_factory=dict)
    when: Condition = field(default_factory=dict)
    needed: Condition = field(default_factory=dict)
    later: bool = False
    effect: str = ""
    help: str = ""
    bulk: bool = False


@dataclass(frozen=True)
class Category:
    """One reason of suspension (方案三（三）) and its whole way to the end.

    *chinese*: its name as papers print it. *verified_by*: steps after which it counts as verified; none:
    as soon as it is established. *outcomes*: the first whose condition holds when every needed step is
    done. *settled_with*: the facts of the steps that the trial calculation of `settled_as` takes.
    *notices*: paper that may be ordered. *hints*: a pattern of words in reason or remark that propose it.
    """

    key: str
    title: str
    article: str
    chinese: str
    steps: tuple[Step, ...]
    outcomes: tuple[tuple[Condition, Outcome], ...]
    verified_by: tuple[str, ...] = ()
    settled_as: str | None = None
    settled_with: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    transitional: bool = False
    hints: str = ""

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)

    def __post_init__(self) -> None:
        """One start, no step twice, conditions only on facts an earlier step gives, every end named."""
        keys = [step.key for step in self.steps]
        assert len(set(keys)) == len(keys), f"{self.key}: a step stands twice"
        assert set(self.verified_by) <= set(keys), f"{self.key}: verified by an unknown step"
        known: set[str] = set()
        for step in self.steps:
            assert step.by, f"{self.key}.{step.key}: nobody may take it"
            for condition in (step.when, step.needed):
                assert set(condition) <= known, f"{self.key}.{step.key}: a condition on a fact not yet asked"
            known |= {fact.key for fact in step.facts} | EFFECT_FACTS.get(step.effect, set())
            assert set(step.proofs_when) <= known, f"{self.key}.{step.key}: proofs on a fact not asked"
        assert set(self.settled_with) <= known, f"{self.key}: settled with facts nobody asks"
        assert self.transitional or self.outcomes, f"{self.key}: has no end"
        for condition, outcome in self.outcomes:
            assert set(condition) <= known, f"{self.key}: {outcome} hangs on a fact nobody asks"
        assert bool(self.settled_as) == ("settle" in keys), f"{self.key}: settled as what?"


# Facts that an effect adds to what the clerk filled in.
EFFECT_FACTS = {"settle": {"owed", "to_refund"}}
