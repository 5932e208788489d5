"""The trail: one entry for each act, in the same transaction, chained, masked, and never changed."""

from __future__ import annotations

import json
import re
from datetime import date
from threading import Thread

import pytest
from factories import (
    COUNTY,
    PASSWORD,
    a_case,
    a_person,
    an_upload,
    arranging,
    contents,
    moment,
    seeing_as,
    step,
    walk,
)
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import audit, outbox
from models.area import Township
from models.audit import GENESIS, AuditEntry, AuditHead, acting_as, record, verify
from models.base import db
from models.case import Case, Person
from models.certificate import attach
from models.document import Document
from models.guards import FROZEN
from models.ledger import PublishedRate, Settlement
from models.outbox import Task
from models.scope import everything, kinds
from models.user import User
from models.words import Refusal

OVERPAID = {"died_on": "2019-06-15", "account_balance": "100.00"}


def trail(after: int = 0) -> list:
    """The entries behind the first *after* ones, oldest first."""
    with everything("test"):
        return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))[after:]


@pytest.fixture
def so_far(county) -> int:
    return len(trail())


# ---- one entry for each change

def test_an_insert_leaves_one_entry(county, session, so_far):
    with seeing_as(county.clerk, "2021-09-20 09:30", origin="screen"):
        rate = PublishedRate(item="basic", from_month="2031-07", amount=11300, basis="晋人社发〔2022〕1号")
        session.add(rate)
        session.commit()

    entry, = trail(so_far)
    assert (entry.act, entry.subject, entry.row_id) == ("insert", "rate", rate.id)
    assert (entry.actor, entry.origin, entry.at, entry.area_code) == (
        "county_clerk", "screen", moment("2021-09-20 09:30"), "141122")
    assert entry.told == {"item": [None, "basic"], "from_month": [None, "2031-07"], "amount": [None, 11300],
                          "min_age": [None, 0], "basis": [None, "晋人社发〔2022〕1号"]}


def test_an_update_leaves_one_entry_with_what_changed(county, session):
    case, before = a_case(), len(trail())
    with seeing_as(county.clerk):
        case.remark, case.paused_from = "误录", case.paused_from.plus(1)
        session.commit()

    entry, = trail(before)
    assert (entry.act, entry.row_id, entry.case_id, entry.area_code) == ("update", case.id, case.id, case.area_code)
    assert entry.told == {"remark": ["", "误录"], "paused_from": ["2020-01", "2020-02"]}


def test_a_delete_leaves_one_entry_with_what_was(county, session):
    with arranging():
        user = User(username="auditor-2", name="无岗", role="auditor", area_code=COUNTY, password_hash="-")
        session.add(user)
    before = len(trail())
    with seeing_as(county.admin):
        session.delete(user)
        session.commit()

    entry, = trail(before)
    assert (entry.act, entry.subject) == ("delete", "portal_user")
    assert entry.told["username"] == ["auditor-2", None]


def test_all_rows_of_one_act_are_one_entry(county, session, so_far):
    with seeing_as(county.clerk):
        for rate in session.scalars(select(PublishedRate)):
            rate.basis = rate.basis + "。"
        session.flush()
        changed = session.query(PublishedRate).count()
        session.commit()

    entry, = trail(so_far)
    assert sorted(row["row_id"] for row in entry.rows) == list(range(1, changed + 1))


def test_a_save_that_changes_nothing_leaves_none(county, session):
    case, before = a_case(), len(trail())
    with seeing_as(county.clerk):
        case.remark = case.remark + ""
        session.commit()

    assert trail(before) == []


def test_a_step_names_its_case_in_every_entry(county):
    case = walk(a_case(category="deceased", account_balance="100.00", government_subsidy="0.00"),
                family="reached", died_on="2019-06-15")

    of_case = {row["subject"] for entry in trail() if entry.case_id == case.id for row in entry.rows}
    assert of_case == {"person", "benefit", "pension_case", "step_done", "milestone", "certificate", "settlement", "receipt"}
    assert {entry.area_code for entry in trail() if entry.case_id == case.id} == {case.area_code}


def test_a_step_taken_is_traced_to_who_took_it(county):
    case, before = a_case(category="uncertified"), len(trail())

    step(case, "certify", "2021-09-20", certified_on="2021-09-20")

    assert {(entry.actor, entry.at) for entry in trail(before)} == {("township-141122100", moment("2021-09-20"))}


def test_only_leases_and_settlement_lines_are_left_out():
    untraced = {cls.__name__ for cls in (m.class_ for m in db.Model.registry.mappers)
                if getattr(cls, "__untraced__", False)}

    # The settlement's own entry holds the whole result; a lease is nobody's act; that a password changed is said of its user;
    # a look has its own entry, and looking for somebody changes nothing.
    assert untraced == {"Task", "SettlementLine", "SignIn", "Draft", "AddressTry", "OldPassword", "NumberView", "Seek",
                        "FormKey", "MachineCheck"}


