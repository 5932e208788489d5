"""The chain of the trail: whoever changes it from outside is found; the seal, the printed head, older databases."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from conftest import KEY
from factories import a_case, arranging, walk
from sqlalchemy import create_engine, delete, insert, select, text, update
from tally import tell

from models import chain, schema
from models.audit import AuditEntry, AuditHead, record, verify
from models.base import db
from models.scope import PAST_THE_WALLS, everything
from models.words import Refusal

ENTRY, HEAD = AuditEntry.__table__, AuditHead.__table__
FIELDS = [column.name for column in ENTRY.c if column.name != "id"]
TAMPERINGS = 1000


@pytest.fixture
def unguarded(county, session):
    """A trail of some thirty entries, and the database no longer refusing changes to it."""
    walk(a_case(category="no_card"))
    with arranging():
        for n in range(20):
            record("export", "file", "141122", file=f"{n}.xlsx", why=None if n % 2 else "核对")
    for act in ("update", "delete"):
        on = " ON audit_entry" if session.connection().dialect.name == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER audit_entry_no_{act}{on}"))
    session.commit()
    return session


def entries() -> list[dict]:
    return [dict(row) for row in run(select(ENTRY).order_by(ENTRY.c.id)).mappings()]


def run(statement) -> Any:
    return db.session.connection().execute(statement, execution_options=PAST_THE_WALLS)


def another(value: object, dice: random.Random) -> object:
    if value is None:
        return None
    if hasattr(value, "astimezone"):
        return value + timedelta(seconds=dice.choice((1, -1, 3600)))
    return {int: lambda: value + dice.choice((1, -1, 7)), dict: lambda: value | {"x": [None, dice.random()]},
            list: lambda: value[1:] or [{"x": 1}], str: lambda: value[:-1] + chr(ord(value[-1:] or "a") ^ 1)}[type(value)]()


def change(dice: random.Random) -> str:
    """Any field of any entry."""
    entry, field = dice.choice(entries()), dice.choice(FIELDS)
    value = entry[field]
    new = another(value, dice) if value is not None else {
        "rows": [{"subject": "person"}], "role": "auditor", "result": "done", "why": "x", "address": "x"}.get(field, 5)
    run(update(ENTRY).where(ENTRY.c.id == entry["id"]).values({field: new}))
    return field


def take_out(dice: random.Random) -> str:
    run(delete(ENTRY).where(ENTRY.c.id == dice.choice(entries()[:-1])["id"]))
    return ""


def put_in(dice: random.Random) -> str:
    """A copy of an entry, chained on in right form, behind the newest."""
    all_of = entries()
    forged = dice.choice(all_of) | {"id": all_of[-1]["id"] + 1, "previous": all_of[-1]["hash"]}
    forged["hash"] = chain.digest(forged["previous"], forged | {"at": chain.stamp(forged["at"])})
    run(insert(ENTRY).values(**forged))
    if dice.random() < 0.5:
        run(update(HEAD).values(entries=len(all_of) + 1, hash=forged["hash"]))
    return ""


def swap(dice: random.Random) -> str:
    one, other = (entry["id"] for entry in dice.sample(entries(), 2))
    for old, new in ((one, -1), (other, one), (-1, other)):
        run(update(ENTRY).where(ENTRY.c.id == old).values(id=new))
    return ""


def cut(dice: random.Random) -> str:
    all_of = entries()
    run(delete(ENTRY).where(ENTRY.c.id >= dice.choice(all_of)["id"]))
    return ""


def cut_and_mend(dice: random.Random) -> str:
    """The tail cut and the head made to fit, with the old seal, none, or one made with a guessed key."""
    all_of = entries()
    left = all_of[:dice.randrange(len(all_of))]
    run(delete(ENTRY).where(ENTRY.c.id.not_in([entry["id"] for entry in left])))
    seal = dice.choice([{}, {"seal": None}, {"seal": "0" * 64}])
    run(update(HEAD).values(entries=len(left), hash=left[-1]["hash"] if left else chain.GENESIS, **seal))
    return ""


def rewrite(dice: random.Random) -> str:
    """One entry changed, every later hash and the head computed anew: all that can be done without the key."""
    all_of = entries()
    start = dice.randrange(len(all_of))
    previous = all_of[start]["previous"]
    for place, entry in enumerate(all_of[start:]):
        entry |= {"previous": previous} | ({"actor": "nobody"} if place == 0 else {})
        entry["hash"] = previous = chain.digest(previous, entry | {"at": chain.stamp(entry["at"])})
        run(update(ENTRY).where(ENTRY.c.id == entry["id"]).values(
            actor=entry["actor"], previous=entry["previous"], hash=f"{place}{entry['hash'][len(str(place)):]}"))
    for entry in all_of[start:]:
        run(update(ENTRY).where(ENTRY.c.id == entry["id"]).values(hash=entry["hash"]))
    run(update(HEAD).values(hash=previous))
    return ""


WAYS = [change] * 8 + [take_out, put_in, swap, cut, cut_and_mend, rewrite]


def found() -> bool:
    try:
        verify()
    except Refusal as refusal:
        return "trail is broken" in str(refusal)
    return False


def test_a_thousand_random_tamperings_are_all_found(unguarded):
    dice, met, whole = random.Random(2021), {}, verify()
    for _ in range(TAMPERINGS):
        savepoint = unguarded.begin_nested()
        way = dice.choice(WAYS)
        what = f"{way.__name__} {way(dice)}".strip()
        assert found(), what
        met[what] = met.get(what, 0) + 1
        savepoint.rollback()

    assert verify() == whole > 25
    assert {f"change {field}" for field in FIELDS} <= set(met)
    tell(f"{sum(met.values())} tamperings of {len(met)} kinds, all found")


def test_a_seal_that_was_taken_away_stays_missing(unguarded):
    run(update(HEAD).values(seal=None))
    with arranging():
        record("export", "file", "141122")
    schema.upgrade(db.engine)

    with pytest.raises(Refusal, match="broken at its seal"):
        verify()


def test_what_is_written_behind_a_forged_end_does_not_mend_it(unguarded):
    cut_and_mend(random.Random(1))
    with arranging():
        record("export", "file", "141122")

    with pytest.raises(Refusal, match="broken at its seal"):
        verify()


def test_another_key_does_not_open_the_seal(unguarded):
    chain.use_key(db.engine, "another key, as long as a key has to be")
    unguarded.commit()
    try:
        with pytest.raises(Refusal, match="broken at its seal"):
            verify()
    finally:
        chain.use_key(db.engine, KEY)


def test_a_printed_head_stands_in_the_chain_for_ever(unguarded):
    count, printed = chain.newest()
    whole = entries()[-1]["hash"]
    with arranging():
        record("export", "file", "141122")

    assert verify(printed) == verify(whole) == count + 1
    with pytest.raises(Refusal, match="printed head"):
        verify("f" * 16)
    for text_ in ("", "f" * 15, "F" * 16, "x" * 16, "f" * 65):
        with pytest.raises(Refusal, match="no head of the trail"):
            verify(text_)


def test_the_trail_of_an_older_database_still_holds(stage):
    """Entries written before there were results and rows, then the newer schema, then an act."""
    stage.copy("furnished", "test_older")
    engine = create_engine(stage.url("test_older"))
    schema.tune(engine, "a key of sixteen signs and more")
    with everything("an older portal"), engine.begin() as connection:
        older = dict(at=connection.scalar(select(ENTRY.c.at).limit(1)), actor="system", origin="command", act="insert",
                     subject="township", row_id=1, case_id=None, area_code="141122", changes={"name": [None, "天宁镇"]})
        for name in ("update", "delete"):
            on = " ON audit_entry" if engine.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER audit_entry_no_{name}{on}"))
        connection.execute(delete(ENTRY))
        older |= {"previous": chain.GENESIS, "hash": chain.digest(chain.GENESIS, older | {"at": chain.stamp(older["at"])})}
        connection.execute(insert(ENTRY).values(**older))
        connection.execute(update(HEAD).values(entries=1, hash=older["hash"]))
        command.downgrade(schema._config(connection), "0001")
    schema.upgrade(engine)
    with everything("test"), engine.connect() as connection:
        head = connection.execute(select(HEAD)).one()
        entry = connection.execute(select(ENTRY)).mappings().one()
        assert head.seal
        assert chain._sealed(connection, head)
        assert chain.digest(chain.GENESIS, dict(entry) | {"at": chain.stamp(entry["at"])}) == head.hash
    engine.dispose()
    stage.drop("test_older")

