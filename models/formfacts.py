"""Reading the facts a step asks for, from text as typed to text as kept."""

from __future__ import annotations

from datetime import date

from models.case import Case
from models.money import fen, yuan
from models.months import Month, parse_date
from models.steps import Fact, Step, holds
from models.words import N_, Message, Refusal

LONGEST = 500


def read_facts(step: Step, given: dict[str, str | None], case: Case, today: date) -> dict[str, str | None]:
    """The step's facts, checked. Raises Refusal for an unknown, missing, malformed or impossible one."""
    unknown = sorted(set(given) - {fact.key for fact in step.facts})
    if unknown:
        raise Refusal(N_("“{step}” does not ask for “{fact}”; it asks for: {facts}."), step=Message(step.title),
                      fact=unknown[0], facts=", ".join(fact.key for fact in step.facts) or "–")
    read: dict[str, str | None] = {}
    for fact in step.facts:
        if holds(fact.when, case.facts | read):
            read[fact.key] = _read(fact, (given.get(fact.key) or "").strip() or fact.default, case, today)
        elif (given.get(fact.key) or "").strip():
            raise Refusal(N_("“{fact}” is not asked with these answers: leave it empty."), fact=Message(fact.title))
    _check_spans(step, read, case.facts | read)
    return read


def _read(fact: Fact, text: str | None, case: Case, today: date) -> str | None:
    if not text:
        if fact.optional:
            return None
        raise Refusal(N_("“{fact}” is missing."), fact=Message(fact.title))
    try:
        return _READERS[fact.kind](fact, text, case, today)
    except Refusal as refusal:
        raise Refusal(N_("“{fact}”: {why}"), fact=Message(fact.title), why=refusal.message) from None


def _date(fact: Fact, text: str, case: Case, today: date) -> str:
    day = parse_date(text)
    if day > today:
        raise Refusal(N_("{day} is still to come."), day=text)
    if day < case.person.born:
        raise Refusal(N_("{day} is before the birth of {name}."), day=text, name=case.person.name)
    return day.isoformat()


def _month(fact: Fact, text: str, case: Case, today: date) -> str:
    month = Month.parse(text)
    # The run of next month may already be known to pay again; nothing else lies ahead.
    latest = Month.of(today).plus(1 if fact.key == "resumes" else 0)
    if month > latest:
        raise Refusal(N_("{month} is still to come."), month=text)
    if fact.key == "resumes" and month < case.paused_from:
        raise Refusal(N_("{month} is before the suspension of {paused}."), month=text, paused=str(case.paused_from))
    return str(month)


def _money(fact: Fact, text: str, case: Case, today: date) -> str:
    amount = fen(text)
    if amount < 0:
        raise Refusal(N_("An amount cannot be negative."))
    return yuan(amount)


def _choice(fact: Fact, text: str, case: Case, today: date) -> str:
    if text not in {value for value, _ in fact.options()}:
        raise Refusal(N_("“{text}” is not one of: {choices}."), text=text,
                      choices=", ".join(value for value, _ in fact.options()))
    return text


def _text(fact: Fact, text: str, case: Case, today: date) -> str:
    if len(text) > LONGEST:
        raise Refusal(N_("At most {longest} characters."), longest=LONGEST)
    return text


_READERS = {"date": _date, "month": _month, "money": _money, "choice": _choice, "text": _text}


# What cannot come before what; an end of a span also cannot stand without its start.
NOT_BEFORE = {
    "released_on": "custody_from", "other_to": "other_from", "impostor_to": "impostor_from",
    "answered_on": "letter_on", "account_released_on": "claimed_on", "claimed_on": "sealed_on",
}


def _check_spans(step: Step, read: dict[str, str | None], known: dict[str, str | None]) -> None:
    for fact in step.facts:
        start_key, end = NOT_BEFORE.get(fact.key), read.get(fact.key)
        if start_key and end is not None and (known.get(start_key) is None or known[start_key] > end):
            raise Refusal(N_("“{end}” lies before its start, or has none."), end=Message(fact.title))