# ---- in the same transaction

def test_a_rollback_leaves_neither_row_nor_entry(county, session):
    case = a_case()
    before = contents()
    with seeing_as(county.clerk):
        case.remark = "误录"
        session.flush()
        session.rollback()
        session.commit()

    assert contents() == before


def test_a_savepoint_rolled_back_takes_only_its_own_entries_along(county, session):
    first, second = a_case(), a_case()
    before = len(trail())
    with seeing_as(county.clerk):
        first.remark = "留下"
        session.flush()
        with session.begin_nested() as savepoint:
            second.remark = "撤回"
            session.flush()
            savepoint.rollback()
        session.commit()

    assert [(entry.row_id, entry.told) for entry in trail(before)] == [(first.id, {"remark": ["", "留下"]})]


def test_a_savepoint_kept_is_in_the_trail_once(county, session):
    case, before = a_case(), len(trail())
    with seeing_as(county.clerk):
        with session.begin_nested():
            case.remark = "留下"
        session.commit()

    assert [entry.told for entry in trail(before)] == [{"remark": ["", "留下"]}]


def test_an_outer_savepoint_rolled_back_does_not_lose_what_came_before(county, session):
    first, second = a_case(), a_case()
    before = len(trail())
    with seeing_as(county.clerk):
        first.remark = "留下"
        with session.begin_nested() as outer:
            with session.begin_nested():
                second.remark = "撤回"
            outer.rollback()
        session.commit()

    assert [entry.row_id for entry in trail(before)] == [first.id]
    assert verify() == len(trail())


def test_a_savepoint_left_open_is_written_with_the_whole(county, session):
    first, second = a_case(), a_case()
    before = len(trail())
    with seeing_as(county.clerk):
        first.remark = "之前"
        session.begin_nested()
        second.remark = "之内"
        session.commit()

    assert [entry.row_id for entry in trail(before)] == [first.id, second.id]


def test_a_failed_flush_inside_a_savepoint_takes_only_that_along(county, session):
    case, before = a_case(), len(trail())
    with seeing_as(county.clerk):
        case.remark = "留下"
        with pytest.raises(IntegrityError), session.begin_nested():
            session.add(PublishedRate(item="nothing", from_month="2031-07", amount=1, basis=""))
        session.commit()

    assert [entry.row_id for entry in trail(before)] == [case.id]


def test_a_session_closed_without_commit_leaves_nothing_behind(county, session):
    first, second = a_case(), a_case()
    before, key = len(trail()), second.id
    with seeing_as(county.clerk):
        first.remark = "丢弃"
        session.flush()
        session.close()
        session.get(Case, key).remark = "留下"
        session.commit()

    assert [entry.row_id for entry in trail(before)] == [key]


def test_without_an_actor_nothing_is_written(county, session):
    case = a_case()
    before = contents()
    case.remark = "谁写的"
    with pytest.raises(RuntimeError, match="without an actor"):
        session.commit()
    session.rollback()

    assert contents() == before


# ---- acts that change no row

def test_an_act_is_recorded_with_its_details(county, session, so_far):
    with seeing_as(county.clerk, origin="command"):
        record("export", "pension_case", "141122", sheet="台账", rows=12, on=date(2021, 9, 19))
        session.commit()

    entry, = trail(so_far)
    assert (entry.act, entry.subject, entry.row_id, entry.case_id) == ("export", "pension_case", None, None)
    assert entry.changes == {"sheet": [None, "台账"], "rows": [None, 12], "on": [None, "2021-09-19"]}


def test_an_act_rolled_back_is_not_recorded(county, session, so_far):
    with seeing_as(county.clerk):
        record("export", "pension_case", "141122")
        session.rollback()
        session.commit()

    assert trail(so_far) == []


# ---- what must not be read in it

def dump() -> str:
    return json.dumps([[entry.changes, entry.rows, entry.why] for entry in trail()], ensure_ascii=False)


def test_id_and_phone_numbers_are_masked(county, session):
    case = a_case()
    with seeing_as(county.clerk):
        case.person.phone = "13900001234"
        session.commit()

    inserted = next(row for entry in trail() for row in entry.rows or () if row["subject"] == "person")
    assert inserted["values"]["id_number"] == [None, "•" * 14 + case.person.id_number[-4:]]
    assert trail()[-1].rows[0]["values"] == {"phone": [None, "•••••••1234"]}


