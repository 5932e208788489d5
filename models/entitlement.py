"""Entitlement by category (分类处置): which facts a category needs and which months it takes away.

Whatever the category, the months without entitlement are one unbroken span, perhaps an empty one: the category
table says where it lies. Sources: 国发〔2014〕8号 (death: stops the month after), 人社部发〔2014〕23号 art. 31
(prison), 人社部发〔2014〕17号 art. 8 (two pensions); certification and missing cards cost nobody a month.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.fields import Field, amount, one_of, read_object
from models.months import Month, parse_date
from models.words import N_, Refusal

Facts = dict[str, Any]      # a fact's name -> Month, date, 分, bool, word or None


@dataclass(frozen=True)
class Span:
    """Unbroken months from *first* to *last*, both included; empty when *last* is earlier."""

    first: Month
    last: Month = Month(9999, 12)

    def __contains__(self, month: Month) -> bool:
        return self.first <= month <= self.last


NEVER = Span(Month(9999, 12), Month(1, 1))


@dataclass(frozen=True)
class Ruling:
    """What one category needs to know, the span of months it takes away, and the sentence that says so."""

    facts: tuple[Field, ...]
    lost: Callable[[Facts], Span]
    why: str


def _nothing(facts: Facts) -> Span:
    return NEVER


def _other_pension(facts: Facts) -> Span:
    first, last = facts["other_from"], facts["other_to"]
    if first is None:
        return NEVER
    return Span(first, last) if last else Span(first)


def _sentence(facts: Facts) -> Span:
    if facts["outcome"] == "acquitted":
        return NEVER
    first = Month.of(facts["custody_from"]).plus(1)
    return Span(first, Month.of(facts["released_on"])) if facts["released_on"] else Span(first)


def _after_death(facts: Facts) -> Span:
    return Span(Month.of(facts["died_on"]).plus(1))


def _after_death_if_dead(facts: Facts) -> Span:
    # A living person's died_on decides nothing; the statement says that it was passed over.
    return NEVER if facts["alive"] else _after_death(facts)


RULINGS = {
    "uncertified": Ruling(
        (Field("certified_on", parse_date),), _nothing,
        N_("Certification was made up for: every month counts as entitled.")),
    "no_card": Ruling(
        (Field("card_bound_on", parse_date),), _nothing,
        N_("A missing card takes no entitlement away: every month counts as entitled.")),
    "duplicate": Ruling(
        (Field("other_from", Month.parse), Field("other_to", Month.parse, nullable=True),
         Field("other_kind", one_of("employee", "resident"))), _other_pension,
        N_("Nobody draws two pensions: the months of the other one, first and last included, carry no entitlement.")),
    "dual_household": Ruling(
        (Field("other_from", Month.parse, nullable=True), Field("other_to", Month.parse, nullable=True)),
        _other_pension,
        N_("One person, two registrations: months paid under the other one carry no entitlement here.")),
    "imprisoned": Ruling(
        (Field("custody_from", parse_date), Field("released_on", parse_date, nullable=True),
         Field("outcome", one_of("sentenced", "acquitted"))), _sentence,
        N_("A sentence takes away the months after the one of imprisonment, the month of release included; "
           "an acquittal takes away none.")),
    "deceased": Ruling(
        (Field("died_on", parse_date), Field("funeral_grant", amount)), _after_death,
        N_("The month of death is paid in full; the months after it carry no entitlement.")),
    "impostor": Ruling(
        (Field("impostor_from", Month.parse), Field("impostor_to", Month.parse), Field("alive", kind=bool),
         Field("died_on", parse_date, nullable=True), Field("funeral_grant", amount)), _after_death_if_dead,
        N_("What an impostor drew counts as unpaid to the person and is owed back by the impostor; "
           "someone dead is entitled through the month of death.")),
}

#: Facts that begin and end something, in categories that have both.
ENDS = (("other_from", "other_to"), ("impostor_from", "impostor_to"), ("custody_from", "released_on"))


def ruling(category: str) -> Ruling:
    """The ruling of a category. Raises Refusal for `unknown`, which must be reclassified first, and for no category."""
    if category == "unknown":
        raise Refusal(N_("The reason of this suspension is not established: reclassify the case, then settle it."))
    if category not in RULINGS:
        raise Refusal(N_("There is no category “{category}”: choose one of {known}."),
                      category=category, known=", ".join(RULINGS))
    return RULINGS[category]


def read_facts(value: Any, category: str, born: date, as_of: Month) -> Facts:
    """A category's facts from a JSON object: all of them and no others.

    Raises Refusal for a missing, unknown or unreadable fact, one after *as_of*, and facts at odds with each other.
    """
    facts = read_object(value, ruling(category).facts, "facts")
    for name, fact in facts.items():
        _check_past(name, fact, as_of)
    for start, end in ENDS:
        _check_order(start, end, facts)
    _check_death(facts, born)
    return facts


def _check_past(name: str, fact: Any, as_of: Month) -> None:
    month = Month.of(fact) if isinstance(fact, date) else fact
    if isinstance(month, Month) and month > as_of:
        raise Refusal(N_("facts.{name}: {fact} lies after {as_of}, the month of this settlement. "
                         "Correct it, or settle when it has come."), name=name, fact=fact, as_of=as_of)


def _check_order(start: str, end: str, facts: Facts) -> None:
    first, last = facts.get(start), facts.get(end)
    if last is None:
        return
    if first is None:
        raise Refusal(N_("facts.{end}: the end, {last}, has no beginning. Give {start}, or leave both open."),
                      end=end, last=last, start=start)
    if last < first:
        raise Refusal(N_("facts.{end}: {last} is earlier than {start}, {first}. Correct one of them."),
                      end=end, last=last, start=start, first=first)


def _check_death(facts: Facts, born: date) -> None:
    died = facts.get("died_on")
    if died is not None and died < born:
        raise Refusal(N_("facts.died_on: {died} is earlier than the day of birth, {born}. Correct one of them."),
                      died=died, born=born)
    if facts.get("alive") is False and died is None:
        raise Refusal(N_("facts.died_on: the person is recorded as dead, so the day of death must be given."))
