"""PostgreSQL's own walls, with the seam of the ORM taken out: what a township sees and writes then, by every road."""

from __future__ import annotations

from contextlib import contextmanager, suppress

import pytest
from factories import COUNTY, TIANNING, XIAJIAYING, arranging, contents
from peopled import OTHER, TOWN
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session
from stages import PostgresStage, the_stage

from models import addresstry, machinecheck, rowwalls, schema, scope, signin
from models.base import db
from models.case import Case, Person
from models.document import next_number
from models.formkey import FormKey
from models.scope import Carried, Shared, administrative, everything, kinds, seeing
from models.user import User

schema.metadata()  # every table is known
pytestmark = pytest.mark.skipif(not isinstance(the_stage(), PostgresStage), reason="SQLite has no walls of its own")
ALL = sorted(kinds(db.Model), key=lambda cls: cls.__name__)
LIMITED = [cls for cls in ALL if not issubclass(cls, Shared)]
SHARED = [cls for cls in ALL if issubclass(cls, Shared)]
ROADS = {
    "orm": lambda cls: {row.id for row in db.session.scalars(select(cls)).unique()},
    "core": lambda cls: set(db.session.connection().scalars(select(cls.__table__.c.id))),
    "text": lambda cls: set(db.session.scalars(text(f"SELECT id FROM {cls.__tablename__}")))}


@pytest.fixture(scope="module")
def app(townships):
    """Both townships, with what signing in and ordering papers leaves behind, which nobody has done there yet."""
    with townships.opened("walls") as app:
        with app.app_context():
            with arranging() as now:
                for username in (TOWN, OTHER):
                    user = db.session.scalars(select(User).where(User.username == username)).one()
                    signin.begin(user, "127.0.0.1", "x", now)
                    db.session.add(FormKey(key_hash=username, user_id=user.id, area_code=user.area_code, endpoint="x", digest="x",
                                           made_at=now, done=True))
                addresstry.failed("127.0.0.1", now)
                machinecheck.note(machinecheck.CHAIN, True, now, {})
                next_number("晋老", 2021)
            db.session.remove()
        yield app


@pytest.fixture
def session(app):
    with app.app_context():
        yield db.session
        db.session.rollback()


@contextmanager
def seam_out():
    """Without what limits statements of the ORM and checks its writes."""
    seam = (("do_orm_execute", scope._limit), ("before_flush", scope._check_writes))
    for moment, listener in seam:
        event.remove(Session, moment, listener)
    try:
        yield
    finally:
        for moment, listener in seam:
            event.listen(Session, moment, listener)


@pytest.fixture
def bare(session):
    """The session while there is no seam."""
    with seam_out():
        yield session


def seen(cls: type, road: str = "text") -> set[int]:
    db.session.expunge_all()
    return ROADS[road](cls)


def of(cls: type, area: str) -> set[int]:
    """What the seam shows of an area."""
    db.session.expunge_all()
    with seeing(area):
        return set(db.session.scalars(select(cls.id)))


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_a_township_sees_its_own_rows_by_every_road(session, cls, road):
    here, there, all_ = of(cls, TIANNING), of(cls, XIAJIAYING), of(cls, "")
    assert here
    assert there
    assert not here & there

    with seam_out():
        for area, rows in ((TIANNING, here), (XIAJIAYING, there), ("", all_), (COUNTY, of(cls, COUNTY)), ("142320", set())):
            with seeing(area):
                assert seen(cls, road) == rows, area


@pytest.mark.parametrize("road", ROADS)
def test_whoever_has_no_scope_sees_nothing(bare, road):
    assert {cls.__name__: seen(cls, road) for cls in ALL} == {cls.__name__: set() for cls in ALL}


@pytest.mark.parametrize("road", ROADS)
def test_without_business_no_row_of_it_is_seen(bare, road):
    for cls in ALL:
        with seeing(COUNTY):
            with_business = seen(cls, road)
        with seeing(COUNTY, business=False):
            assert seen(cls, road) == (with_business if administrative(cls) else set()), cls
        with seeing(COUNTY, business=False), everything("business stays out in every scope inside"):
            assert administrative(cls) or seen(cls, road) == set(), cls


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_another_area_s_rows_are_not_touched(session, cls):
    table, theirs = cls.__table__, of(cls, XIAJIAYING)
    with seam_out(), seeing(TIANNING):
        connection = session.connection()
        assert connection.execute(update(table).where(table.c.id.in_(theirs)).values(id=table.c.id)).rowcount == 0
        assert connection.execute(text(f"DELETE FROM {table.name} WHERE id = ANY(:ids)"), {"ids": list(theirs)}).rowcount == 0
    assert of(cls, XIAJIAYING) == theirs