def test_no_id_number_reaches_the_trail_in_any_text(county, session):
    person = a_case().person
    number = person.id_number
    with seeing_as(county.clerk, origin="screen") as now:
        case = session.query(Case).one()
        case.remark = f"与{number}同户，卡号6217000012345678901"
        task = outbox.order("draw", case.area_code, "county_clerk")
        session.flush()
        session.add(Document(case=case, area_code=case.area_code, task_id=task.id, kind="back_pay", file_name="补发.pdf",
                             facts={"person": {"id_number": number}}, ordered_by="county_clerk", ordered_at=now))
        record("export", "pension_case", "141122", asked=number.lower())
        session.commit()

    assert number not in dump()
    assert not re.search(r"\d{15}", dump())
    assert f"与{'•' * 14}{number[-4:]}同户，卡号{'•' * 15}8901" in dump()


def test_hashes_of_files_stay_whole(county, session):
    case, upload = a_case(), an_upload("other")
    with seeing_as(county.clerk) as now:
        attach(case, upload, "county_clerk", now)
        session.commit()

    assert trail()[-1].told["sha256"] == [None, upload.sha256]


def test_a_password_hash_is_never_in_it(county, session):
    user = county.clerk
    with seeing_as(county.admin):
        before = user.password_hash
        user.set_password("Another-2021-word")
        session.commit()

    told = trail()[-1].told
    assert set(told) == {"password_hash", "password_set_at"}
    assert told["password_hash"] == ["•••", "•••"]
    for secret in (before, user.password_hash, PASSWORD, "argon2"):
        assert secret not in dump()


# ---- what would slip past it is refused

@pytest.mark.parametrize("statement", [
    pytest.param(lambda: update(Case).values(remark="x"), id="update"),
    pytest.param(lambda: update(Case).where(Case.id == 1).values(remark="x"), id="update where"),
    pytest.param(lambda: delete(Case), id="delete"),
    pytest.param(lambda: delete(PublishedRate).where(PublishedRate.amount > 0), id="delete shared"),
    pytest.param(lambda: insert(Person).values(id_number="1", id_tail="1", name="x", name_key="x", sex="男",
                                               born=date(1950, 1, 1)), id="insert"),
    pytest.param(lambda: update(Case.__table__).values(remark="x"), id="update of the table"),
    pytest.param(lambda: delete(AuditEntry), id="delete the trail"),
    pytest.param(lambda: update(AuditHead).values(entries=0), id="wind the trail back"),
])
def test_bulk_writes_are_refused(county, session, statement):
    a_case()
    before = contents()
    with seeing_as(county.clerk):
        with pytest.raises(RuntimeError, match="would leave no trail"):
            session.execute(statement())
        session.commit()

    assert contents() == before


def test_bulk_writes_by_query_are_refused(county, session):
    with seeing_as(county.clerk), pytest.raises(RuntimeError, match="would leave no trail"):
        session.query(PublishedRate).update({"amount": 1})


def test_the_outbox_may_take_its_lease_in_bulk(county, session, so_far):
    with seeing_as(county.clerk) as now:
        task = outbox.order("draw", "141122100", "county_clerk")
        session.commit()

        assert outbox.claim(task.id, now) == 1
        session.commit()
    assert trail(so_far) == []


# ---- the chain

def test_the_chain_holds_after_a_whole_case(county):
    walk(a_case(category="uncertified"))

    assert verify() == len(trail()) > 5


def test_the_chain_starts_from_nothing(county):
    first = trail()[0]

    assert first.previous == GENESIS
    assert [entry.previous for entry in trail(1)] == [entry.hash for entry in trail()][:-1]


