"""The form of a step, drawn from the category table; what was typed into it, put right and read back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exports.uploads import checked_upload
from models.certificate import Upload
from models.steps import PROOF_TITLES, Fact, Proof, Step, holds
from models.words import N_, Message, Refusal
from views.words import said, say


@dataclass(frozen=True)
class Field:
    """One question of a form: as it is asked, and what was typed."""

    id: str
    title: str
    kind: str
    options: list[tuple[str, str]]
    optional: bool
    when: list[tuple[str, list[str]]]  # other questions of this form and the answers with which this one is asked
    note: str
    value: str


def fields(facts: Iterable[Fact], known: Mapping[str, Any], typed: Mapping[str, str]) -> list[Field]:
    """The questions of a form. *known*: facts given by earlier steps; what they rule out is not asked."""
    facts = list(facts)
    here = {fact.key: fact for fact in facts}
    return [_field(fact, here, typed) for fact in facts
            if holds({name: values for name, values in fact.when.items() if name not in here}, known)]


def _field(fact: Fact, here: dict[str, Fact], typed: Mapping[str, str]) -> Field:
    when = {name: values for name, values in fact.when.items() if name in here}
    options = [(value, say(title)) for value, title in fact.options()]
    return Field(f"fact-{fact.key}", say(fact.title), fact.kind, options, fact.optional,
                 [(name, list(values)) for name, values in when.items()],
                 " ".join(_only_if(here[name], values) for name, values in when.items()),
                 typed.get(f"fact-{fact.key}", fact.default or ""))


def _only_if(other: Fact, values: tuple[str, ...]) -> str:
    titles = "、".join(say(title) for value, title in other.options() if value in values)
    return said(N_("Only if “{fact}” is: {answers}"), fact=Message(other.title), answers=titles)


def answers(facts: Iterable[Fact], typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed for these facts, put right; empty answers are left out."""
    given = {fact.key: tidy(fact.kind, typed.get(f"fact-{fact.key}", "")) for fact in facts}
    return {key: text for key, text in given.items() if text}


def tidy(kind: str, text: str) -> str:
    """20210919 -> 2021-09-19, 2021年8月 -> 2021-08, 1,234.5 -> 1234.50: habits of writing, never a guess."""
    text = unicodedata.normalize("NFKC", text).replace("\0", "").strip()
    return _TIDY.get(kind, str)(text)


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)|(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text, re.ASCII)
    return "{:0>4}-{:0>2}-{:0>2}".format(*filter(None, found.groups())) if found else text


def _month(text: str) -> str:
    found = re.fullmatch(r"(\d{4})(\d\d)|(\d{4})[-/年](\d{1,2})月?", text, re.ASCII)
    return "{:0>4}-{:0>2}".format(*filter(None, found.groups())) if found else text


def _money(text: str) -> str:
    found = re.fullmatch(r"¥?((?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*))(?:\.(\d{1,2}))?元?", text, re.ASCII)
    return f"{found[1].replace(',', '')}.{found[2] or '':0<2}" if found else text


_TIDY: dict[str, Callable[[str], str]] = {"date": _date, "month": _month, "money": _money}


def gaps(step: Step, known: Mapping[str, Any], given: Mapping[str, str], at_hand: set[str]) -> list[tuple[str, str]]:
    """(field id, sentence) of everything a step still lacks, all at once."""
    facts = {**known, **given}
    missing = _unanswered(step.facts, facts)
    groups = step.proofs if holds(step.proofs_when, facts) else ()
    return missing + [(f"proof-{group[0]}", said(N_("Still lacking: {proof}."), proof=either(group)))
                      for group in groups if not at_hand & set(group)]


def gaps_of(facts: Sequence[Fact], typed: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a form for many cases still lacks."""
    return _unanswered(facts, answers(facts, typed))


def _unanswered(facts: Iterable[Fact], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"fact-{fact.key}", said(N_("“{fact}” is missing."), fact=Message(fact.title))) for fact in facts
            if holds(fact.when, given) and not (fact.optional or fact.default or given.get(fact.key))]


def either(group: tuple[Proof, ...]) -> str:
    return said(N_(" or ")).join(say(PROOF_TITLES[kind]) for kind in group)


def uploads(files: Any, put: Callable[[bytes], str]) -> list[Upload]:
    """The files of a form, judged by their content and kept. Raises Refusal for one that is no scan or photograph."""
    kinds = {f"proof-{kind}": str(kind) for kind in Proof}
    return [checked_upload(kinds[name], file.read(), file.filename, put) for name, file in files.items(multi=True)
            if name in kinds and file.filename]


def where(refusal: Refusal, step: Step) -> str:
    """The id of the field a refusal speaks of, if it names one."""
    named = [value.id for value in refusal.message.values.values() if isinstance(value, Message)]
    return next((f"fact-{fact.key}" for fact in step.facts if fact.title in named), "")