def copy_of(cls: type, ids: set[int]) -> dict:
    """The values of another's row, under an id of its own."""
    table = cls.__table__
    with everything("test"):
        row = db.session.connection().execute(select(table).where(table.c.id == min(ids))).mappings().one()
    return dict(row) | {"id": 999_999}


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_no_row_comes_into_another_area(session, cls):
    table, values = cls.__table__, copy_of(cls, of(cls, XIAJIAYING))
    bring = insert(table).values(**values)
    if issubclass(cls, Carried):  # a statement of SQLAlchemy's may bring people; see below
        bring = text(f"INSERT INTO {table.name} ({', '.join(values)}) VALUES (:{', :'.join(values)})").bindparams(**values)
    session.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))  # other guards would be quicker
    with seam_out(), seeing(TIANNING), pytest.raises(ProgrammingError, match="row-level security"):
        session.connection().execute(bring)


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_a_row_of_one_s_own_may_come(session, cls):
    """The wall is no bar to what is right: the copy of one's own row comes in, or meets what has to be unique about it."""
    table, values = cls.__table__, copy_of(cls, of(cls, TIANNING))
    session.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
    with seam_out(), seeing(TIANNING), suppress(IntegrityError):  # the refusal of a wall is no such error
        session.connection().execute(insert(table).values(**values))


def test_a_new_person_comes_before_the_case_and_shows_nobody(bare):
    theirs = of_without_seam(Person, XIAJIAYING)
    values = copy_of(Person, theirs) | {"id_number": "141120195001010000"}
    with seeing(TIANNING):
        returned = bare.connection().scalar(insert(Person.__table__).values(**values).returning(Person.__table__.c.id))
        assert returned == values["id"]
        assert not seen(Person) & (theirs | {returned})  # behind the wall until a case carries it
        case = copy_of(Case, of_without_seam(Case, TIANNING)) | {"person_id": returned, "category": "unknown"}
        bare.connection().execute(insert(Case.__table__).values(**case))
        assert returned in seen(Person)
    with seeing(None), pytest.raises(ProgrammingError, match="row-level security"):
        bare.connection().execute(insert(Person.__table__).values(**values | {"id": 999_998}))


def of_without_seam(cls: type, area: str) -> set[int]:
    with seeing(area):
        return seen(cls)


@pytest.mark.parametrize("cls", SHARED, ids=lambda cls: cls.__name__)
def test_what_is_shared_is_seen_by_all_and_written_by_the_county(bare, cls):
    table = cls.__tablename__
    for area in (TIANNING, COUNTY):
        with seeing(area):
            assert len(seen(cls)) == len(of_without_seam(cls, "")) > 0
    with seeing(TIANNING):
        assert bare.execute(text(f"UPDATE {table} SET id = id")).rowcount == 0
        assert bare.execute(text(f"DELETE FROM {table}")).rowcount == 0
    with seeing(COUNTY):
        assert bare.execute(text(f"UPDATE {table} SET id = id")).rowcount > 0


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_without_the_walls_the_same_statements_leak(bare, cls, road):
    """The control: seam and walls gone, everybody sees everything, so that the tests above tell walls from luck."""
    everywhere, theirs = of_without_seam(cls, ""), of_without_seam(cls, XIAJIAYING)
    for other in ALL:
        bare.execute(text(f"ALTER TABLE {other.__tablename__} DISABLE ROW LEVEL SECURITY"))
    with seeing(TIANNING):
        assert seen(cls, road) == everywhere >= theirs > set()


def test_every_table_is_walled_and_its_owner_with_it(session):
    walled = session.execute(text("SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class "
                                  "WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"))
    assert dict(walled.all()) == {cls.__tablename__: True for cls in ALL} | {"alembic_version": False}
    standing = session.execute(text("SELECT tablename, policyname, permissive FROM pg_policies")).all()
    assert set(standing) == {(cls.__tablename__, name, "PERMISSIVE") for cls in ALL for name in ("seen", "written")}


def test_walls_that_are_down_show_nothing(session):
    with everything("test"):
        rowwalls.take_down(session.connection())
        assert contents() == {table: [] for table in contents()}
        rowwalls.put_up(session.connection())
        assert any(contents().values())


def test_the_scope_is_told_when_it_changes(bare):
    everywhere, here = of_without_seam(Case, ""), of_without_seam(Case, TIANNING)

    assert seen(Case) == set()
    with seeing(TIANNING):
        assert seen(Case) == here
        with everything("test"):
            assert seen(Case) == everywhere
        assert seen(Case) == here
    assert seen(Case) == set()


def test_what_the_server_forgets_is_told_again(bare):
    here, there = of_without_seam(Case, TIANNING), of_without_seam(Case, XIAJIAYING)
    with seeing(TIANNING):
        assert seen(Case) == here
        savepoint = bare.begin_nested()
        with seeing(XIAJIAYING):
            assert seen(Case) == there
            savepoint.rollback()
            assert seen(Case) == there
        assert seen(Case) == here
        for end in (bare.rollback, bare.commit):
            end()
            assert seen(Case) == here
    with seeing(XIAJIAYING):
        bare.rollback()
        assert seen(Case) == there


def test_a_failed_statement_takes_back_what_was_told(bare):
    here = of_without_seam(Case, TIANNING)
    savepoint = bare.begin_nested()
    with seeing(XIAJIAYING), pytest.raises(ProgrammingError):
        bare.execute(text("SELECT nothing FROM nowhere"))
    with seeing(TIANNING):  # another scope than the transaction that failed was told
        savepoint.rollback()
        assert seen(Case) == here
