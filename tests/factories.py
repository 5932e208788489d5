"""Invented people, their cases, and the way of a case to its end, each in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from itertools import count

import pytest
from sqlalchemy import select
from stdnum.cn.ric import calc_check_digit

from models import grants, ledger, passwords, realtime, workflow
from models.area import sort_key
from models.audit import acting_as
from models.base import db
from models.campaign import Campaign, the_campaign
from models.case import Benefit, Case, Person
from models.categories import CATEGORIES
from models.certificate import Upload
from models.formfacts import NOT_BEFORE
from models.grants import PostGrant
from models.money import fen, yuan
from models.months import Month
from models.scope import PAST_THE_WALLS, everything
from models.steps import Fact, Proof, Step, holds
from models.user import SYSTEM, Role, User
from models.words import Refusal
from models.workflow import SHANGHAI, advance, plan

COUNTY, TIANNING, XIAJIAYING, XIYING = "141122", "141122100", "141122101", "141122102"
NOW = datetime(2021, 9, 19, 10, 0, tzinfo=SHANGHAI)
PASSWORD = "Jiaocheng-2021"
# Abolished or never given, so that no living person's number is met.
REGIONS = ("141120", "142320")
_numbers = count(1)
MOST_STEPS = 40  # no way is longer, even through several categories


def start_over() -> None:
    """Number people and files from 1 again: every test meets the same ones."""
    global _numbers
    _numbers = count(1)


def moment(at: str | date | datetime | None) -> datetime:
    """An aware moment: "2021-09-19" is its 10:00 in Asia/Shanghai, "2021-09-19 23:59" what it says; None is NOW."""
    if at is None:
        return NOW
    if isinstance(at, datetime):
        return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    text = str(at)
    return datetime.fromisoformat(text if len(text) > 10 else f"{text} 10:00").replace(tzinfo=SHANGHAI)


@contextmanager
def seeing_as(user: User, at: str | date | datetime | None = None, origin: str = "screen") -> Iterator[datetime]:
    """See and write as *user* does, in the user's area, at that business moment (which `as` gives)."""
    now = moment(at)
    with user.sight(), acting_as(user.username, origin, lambda: now):
        yield now


@contextmanager
def arranging(at: str | date | datetime | None = None) -> Iterator[datetime]:
    """Prepare what a test starts from: everything in sight, as the system, committed at the end."""
    now = moment(at)
    with everything("arranging a test"), acting_as("system", "command", lambda: now):
        yield now
        db.session.commit()


