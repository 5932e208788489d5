"""The area: whoever looks sees their own rows by every road, and writes nowhere else."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path
from threading import Barrier, Thread

import pytest
from conftest import make_template
from factories import (
    COUNTY,
    NOW,
    TIANNING,
    XIAJIAYING,
    a_case,
    a_person,
    an_upload,
    arranging,
    established,
    moment,
    seeing_as,
    walk,
)
from sqlalchemy import delete, exists, func, inspect, select, union_all, update
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload, subqueryload

import models
from models import draft, outbox, schema, scope, signin
from models.area import Township, Village
from models.audit import AuditEntry, acting_as, record
from models.base import db
from models.campaign import Campaign, Preparation, the_campaign
from models.case import Case, Milestone, Person, StepDone
from models.certificate import Certificate, attach
from models.document import Bulletin, Document, Series, next_number
from models.formkey import FormKey
from models.handing import hand_out
from models.imports import ImportRun
from models.leaving import ExportRequest
from models.ledger import PublishedRate, Settlement, SettlementLine
from models.numberview import NumberView
from models.outbox import Task
from models.passwords import OldPassword
from models.prefix import after, in_area
from models.scope import Carried, Child, Placed, Shared, everything, seeing, within
from models.seek import Seek
from models.user import User
from models.words import Refusal

schema.metadata()  # every table is known
MAPPED = sorted((mapper.class_ for mapper in db.Model.registry.mappers), key=lambda cls: cls.__name__)
LIMITED = [cls for cls in MAPPED if not issubclass(cls, Shared)]
HERE, THERE = "141122100001", "141122101201"


def fresh() -> None:
    """As a request begins: with nothing in hand."""
    db.session.rollback()
    db.session.expunge_all()


def people_two_areas() -> None:
    """Rows of two townships in every table."""
    campaign = the_campaign()
    cases = [a_case(HERE), a_case(THERE)]
    with arranging():
        hand_out(campaign, "county_clerk", NOW)
    for case in (*(established(case, "deceased") for case in cases),
                 *(a_case(village, category="deceased", account_balance="0.00", government_subsidy="0.00")
                   for village in (HERE, THERE))):
        walk(case, family="reached", died_on="2019-06-15")
    with arranging():
        for case in cases:
            task = outbox.order("draw", case.area_code, "county_clerk")
            db.session.flush()
            db.session.add(Document(case=case, area_code=case.area_code, task_id=task.id, kind="back_pay", facts={},
                                    file_name="x.pdf", ordered_by="county_clerk", ordered_at=NOW))
            db.session.add(ImportRun(kind="roster", area_code=case.area_code[:9], file_name="x.xlsx", sha256="0" * 64, counts={},
                                     imported_at=NOW, imported_by="x"))
            db.session.add(ExportRequest(sheet="cases_full", area_code=case.area_code, reason="存档", people=501,
                                         asked_by="county_clerk", asked_at=NOW))
            db.session.add(NumberView(username="x", area_code=case.area_code, seen_at=NOW))
            db.session.add(Seek(ticket=case.area_code, username="x", area_code=case.area_code, text="王", kept_at=NOW))
            db.session.add(Preparation(campaign=campaign, area_code=case.area_code[:9], leader="甲", members="乙",
                                       plan_name="x.pdf", plan_sha256="0" * 64, recorded_at=NOW, recorded_by="x"))
            db.session.add(ImportRun(kind="roster", area_code=case.area_code[:9], file_name="x.xlsx", sha256="0" * 64, counts={},
                                     imported_at=NOW, imported_by="x"))
        for user in db.session.scalars(select(User).where(User.role == "township")):
            user.old_passwords.append(OldPassword(password_hash="x"))
            signin.begin(user, "127.0.0.1", "x", NOW)
            draft.keep(user, "/admin/", None, [("x", "x")], False, NOW)
            db.session.add(FormKey(key_hash=user.username, user_id=user.id, area_code=user.area_code, endpoint="x", digest="x",
                                   made_at=NOW, done=True))
        db.session.add(Bulletin(campaign=campaign, as_of=date(2021, 9, 19), kind="bulletin", facts={},
                                file_name="x.pdf", ordered_by="county_clerk", ordered_at=NOW))
        next_number("交人社函", 2021)


@pytest.fixture(scope="module")
def _peopled(stage) -> None:
    def fill() -> None:
        with seeing(COUNTY):
            people_two_areas()
    make_template(stage, "two_areas", fill)


@pytest.fixture
def database(stage, _peopled) -> str:
    """Every test of this module starts from two peopled townships."""
    stage.copy("two_areas", "test")
    return stage.url("test")


@pytest.fixture
def two_areas(county) -> tuple[str, str]:
    return HERE, THERE


def place_of(row) -> str:
    """The area of a row, found by hand and not by the seam."""
    return {
        "Person": lambda: row.cases[0].area_code, "Benefit": lambda: row.person.cases[0].area_code,
        "StepDone": lambda: row.case.area_code, "Milestone": lambda: row.case.area_code,
        "SettlementLine": lambda: row.settlement.area_code, "Receipt": lambda: row.settlement.area_code,
        "OldPassword": lambda: row.user.area_code,
    }.get(type(row).__name__, lambda: row.area_code)()


# ---- every table says what it is

@pytest.mark.parametrize("cls", MAPPED, ids=lambda cls: cls.__name__)
def test_every_table_is_declared_once(cls):
    kinds = [kind for kind in (Placed, Child, Carried, Shared) if issubclass(cls, kind)]

    assert len(kinds) == 1, f"say whether {cls.__name__} is Placed, Child, Carried or Shared"
    if Placed in kinds:
        assert not inspect(cls).attrs.area_code.columns[0].nullable
    if Child in kinds:
        column, parent = cls.__parent__
        assert {key.column.table.name for key in cls.__table__.c[column].foreign_keys} == {
            named(parent).__tablename__}
    if Carried in kinds:
        carrier, column = cls.__carrier__
        assert {key.column.table.name for key in named(carrier).__table__.c[column].foreign_keys} == {cls.__tablename__}


def named(name: str) -> type:
    return next(cls for cls in MAPPED if cls.__name__ == name)


def test_shared_tables_hold_nothing_of_a_person():
    assert {cls.__name__ for cls in MAPPED if issubclass(cls, Shared)} == {
        "AddressTry", "AuditHead", "Bulletin", "Campaign", "MachineCheck", "PublishedRate", "Series"}


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_without_a_scope_nothing_is_seen(two_areas, session, cls):
    with everything("test"):
        assert session.scalar(select(func.count()).select_from(cls)) > 1
    with seeing(None):
        assert session.scalars(select(cls)).all() == []
        assert session.scalar(select(func.count()).select_from(cls)) == 0
        assert session.query(cls).count() == 0


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_a_township_sees_exactly_its_own_rows_of_every_table(two_areas, session, cls):
    with everything("test"):
        own = {row.id for row in session.scalars(select(cls)) if place_of(row).startswith(TIANNING)}
        total = session.scalar(select(func.count()).select_from(cls))
    fresh()

    assert 0 < len(own) < total
    with seeing(TIANNING):
        assert {row.id for row in session.scalars(select(cls))} == own
        assert session.scalar(select(func.count()).select_from(cls)) == len(own)
        assert session.scalar(select(func.count(cls.id))) == len(own)
        assert session.query(cls).count() == len(own)
        assert set(session.scalars(select(cls.id))) == own
        alias = aliased(cls)
        assert set(session.scalars(select(alias.id))) == own


@pytest.mark.parametrize("cls", LIMITED, ids=lambda cls: cls.__name__)
def test_a_row_of_another_area_is_as_one_that_does_not_exist(two_areas, session, cls):
    with everything("test"):
        other = next(row.id for row in session.scalars(select(cls)) if not place_of(row).startswith(TIANNING))
    fresh()

    with seeing(TIANNING):
        assert session.get(cls, other) is None
        assert session.scalars(select(cls).where(cls.id == other)).all() == []
        assert not session.scalar(select(exists().where(cls.id == other)))
        assert session.scalar(select(func.max(cls.id)).where(cls.id == other)) is None


@pytest.mark.parametrize("prefix", ["14", "1411", COUNTY], ids=["province", "prefecture", "county"])
@pytest.mark.parametrize("cls", [Case, Person, StepDone, SettlementLine], ids=lambda cls: cls.__name__)
def test_wider_areas_see_all_of_it(two_areas, session, cls, prefix):
    with everything("test"):
        total = session.scalar(select(func.count()).select_from(cls))
    with seeing(prefix):
        assert session.scalar(select(func.count()).select_from(cls)) == total


def test_a_village_sees_its_own(two_areas, session):
    with seeing(HERE):
        assert set(session.scalars(select(Case.area_code))) == {HERE}
    with seeing("141122100002"):
        assert session.scalars(select(Case)).all() == []


# ---- by every road

def own(rows) -> bool:
    rows = list(rows)
    return bool(rows) and all(place_of(row).startswith(TIANNING) for row in rows)


ROADS = {
    "join": lambda: select(StepDone).join(StepDone.case),
    "join from the other side": lambda: select(StepDone).select_from(Case).join(Case.steps),
    "outer join": lambda: select(Person).outerjoin(Person.cases),
    "join without a relation": lambda: select(Person).join(Case, Case.person_id == Person.id),
    "two from one statement": lambda: select(Case).where(Case.person_id == Person.id),
    "subquery": lambda: select(Case).where(Case.id.in_(select(StepDone.case_id))),
    "exists": lambda: select(Person).where(exists().where(Case.person_id == Person.id)),
    "any": lambda: select(Person).where(Person.cases.any(Case.paused_from < "2030-01")),
    "has": lambda: select(Certificate).where(Certificate.case.has(Case.category == "deceased")),
    "alias of a subquery": lambda: select(aliased(Case, select(Case).subquery())),
    "with a common table": lambda: select(Case).join(
        (counted := select(StepDone.case_id).group_by(StepDone.case_id).cte()), counted.c.case_id == Case.id),
    "order and limit": lambda: select(Case).order_by(Case.id.desc()).limit(100),
    "distinct": lambda: select(Village).distinct(),
    "self join": lambda: select(Case).join((twin := aliased(Case)), twin.id == Case.id),
}


@pytest.mark.parametrize("road", ROADS)
def test_by_every_road_only_own_rows_come(two_areas, session, road):
    with seeing(TIANNING):
        assert own(session.scalars(ROADS[road]()).unique())


COUNTS = {
    "exists elsewhere": lambda: select(func.count()).select_from(Township).where(
        exists().where(Case.area_code.startswith(Township.area_code))),
    "a scalar subquery": lambda: select(select(func.count()).select_from(Case).scalar_subquery()),
    "a union": lambda: select(func.count()).select_from(union_all(select(Case.id), select(Case.id)).subquery()),
    "grouped": lambda: select(func.count()).select_from(
        select(Case.area_code).group_by(Case.area_code).subquery()),
}


@pytest.mark.parametrize(("road", "found"), [
    ("exists elsewhere", 1), ("a scalar subquery", 2), ("a union", 4), ("grouped", 1)])
def test_counts_hold_only_own_rows(two_areas, session, road, found):
    with seeing(TIANNING):
        assert session.scalar(COUNTS[road]()) == found


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload], ids=lambda load: load.__name__)
def test_loading_ahead_brings_only_own_rows(two_areas, session, load):
    with arranging():
        # One person of two areas: moved, and suspended in both (in another campaign).
        person = session.scalars(select(Case).where(Case.area_code == HERE)).first().person
        second = Campaign(**{c.key: getattr(session.scalars(select(Campaign)).one(), c.key)
                             for c in inspect(Campaign).column_attrs if c.key not in ("id", "version", "key")}, key="2022")
        session.add(second)
        session.flush()
        session.add(Case(campaign=second, person=person, area_code=two_areas[1], paused_from="2021-01", listed_at=NOW))
        key = person.id
    fresh()
    with seeing(TIANNING):
        found = session.scalars(select(Person).where(Person.id == key).options(load(Person.cases))).unique().one()
        assert [case.area_code for case in found.cases] == [HERE]
    fresh()
    with seeing(TIANNING):
        found = session.scalars(select(Person).where(Person.id == key).join(Person.cases)
                                .options(contains_eager(Person.cases))).unique().one()
        assert [case.area_code for case in found.cases] == [HERE]
    fresh()
    with seeing(TIANNING):
        assert [case.area_code for case in session.get(Person, key).cases] == [HERE]
    fresh()
    with seeing(COUNTY):
        assert len(session.get(Person, key).cases) == 2


def test_a_lazy_parent_out_of_sight_reads_as_none(two_areas, session):
    with everything("test"):
        steps = session.scalars(select(StepDone).order_by(StepDone.id)).all()
        away = next(done for done in steps if not done.case.area_code.startswith(TIANNING))
    session.expunge_all()
    session.add(away)
    session.expire(away, ["case"])
    with seeing(TIANNING):
        assert away.case is None
    session.expunge(away)


def test_the_outbox_updates_and_deletes_only_what_is_in_sight(two_areas, session):
    with arranging():
        pass
    with seeing(TIANNING), acting_as("x", "screen", lambda: NOW):
        assert session.execute(update(Task).values(attempts=7)).rowcount == 1
        assert session.execute(delete(Task).where(Task.area_code.like("141122101%"))).rowcount == 0
        session.commit()
    with everything("test"):
        assert sorted(session.scalars(select(Task.attempts))) == [0, 7]
    with seeing(None):
        assert session.execute(update(Task).values(attempts=8)).rowcount == 0
        session.rollback()


# ---- writing

def away(session, cls):
    """A row of another township in hand, as a bug or a forged form might hold it."""
    with everything("test"):
        return next(row for row in session.scalars(select(cls)) if not place_of(row).startswith(TIANNING))


CHANGES = {
    Case: ("remark", "x"), Person: ("name", "x"), StepDone: ("recorded_by", "x"), Certificate: ("name", "x"),
    Settlement: ("state", "reversed"), Document: ("kind", "x"), Village: ("contact", "x"), Township: ("contact", "x"),
    Preparation: ("leader", "x"), Milestone: ("kind", "x")}


@pytest.mark.parametrize("cls", CHANGES, ids=lambda cls: cls.__name__)
def test_a_row_of_another_area_is_not_changed(two_areas, county, session, cls):
    row = away(session, cls)
    with seeing_as(county.township()):
        setattr(row, *CHANGES[cls])
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()


@pytest.mark.parametrize("cls", [Case, Person, Certificate, StepDone], ids=lambda cls: cls.__name__)
def test_a_row_of_another_area_is_not_deleted(two_areas, county, session, cls):
    row = away(session, cls)
    with seeing_as(county.township()):
        session.delete(row)
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()


def test_a_new_row_is_not_put_into_another_area(two_areas, county, session):
    with seeing_as(county.township()):
        session.add(Case(campaign=county.campaign, person=a_person(), area_code=two_areas[1], paused_from="2020-01",
                         listed_at=NOW))
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()


def test_evidence_is_not_attached_to_a_case_of_another_area(two_areas, county, session):
    case = away(session, Case)
    with seeing_as(county.township()) as now:
        attach(case, an_upload("other"), "x", now)
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()


@pytest.mark.parametrize("in_hand", [True, False], ids=["in hand", "out of sight"])
def test_a_child_is_not_hung_on_a_parent_of_another_area(two_areas, county, session, in_hand):
    case_id = away(session, Case).id
    user = county.township()
    if not in_hand:
        # As a forged form has it: a number, and nothing loaded.
        session.commit()
        session.expunge_all()
        session.add(user)
    with seeing_as(user):
        session.add(Milestone(case_id=case_id, kind="verified", reached_at=NOW))
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()


@pytest.mark.parametrize("expired", [False, True], ids=["read before", "never read"])
def test_a_row_is_not_moved_out_of_or_into_an_area(two_areas, county, session, expired):
    with everything("test"):
        inside, outside = (session.scalars(select(Case).where(Case.area_code == code)).first() for code in two_areas)
    for row, target in ((inside, two_areas[1]), (outside, HERE)):
        if expired:
            session.expire(row)
        with seeing_as(county.township()):
            row.area_code = target
            with pytest.raises(Refusal, match="another area"):
                session.commit()
            session.rollback()


def test_a_child_is_not_moved_to_another_parent(two_areas, county, session):
    with everything("test"):
        steps = session.scalars(select(StepDone)).all()
        inside = next(done for done in steps if done.case.area_code == HERE)
        outside = next(done for done in steps if done.case.area_code != HERE)
        target = outside.case_id
        cases = inside.case, outside.case
    moves = [lambda: setattr(inside, "case_id", target), lambda: setattr(outside, "case_id", cases[0].id),
             lambda: setattr(inside, "case", cases[1]), lambda: setattr(outside, "case", cases[0])]
    for move in moves:
        with seeing_as(county.township()):
            move()
            with pytest.raises(Refusal, match="another area"):
                session.commit()
            session.rollback()


def test_a_row_may_be_moved_within_the_area(two_areas, county, session):
    with seeing_as(county.township()):
        case = session.scalars(select(Case)).first()
        case.area_code = "141122100002"
        session.commit()
        assert case.area_code == "141122100002"


def test_the_county_may_move_a_row(two_areas, county, session):
    with seeing_as(county.clerk):
        case = session.scalars(select(Case).where(Case.area_code == HERE)).first()
        case.area_code = two_areas[1]
        session.commit()
        assert case.area_code == two_areas[1]


SHARED = {
    Campaign: ("office", "x"), PublishedRate: ("amount", 1), Bulletin: ("kind", "x"), Series: ("last", 9)}


@pytest.mark.parametrize("cls", SHARED, ids=lambda cls: cls.__name__)
def test_a_township_reads_what_is_shared_and_does_not_write_it(two_areas, county, session, cls):
    with seeing_as(county.township()):
        row = session.scalars(select(cls)).first()
        setattr(row, *SHARED[cls])
        with pytest.raises(Refusal, match="another area"):
            session.commit()
        session.rollback()
    with seeing_as(county.clerk):
        setattr(row, *SHARED[cls])
        session.commit()


def test_nobody_writes_without_a_scope(two_areas, county, session):
    with everything("test"):
        case = session.scalars(select(Case)).first()
    with seeing(None), acting_as("x", "screen", lambda: NOW):
        for change in (lambda: setattr(case, "remark", "x"), a_person, lambda: session.add(Campaign(key="x"))):
            change()
            with pytest.raises(Refusal, match="another area"):
                session.commit()
            session.rollback()


def test_a_township_orders_a_numbered_paper(two_areas, county, session):
    # Numbers run through the county: the series is shared, and a township's paper takes the next one.
    with seeing_as(county.township()):
        assert next_number("交人社函", 2021) == "交人社函〔2021〕2号"
        assert next_number("天政函", 2021) == "天政函〔2021〕1号"
        session.commit()


def test_taking_a_number_opens_no_other_door(two_areas, county, session):
    case = away(session, Case)
    with seeing_as(county.township()):
        case.remark = "x"
        with pytest.raises(Refusal, match="another area"):
            next_number("交人社函", 2021)
        session.rollback()


# ---- one program, many areas at once

def test_the_same_statement_under_two_areas_never_mixes(two_areas, session):
    statement = select(Case.area_code)
    for _ in range(60):
        for prefix, code in zip((TIANNING, XIAJIAYING), two_areas, strict=True):
            with seeing(prefix):
                assert set(session.scalars(statement)) == {code}
                assert session.scalar(select(func.count()).select_from(SettlementLine)) > 0
                assert {row.case.area_code for row in session.scalars(select(StepDone).options(joinedload(StepDone.case)))
                        } == {code}
        session.expunge_all()


def test_threads_with_different_areas_do_not_see_each_other(two_areas, app):
    start, seen = Barrier(4), {}

    def look(name: int, prefix: str) -> None:
        with app.app_context(), seeing(prefix):
            start.wait()
            seen[name] = {code for _ in range(40) for code in db.session.scalars(select(Case.area_code))}
            db.session.rollback()
    db.session.rollback()
    prefixes = [TIANNING, XIAJIAYING, TIANNING, XIAJIAYING]
    lookers = [Thread(target=look, args=(n, prefix)) for n, prefix in enumerate(prefixes)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()

    assert seen == {0: {two_areas[0]}, 1: {two_areas[1]}, 2: {two_areas[0]}, 3: {two_areas[1]}}


def test_a_new_thread_begins_without_a_scope(two_areas, app):
    seen = []

    def look() -> None:
        with app.app_context():
            seen.extend([scope.current(), db.session.scalars(select(Case)).all()])
            db.session.rollback()
    db.session.rollback()
    with seeing(COUNTY):
        looker = Thread(target=look)
        looker.start()
        looker.join()

    assert seen == [None, []]


def test_a_scope_ends_with_its_block_even_by_an_error():
    with pytest.raises(ZeroDivisionError), seeing(TIANNING):
        raise ZeroDivisionError
    assert scope.current() is None


@pytest.mark.parametrize(("code", "prefix", "inside"), [
    ("141122100201", "141122", True), ("141122100201", "141122100", True), ("141122100201", "141122100201", True),
    ("141122100201", "", True), ("141122100201", "141122101", False), ("141122", "141122100", False),
    (None, "", False), ("141122100201", None, False)])
def test_a_place_lies_in_an_area(code, prefix, inside):
    with seeing(prefix):
        assert within(code) is inside


@pytest.mark.parametrize(("prefix", "first_behind"), [("141122", "141123"), ("141122109", "14112210:"), ("14", "15")])
def test_the_first_code_behind_an_area(prefix, first_behind):
    assert after(prefix) == first_behind


def test_codes_at_the_edges_of_a_range(county, session):
    # 141122109… lies before 14112210:, and 1411221 is no township of 141122100.
    codes = ["141122099999", "141122100", "141122100001", "141122100999", "141122101", "141122109", "141122109999"]
    with arranging():
        for code in codes:
            record("probe", "nothing", code)
    with everything("test"):
        def found(prefix):
            return sorted(session.scalars(select(AuditEntry.area_code).where(
                AuditEntry.act == "probe", in_area(AuditEntry.area_code, prefix))))
        assert found("141122100") == codes[1:4]
        assert found("141122109") == codes[5:]
        assert found("141122") == codes


def test_the_trail_of_another_area_is_not_read(two_areas, county, session):
    with seeing_as(county.township()):
        areas = set(session.scalars(select(AuditEntry.area_code)))
    assert {code[:9] for code in areas} == {TIANNING}


def test_a_township_sees_its_own_people_of_the_portal(county, session):
    with seeing_as(county.township()):
        assert {user.username for user in session.scalars(select(named("User")))} == {f"township-{TIANNING}"}


def test_time_has_no_part_in_what_is_seen(county):
    with seeing_as(county.township(), at="2030-01-01") as now:
        assert (now, scope.current()) == (moment("2030-01-01"), TIANNING)


# ---- roads around it

ROOT = Path(models.__file__).parent.parent
# Modules that are the seam themselves, or stand below it.
MAY = {"models/scope.py", "models/rowwalls.py", "models/chain.py", "models/schema.py", "models/guards.py", "models/base.py",
       "models/tablehash.py", "portal/pgtools.py"}  # these two copy and compare whole databases, whatever is in them
FORBIDDEN_CALLS = {"text", "exec_driver_sql", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings",
                   "raw_connection"}
FORBIDDEN_NAMES = {"__table__", "metadata.tables"}
# Verbs with these names exist beside SQLAlchemy's: only SQLAlchemy's are meant.
NAMED_IN = {"text": ("sqlalchemy", "db")}


def roads_around(source: str) -> list[str]:
    """What in a module goes past the seam: names and lines."""
    tree = ast.parse(source)
    imported = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                and (node.module or "").split(".")[0] == "sqlalchemy" for alias in node.names}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "__table__":
            found.append(f"{node.lineno}: __table__")
        if isinstance(node, ast.Call):
            name = _called(node.func, imported)
            if name in FORBIDDEN_CALLS:
                found.append(f"{node.lineno}: {name}")
    return found


def _called(function: ast.expr, imported: set[str]) -> str | None:
    if isinstance(function, ast.Name):
        return function.id if function.id in imported or function.id != "text" else None
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        return function.attr if function.attr not in NAMED_IN or owner in (
            *NAMED_IN[function.attr], "sa", "sqla") else None
    return None


def modules() -> list[Path]:
    return [path for folder in ("models", "exports", "views", "portal") for path in sorted((ROOT / folder).rglob("*.py"))
            if "migrations" not in path.parts]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_goes_past_the_seam(path):
    if str(path.relative_to(ROOT)) in MAY:
        return
    assert roads_around(path.read_text("utf-8")) == []


@pytest.mark.parametrize(("source", "found"), [
    ("from sqlalchemy import text\ntext('select 1')", ["2: text"]),
    ("import sqlalchemy as sa\nsa.text('select 1')", ["2: text"]),
    ("db.text('select 1')", ["1: text"]),
    ("select(Case.__table__)", ["1: __table__"]),
    ("Case.__table__.c.id", ["1: __table__"]),
    ("session.connection().exec_driver_sql('x')", ["1: exec_driver_sql"]),
    ("session.bulk_save_objects([])", ["1: bulk_save_objects"]),
    ("db.engine.raw_connection()", ["1: raw_connection"]),
    ("def text(x): ...\ntext('a cell')", []),
    ("path.read_text()", []),
    ("page.text('a cell')", []),
    ("select(Case)", []),
])
def test_the_walker_finds_roads_we_know(source, found):
    assert roads_around(source) == found


def test_the_seam_itself_is_found_by_the_walker():
    assert roads_around((ROOT / "models" / "scope.py").read_text("utf-8"))
    assert len(modules()) > 20
