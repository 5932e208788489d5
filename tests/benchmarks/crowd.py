"""A county of a hundred thousand: copies of cases that the workflow itself walked, put in by Core.

The session would refuse such a bulk write, since it leaves no trail; so each copy gets its entry in the chain here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import count, cycle, islice
from typing import Any, NamedTuple

import factories
from factories import a_case, seeing_as, walk
from sqlalchemy import Connection, Table, insert, select, text
from stdnum.cn.ric import calc_check_digit

from models import handing
from models.area import Township, Village, sort_key
from models.base import db
from models.campaign import Handout, the_campaign
from models.case import Case, Milestone, Person, StepDone
from models.categories import CATEGORIES
from models.certificate import Certificate
from models.chain import append
from models.ledger import Settlement
from models.scope import everything
from models.user import Role, User

REGION = "141120"  # of no place: no living person has such a number
SURNAMES = "王李张刘陈杨赵武郭任牛曹马段成田燕胡郝梁"
GIVEN = ("桂兰福生秀英玉梅二货改花保财润莲来福翠仙三娃爱珍建国秀兰玉兰"  # two characters each
         "桂英海生拴柱金莲月娥巧珍狗蛋喜梅根旺志强美荣春莲有才毛女银柱")
LISTED, HANDED, CUTOFF = "2021-09-08", "2021-09-09", "2021-08"
FIRST_BIRTHDAY, BIRTHDAYS = date(1928, 1, 1), 12_000


class Invented(NamedTuple):
    """A person as lists have them."""

    id_number: str
    name: str
    sex: str
    born: date


def invented(start: int = 0) -> Iterator[Invented]:
    """Invented people, the *start*th and those after, each with a number of their own and its right check digit."""
    for serial in count(start):
        born = FIRST_BIRTHDAY + timedelta(days=serial % BIRTHDAYS)
        sequence = serial // BIRTHDAYS + 500  # the factories number theirs from 1
        front = f"{REGION}{born:%Y%m%d}{sequence:03d}"
        given = serial // 20 % 30 * 2
        name = SURNAMES[serial % 20] + GIVEN[given:given + 2]
        yield Invented(front + calc_check_digit(front + "0"), name, "男" if sequence % 2 else "女", born)


@cache
def _key(name: str) -> str:
    return sort_key(name)


def villages() -> list[str]:
    """The codes of the villages of the townships that are ranked."""
    with everything("benchmark"):
        return list(db.session.scalars(
            select(Village.area_code).join(Township).where(Township.ranked).order_by(Village.area_code)))


def prototypes() -> list[int]:
    """Cases of every category, stopped before each of its steps, walked by the posts that may take them."""
    ways = [(way.key, step.key) for way in CATEGORIES.values() if not way.transitional for step in way.steps]
    cases = [a_case(village, at=LISTED) for village in islice(cycle(villages()), len(ways))]
    receive_everything()
    for number, (case, (category, until)) in enumerate(zip(cases, ways, strict=True)):
        day = date(2021, 9, 10) + timedelta(days=number % 50)
        walk(factories.established(case, category, str(day)), until, str(day))
    return [case.id for case in cases]


def receive_everything() -> None:
    """The list handed out, and every township's receipt."""
    clerk = _clerk()
    with seeing_as(clerk, HANDED) as now:
        handing.hand_out(the_campaign(), clerk.username, now)
        for handout in db.session.scalars(select(Handout)):
            handing.confirm_receipt(handout, "镇经办", now)
        db.session.commit()


def _clerk() -> User:
    with everything("benchmark"):
        return db.session.scalars(select(User).where(User.role == Role.COUNTY_CLERK)).one()


def multiply(originals: list[int], copies: int) -> None:
    """So many copies of the cases, each with its steps, proofs, milestones and settlements."""
    first, places = max(originals) + 1, villages()
    db.session.remove()
    with db.engine.begin() as connection:
        rows = connection.execute(select(Case.__table__).where(Case.id.in_(originals)).order_by(Case.id)).mappings().all()
        persons, cases = _rows(rows, first, copies, places, connection)
        connection.execute(insert(Person.__table__), persons)
        connection.execute(insert(Case.__table__), cases)
        if connection.dialect.name == "postgresql":  # which else plans for tables as empty as they were, row by row
            connection.execute(text("ANALYZE person, pension_case"))
        _copy_children(connection, first, originals)
        _chain(connection, cases)
    _settle_down()


def _rows(originals: list[Any], first: int, copies: int, places: list[str],
          connection: Connection) -> tuple[list[dict], list[dict]]:
    """Persons and cases to insert: what a case has reached is the original's, who and where are the copy's own."""
    dice = random.Random(2021)
    person_id = connection.scalar(select(Person.id).order_by(Person.id.desc()).limit(1)) + 1
    persons, cases = [], []
    for number, one in enumerate(islice(invented(), copies)):
        place, paused = dice.choice(places), f"{dice.randrange(2017, 2021)}-{dice.randrange(1, 13):02d}"
        stock = dice.random() < 0.95
        persons.append(dict(one._asdict(), id=person_id + number, id_tail=one.id_number[-4:], name_key=_key(one.name),
                            version=1))
        cases.append(dict(originals[number % len(originals)], id=first + number, person_id=person_id + number,
                          area_code=place, paused_from=paused if stock else CUTOFF,
                          stock_township=place[:9] if stock else None, pause_reason="未提供生存证明"))
    return persons, cases


def _copy_children(connection: Connection, first: int, originals: list[int]) -> None:
    """By one INSERT … SELECT a table; the *n*th copy is of the original n modulo their number."""
    base = min(originals)
    assert originals == list(range(base, base + len(originals)))
    old = Case.__table__.alias()
    copied = Case.__table__
    same = (copied.c.id >= first) & (old.c.id == base + (copied.c.id - first) % len(originals))
    for cls in (StepDone, Milestone, Certificate, Settlement):
        table: Table = cls.__table__
        names = [column.name for column in table.c if column.name not in ("id", "case_id", "area_code")]
        own = {"case_id": copied.c.id} | ({"area_code": copied.c.area_code} if "area_code" in table.c else {})
        source = select(*own.values(), *(table.c[name] for name in names)).select_from(
            copied.join(old, same).join(table, table.c.case_id == old.c.id))
        connection.execute(insert(table).from_select([*own, *names], source))


def _chain(connection: Connection, cases: list[dict]) -> None:
    """One entry a case, chained on to those that the walks left."""
    at = factories.moment(LISTED)
    append(connection, [dict(
        at=at, actor="county_clerk", origin="command", act="import", subject="pension_case", row_id=case["id"],
        case_id=case["id"], area_code=case["area_code"], changes={}, role="county_clerk", address=None, session_id=None,
        result="done", why=None, rows=[{"subject": "pension_case", "row_id": case["id"], "change": "insert", "values": {
            "paused_from": [None, str(case["paused_from"])], "area_code": [None, case["area_code"]],
            "household": [None, ""], "category": [None, "unknown"], "state": [None, "unverified"]}}]) for case in cases])


def _settle_down() -> None:
    """PostgreSQL: the next ids behind those given here, and the statistics that it takes by itself within minutes."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("person", "pension_case"):
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))
        connection.execute(text("VACUUM ANALYZE"))


def populate(cases: int) -> list[int]:
    """Fill the county at hand with *cases* in all stages; the ids of those really walked."""
    factories.start_over()
    with everything("benchmark"):
        originals = prototypes()
        multiply(originals, cases - len(originals))
    return originals