def id_number(born: date = date(1950, 3, 12), n: int = 1, sex: str = "女") -> str:
    """The *n*th invented ID number of that birth date and sex (two regions, so up to 999), check digit right."""
    assert 0 <= n < 1000, "so many people need another birth date"
    region, sequence = REGIONS[n // 500], 2 * (n % 500) + (sex == "男")
    front = f"{region}{born:%Y%m%d}{sequence:03d}"
    return front + calc_check_digit(front + "0")


@cache
def _hash(password: str) -> str:
    return passwords.hasher.hash(password)


def a_user(role: str = Role.COUNTY_CLERK, area: str = COUNTY, username: str | None = None) -> User:
    """A person with a login, PASSWORD and the post granted; added to the session, not committed."""
    username = username or f"{role}-{next(_numbers)}"
    user = User(username=username, name=f"张{username[-4:]}", role=str(role), area_code=area,
                password_hash=_hash(PASSWORD), password_set_at=realtime.now())
    db.session.add(user)
    grants.install(user, NOW, namesake=True)
    return user


def moved_to(user: User, role: str, area: str | None = None) -> None:
    """Another post for somebody, in another area if one is named, as the machine grants it; not committed."""
    post = PostGrant(user=user, role=str(role), area_code=area or user.area_code, basis="调整", asked_by=SYSTEM, asked_at=NOW,
                     namesake=True)
    db.session.add(post)
    db.session.flush()
    grants._put_in_force(post, SYSTEM, NOW)


# What settling asks of a person: everything the trial calculation knows, and a supplement from 2021 on.
BENEFIT = {
    "basic_from": "2010-04", "supplement_from": "2021-01", "years_paid": 0, "account_pension": "10.00",
    "account_balance": "1000.00", "government_subsidy": "300.00", "supplement_account_pension": "0.00",
    "supplement_account_balance": "0.00"}


def a_person(name: str = "王秀英", born: date = date(1950, 3, 12), sex: str = "女", benefit: dict | None = BENEFIT,
             **benefit_changes: object) -> Person:
    """A person with a benefit record (`benefit=None`: without; other names change it); added, not committed."""
    number = id_number(born, next(_numbers), sex)
    person = Person(id_number=number, id_tail=number[-4:], name=name, name_key=sort_key(name), sex=sex, born=born)
    if benefit is not None:
        person.benefit = Benefit(**{key: _kept(key, value) for key, value in (benefit | benefit_changes).items()})
    db.session.add(person)
    return person


def _kept(key: str, value: object) -> object:
    if key.endswith("_from"):
        return value and Month.parse(value)
    return fen(value) if isinstance(value, str) else value


def a_case(village: str = "141122100001", paused_from: str = "2020-01", category: str | None = None, *,
           person: Person | None = None, campaign: Campaign | None = None, at: str | datetime | None = "2021-09-18",
           **person_facts: object) -> Case:
    """A committed case, listed at *at*; with *category*, its reason is established the next day (NOW)."""
    with arranging(at) as now:
        case = Case(campaign=campaign or the_campaign(), person=person or a_person(**person_facts), area_code=village,
                    paused_from=Month.parse(paused_from), listed_at=now)
        db.session.add(case)
    return established(case, category) if category else case


def established(case: Case, category: str, at: str | datetime | None = None) -> Case:
    """The case with its reason found, by its own township."""
    return step(case, "establish", at, category=category)


def an_upload(kind: str, n: int | None = None) -> Upload:
    """A file as the store keeps it: its kind of proof and a hash that no other has."""
    n = n or next(_numbers)
    return Upload(kind=str(kind), sha256=hashlib.sha256(f"{kind}{n}".encode()).hexdigest(), name=f"{kind}-{n}.pdf",
                  size=1000 + n, media_type="application/pdf")


def taker(step: Step, case: Case) -> User:
    """The person whose post takes *step* of *case*: the township's own, or the county's."""
    return holder(step.by[0], case)


def holder(role: Role, case: Case) -> User:
    """The person with *role* who sees *case*."""
    area = case.area_code[:9] if role == Role.TOWNSHIP else case.area_code[:6]
    with everything("looking for a person"):
        return db.session.scalars(
            select(User).where(User.role == role, User.area_code == area).order_by(User.id)).first()


def step(case: Case, key: str, at: str | datetime | None = None, *, by: User | None = None, on: date | None = None,
         uploads: list[Upload] | None = None, **facts: str | None) -> Case:
    """Take and commit one step as the right person does; facts not named are chosen by their kind, proofs attached."""
    case_step = case.way.step(key)
    by = by or taker(case_step, case)
    with seeing_as(by, at) as now:
        answers = answered(case, case_step, now.astimezone(SHANGHAI).date(), facts)
        proofs = proofs_for(case, case_step, answers) if uploads is None else uploads
        advance(case, key, by, now, on=on, facts=answers, uploads=proofs)
        db.session.commit()
    return case


def walk(case: Case, until: str | None = None, at: str | datetime | None = None, **facts: str | None) -> Case:
    """Take a case through its category to the end, or through the step *until*.

    Each step by the post that may take it, with the proofs it demands. *facts* name the answers that
    choose a branch; all others are chosen by their kind. Steps that a cleared case may still take are
    taken only on the way to *until*.
    """
    for _ in range(MOST_STEPS):
        key = case.next_step or _later_step(case, until)
        if key is None or (until and until in case.taken):
            return case
        step(case, key, at, **{fact.key: facts[fact.key] for fact in case.way.step(key).facts if fact.key in facts})
    raise AssertionError(f"{case.category} has no end: {key}")


def _later_step(case: Case, until: str | None) -> str | None:
    if until is None or until in case.taken:
        return None
    return next((state.step.key for state in plan(case) if state.state == workflow.NOW), None)


def answered(case: Case, step: Step, today: date, facts: dict[str, str | None]) -> dict[str, str | None]:
    """The facts a step asks for: those named, and a fitting one for each other that must be given."""
    answers = dict(facts)
    for fact in step.facts:
        if fact.key not in answers and not fact.optional and holds(fact.when, case.facts | answers):
            answers[fact.key] = _fitting(fact, case, today, case.facts | answers)
    return answers


def _fitting(fact: Fact, case: Case, today: date, known: dict) -> str:
    if fact.key == "refunded":
        return yuan(ledger.the_standing(case).uncovered)
    if fact.key == "resumes":
        return str(Month.of(today))
    return {
        "date": lambda: today.isoformat(),
        "month": lambda: known.get(NOT_BEFORE.get(fact.key, "")) or str(case.paused_from),
        "money": lambda: fact.default or "0.00",
        "text": lambda: "如实填写",
        "choice": lambda: fact.options()[0][0],
    }[fact.kind]()


# The certificate that a named source of the date of death speaks of.
SOURCES = {"two_seals": Proof.DEATH_CERTIFICATE, "household_cancellation": Proof.HOUSEHOLD_CANCELLATION}


def proofs_for(case: Case, step: Step, facts: dict) -> list[Upload]:
    """One upload for each proof that a step demands and the case lacks."""
    there = {certificate.kind for certificate in case.certificates}
    wanted = SOURCES.get(facts.get("source"))
    return [an_upload(wanted if wanted in group else group[0]) for group in step.proofs
            if holds(step.proofs_when, case.facts | facts) and not there & set(group)]


def branches(category: str) -> list[dict[str, str]]:
    """Every combination of answers to the choices that any condition of a category hangs on."""
    way = CATEGORIES[category]
    asked = {name for part in way.steps for condition in (part.when, part.needed, part.proofs_when) for name in condition}
    asked |= {name for condition, _ in way.outcomes for name in condition}
    found: list[dict[str, str]] = [{}]
    for fact in (fact for part in way.steps for fact in part.facts if fact.kind == "choice" and fact.key in asked):
        found = [branch | {fact.key: value} for branch in found for value, _ in fact.options()]
    return found


def contents(*leaving_out: str) -> dict[str, list[tuple]]:
    """Every row of every table as the database holds it, without the tables named."""
    db.session.flush()
    connection = db.session.connection()
    return {table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key),
                                                                  execution_options=PAST_THE_WALLS)]
            for table in db.Model.metadata.sorted_tables if table.name not in leaving_out}


@contextmanager
def refused(words: str = "") -> Iterator[None]:
    """A Refusal that says *words* (a pattern) comes, and committing what is left then changes nothing."""
    with arranging():
        pass
    before = contents()
    with pytest.raises(Refusal, match=words):
        yield
    with arranging():
        pass
    assert contents() == before