def test_two_who_write_at_once_make_one_chain(app, county):
    def write(name: str) -> None:
        with app.app_context(), everything("test"), acting_as(name, "command", moment_now):
            for n in range(5):
                db.session.add(PublishedRate(item="age", from_month=f"2030-0{n + 1}", amount=1,
                                             min_age=70 + len(name), basis=name))
                db.session.commit()
    before = len(trail())
    db.session.rollback()
    writers = [Thread(target=write, args=(name,)) for name in ("one", "three")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert verify() == before + 10


def moment_now():
    return moment(None)


@pytest.fixture
def unguarded(county, session):
    """A trail with a case in it, and the database no longer refusing changes to it."""
    walk(a_case(category="no_card"))
    for act in ("update", "delete"):
        on = " ON audit_entry" if session.connection().dialect.name == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER audit_entry_no_{act}{on}"))
    with arranging():
        pass
    return session


FOREIGN = ("INSERT INTO audit_entry (at, actor, origin, act, subject, area_code, changes, previous, hash) "
           "SELECT at, actor, origin, act, subject, area_code, changes, hash, 'x' || substr(hash, 2) "
           "FROM audit_entry WHERE id = {}")


@pytest.mark.parametrize("tampering", [
    pytest.param(["UPDATE audit_entry SET actor = 'somebody' WHERE id = 5"], id="another actor"),
    pytest.param(["UPDATE audit_entry SET at = '2021-01-01 00:00:00' WHERE id = 5"], id="another moment"),
    pytest.param(["UPDATE audit_entry SET origin = 'job' WHERE id = 5"], id="another way in"),
    pytest.param(["UPDATE audit_entry SET act = 'delete' WHERE id = 5"], id="another act"),
    pytest.param(["UPDATE audit_entry SET subject = 'rate' WHERE id = 5"], id="another table"),
    pytest.param(["UPDATE audit_entry SET row_id = 77 WHERE id = 5"], id="another row"),
    pytest.param(["UPDATE audit_entry SET case_id = 77 WHERE id = 5"], id="another case"),
    pytest.param(["UPDATE audit_entry SET area_code = '141122101' WHERE id = 5"], id="another area"),
    pytest.param(["UPDATE audit_entry SET changes = '{\"x\": 1}' WHERE id = 5"], id="other changes"),
    pytest.param(["UPDATE audit_entry SET previous = hash WHERE id = 5"], id="another link"),
    pytest.param(["UPDATE audit_entry SET actor = 'somebody' WHERE id = (SELECT max(id) FROM audit_entry)"],
                 id="the newest changed"),
    pytest.param(["DELETE FROM audit_entry WHERE id = 5"], id="one taken out"),
    pytest.param(["DELETE FROM audit_entry WHERE id = 1"], id="the first taken out"),
    pytest.param(["DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)"], id="the tail cut"),
    pytest.param(["DELETE FROM audit_entry"], id="all of it gone"),
    pytest.param([FOREIGN.format("(SELECT max(id) FROM audit_entry)")], id="one put behind"),
    pytest.param(["UPDATE audit_entry SET id = -5 WHERE id = 5", "UPDATE audit_entry SET id = 5 WHERE id = 6",
                  "UPDATE audit_entry SET id = 6 WHERE id = -5"], id="two swapped"),
    pytest.param(["UPDATE audit_head SET entries = entries - 1"], id="the count changed"),
    pytest.param(["DELETE FROM audit_head"], id="the count gone"),
])
def test_tampering_is_found(unguarded, tampering):
    assert verify() > 5
    for statement in tampering:
        unguarded.execute(text(statement))

    with pytest.raises(Refusal, match="trail is broken"):
        verify()


@pytest.mark.parametrize("tampering", ["SET at = 'junk'", "SET changes = 'junk'"])
def test_tampering_that_leaves_nothing_readable_is_found(unguarded, tampering):
    if unguarded.connection().dialect.name == "postgresql":
        pytest.skip("PostgreSQL takes no junk in these columns")
    unguarded.execute(text(f"UPDATE audit_entry {tampering} WHERE id = 5"))

    with pytest.raises(Refusal, match="trail is broken"):
        verify()


# ---- what the database itself refuses

@pytest.fixture
def settled(county):
    return walk(a_case(category="deceased", account_balance="100.00", government_subsidy="0.00"),
                family="reached", died_on="2019-06-15")


@pytest.mark.parametrize("statement", [
    "UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "UPDATE settlement_line SET paid = 1",
    "DELETE FROM settlement_line", "UPDATE receipt SET amount = 1", "DELETE FROM receipt", "DELETE FROM settlement",
    *(f'UPDATE settlement SET "{column.strip()}" = "{column.strip()}"' for column in FROZEN["settlement"].split(","))])
def test_the_database_refuses_to_change_what_is_signed(settled, session, statement):
    with pytest.raises(DBAPIError, match="this row is never changed"):
        session.execute(text(statement))
    session.rollback()


def test_the_database_lets_a_settlement_move_on(settled, session):
    session.execute(text("UPDATE settlement SET state = 'reversed'"))

    assert session.scalar(select(Settlement.state)) == "reversed"
    session.rollback()


def test_names_of_townships_may_change(county, session, so_far):
    # The counter-example: most rows are edited, and the trail shows it.
    with seeing_as(county.clerk):
        session.scalars(select(Township).where(Township.area_code == "141122202")).one().name = "东坡底镇"
        session.commit()

    assert [entry.told for entry in trail(so_far)] == [{"name": ["东坡底乡", "东坡底镇"]}]


def test_reading_leaves_no_entry(county, session, so_far):
    for cls in kinds(db.Model):
        session.scalars(select(cls)).all()
    session.commit()

    assert trail(so_far) == []


def test_a_person_is_in_the_trail_before_any_case(county, session, so_far):
    with seeing_as(county.township()):
        a_person(benefit=None)
        session.commit()

    entry, = trail(so_far)
    assert (entry.area_code, [row["subject"] for row in entry.rows]) == ("141122100", ["person"])
    assert audit.verify() == len(trail())


def test_the_outbox_row_itself_is_no_entry(county, session, so_far):
    with seeing_as(county.clerk):
        session.add(Task(kind="draw", args={}, area_code="141122", ordered_by="county_clerk"))
        session.commit()

    assert trail(so_far) == []
