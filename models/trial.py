"""The trial (试算): everything one settlement rests on, read from its JSON document or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.entitlement import NEVER, Facts, Span, read_facts, ruling
from models.fields import Field, amount, one_of, read_list, read_object, whole
from models.money import fen
from models.months import Month, parse_date
from models.rates import ITEMS, Rate, RateTable, read_rates
from models.words import N_, Refusal


@dataclass(frozen=True)
class Person:
    """The beneficiary: months the schemes began, full years paid, monthly figures and balances in 分.

    *account_balance* includes *government_subsidy*; both balances are those on record after all payments so far.
    """

    born: date
    basic_from: Month
    supplement_from: Month | None
    years_paid: int
    account_pension: int
    account_balance: int
    government_subsidy: int
    supplement_account_pension: int
    supplement_account_balance: int

    def age(self, month: Month) -> int:
        """Full years of age in *month*; a birthday counts from the month after it."""
        return month.year - self.born.year - (month.month <= self.born.month)


@dataclass(frozen=True)
class Payments:
    """What was paid by the records: 分 by (month, item), corrections included. *first*: the earliest entry's month."""

    first: Month | None
    months: Counter[tuple[Month, str]]


@dataclass(frozen=True)
class Trial:
    """One settlement before the arithmetic: nothing in it contradicts itself. Payments None: there are no records."""

    as_of: Month
    person: Person
    paused_from: Month
    resumes: Month | None
    payments: Payments | None
    category: str
    facts: Facts
    rates: RateTable

    @property
    def last(self) -> Month:
        """The last month looked at: from the month of resumption on, the ordinary run pays."""
        return self.resumes.plus(-1) if self.resumes else self.as_of

    @property
    def lost(self) -> Span:
        """The months without entitlement."""
        return ruling(self.category).lost(self.facts)

    @property
    def stolen(self) -> Span:
        """The months in which an impostor drew what was paid."""
        if self.category != "impostor":
            return NEVER
        return Span(self.facts["impostor_from"], self.facts["impostor_to"])

    def months(self) -> Iterator[Month]:
        """The months looked at. Those before the first recorded payment are left alone: the records begin there."""
        first = self.person.basic_from
        if self.payments and self.payments.first:
            first = max(first, self.payments.first)
        return first.through(self.last)


PERSON = (
    Field("born", parse_date),
    Field("basic_from", Month.parse),
    Field("supplement_from", Month.parse, nullable=True),
    Field("years_paid", whole(99), kind=int),
    Field("account_pension", amount),
    Field("account_balance", amount),
    Field("government_subsidy", amount),
    Field("supplement_account_pension", amount),
    Field("supplement_account_balance", amount),
)

PAYMENT = (Field("month", Month.parse), Field("item", one_of(*ITEMS)), Field("amount", fen))

DOCUMENT = (
    Field("as_of", Month.parse),
    Field("person", kind=dict),
    Field("paused_from", Month.parse),
    Field("resumes", Month.parse, nullable=True),
    Field("payments", kind=list, nullable=True),
    Field("category"),
    Field("facts", kind=dict),
    Field("rates", kind=list, optional=True),       # they may come in a file of their own
)


def read_trial(document: Any, more_rates: Iterable[Rate] = ()) -> Trial:
    """The trial in a JSON document of the contract's shape, with rates that came in a file of their own.

    Raises Refusal for everything that is missing, unknown, unreadable or at odds with the rest.
    """
    values = read_object(document, DOCUMENT, "document")
    person = Person(**read_object(values["person"], PERSON, "person"))
    trial = Trial(
        as_of=values["as_of"],
        person=person,
        paused_from=values["paused_from"],
        resumes=values["resumes"],
        payments=None if values["payments"] is None else read_payments(values["payments"]),
        category=values["category"],
        facts=read_facts(values["facts"], values["category"], person.born, values["as_of"]),
        rates=_merged([] if values["rates"] is None else read_rates(values["rates"]), more_rates),
    )
    _check(trial)
    return trial


def read_payments(value: Any) -> Payments:
    """Recorded payments from a JSON list of `{"month", "item", "amount"}`; entries of one month and item add up.

    Entries in months that are not looked at are ignored, but the earliest entry of all says where the records begin.
    """
    entries = read_list(value, lambda entry, where: read_object(entry, PAYMENT, where), "payments")
    months: Counter[tuple[Month, str]] = Counter()
    for entry in entries:
        months[entry["month"], entry["item"]] += entry["amount"]
    return Payments(min((entry["month"] for entry in entries), default=None), months)


def _merged(rates: list[Rate], more: Iterable[Rate]) -> RateTable:
    # A row that the document and the file both have, alike to the letter, is one row; anything less alike is a twin.
    return RateTable([*rates, *(rate for rate in more if rate not in rates)])


def _check(trial: Trial) -> None:
    person = trial.person
    if person.government_subsidy > person.account_balance:
        raise Refusal(N_("person.government_subsidy: the subsidy is part of the balance and cannot exceed it. "
                         "Correct one of them."))
    if trial.paused_from < person.basic_from:
        raise Refusal(N_("paused_from: {paused} is earlier than {begun}, when the pension began. Correct one of them."),
                      paused=trial.paused_from, begun=person.basic_from)
    if trial.resumes is not None:
        _check_resumption(trial, trial.resumes)


def _check_resumption(trial: Trial, resumes: Month) -> None:
    if resumes < trial.paused_from:
        raise Refusal(N_("resumes: {resumes} is earlier than {paused}, the month of suspension. Correct one of them."),
                      resumes=resumes, paused=trial.paused_from)
    if resumes in trial.lost:
        raise Refusal(N_("resumes: {resumes} carries no entitlement. Resume in a month that does, or write null."),
                      resumes=resumes)
