"""The verbs that move a case: what they refuse changes nothing; what they take back is history, never gone."""

from __future__ import annotations

from datetime import date

import pytest
from factories import a_case, a_person, an_upload, holder, moment, refused, seeing_as, step, walk

from models import ledger
from models.case import CLEARED, UNVERIFIED, VERIFIED
from models.categories import CATEGORIES
from models.steps import Proof
from models.user import Role
from models.workflow import advance, give_back, plan, possible_now, reclassify, undo

pytestmark = pytest.mark.usefixtures("county")


def take(case, key, role=Role.TOWNSHIP, at=None, on=None, uploads=(), **facts):
    """Take a step with exactly these facts, nothing filled in."""
    by = holder(role, case)
    with seeing_as(by, at) as now:
        return advance(case, key, by, now, on=on, facts=facts, uploads=uploads)


CERTIFIED = {"certified_on": "2021-09-18", "method": "app"}
BY_CLERK = {"role": Role.COUNTY_CLERK}


@pytest.mark.parametrize(("words", "key", "given"), [
    ("has no step", "fly", {}),
    ("not possible yet for 王秀英. First: Help to certify", "resume", BY_CLERK | {"resumes": "2021-09"}),
    ("not possible yet", "settle", BY_CLERK),
    ("not possible yet", "approve", {"role": Role.COUNTY_APPROVER}),
    *(("is not for", "certify", CERTIFIED | {"role": role}) for role in (
        Role.COUNTY_ADMIN, Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER, Role.AUDITOR)),
    ("still to come", "certify", CERTIFIED | {"on": date(2021, 9, 20)}),
    ("2021-09-20 is still to come", "certify", CERTIFIED | {"certified_on": "2021-09-20"}),
    ("before the birth", "certify", CERTIFIED | {"certified_on": "1950-03-11"}),
    ("does not ask for “weather”; it asks for: certified_on, method, helper", "certify", CERTIFIED | {"weather": "fine"}),
    ("“Certified on” is missing", "certify", {"method": "app"}),
    ("“Certified on” is missing", "certify", {"certified_on": "  ", "method": "app"}),
    ("“Certified on” is missing", "certify", {"certified_on": None, "method": "app"}),
    ("“How” is missing", "certify", {"certified_on": "2021-09-18"}),
    ("not a date", "certify", CERTIFIED | {"certified_on": "2021-9-18"}),
    ("not a date", "certify", CERTIFIED | {"certified_on": "18/09/2021"}),
    ("not a date of the calendar", "certify", CERTIFIED | {"certified_on": "2021-02-30"}),
    ("not one of: in_person, at_home, app, video", "certify", CERTIFIED | {"method": "letter"}),
    ("At most 500 characters", "certify", CERTIFIED | {"helper": "长" * 501}),
])
def test_a_step_that_cannot_be_taken_changes_nothing(words, key, given):
    case = a_case(category="uncertified")

    with refused(words):
        take(case, key, **given)
    assert (case.state, case.next_step) == (VERIFIED, "certify")


@pytest.mark.parametrize(("words", "category", "until", "key", "given"), [
    ("already done", "uncertified", "certify", "certify", CERTIFIED),
    ("before the suspension", "uncertified", "certify", "resume", BY_CLERK | {"resumes": "2019-12"}),
    ("is still to come", "uncertified", "certify", "resume", BY_CLERK | {"resumes": "2021-11"}),
    ("not a month", "uncertified", "certify", "resume", BY_CLERK | {"resumes": "202109"}),
    ("not a month", "uncertified", "certify", "resume", BY_CLERK | {"resumes": "2021-13"}),
    ("does not apply", "impostor", "impostor", "deregister", BY_CLERK | {"deregistered_on": "2021-09-18"}),
    ("still lacks: Proof of the other pension", "duplicate", None, "other_pension",
     {"other_kind": "employee", "other_from": "2019-01"}),
    ("before its start", "duplicate", None, "other_pension",
     {"other_kind": "employee", "other_from": "2019-03", "other_to": "2019-02",
      "uploads": [an_upload(Proof.OTHER_PENSION)]}),
    ("is still to come", "duplicate", None, "other_pension",
     {"other_kind": "employee", "other_from": "2021-10", "uploads": [an_upload(Proof.OTHER_PENSION)]}),
    ("not an amount", "deceased", "family", "settle", BY_CLERK | {"funeral_grant": "400"}),
    ("cannot be negative", "deceased", "family", "settle", BY_CLERK | {"funeral_grant": "-1.00"}),
    ("not asked with these answers", "deceased", None, "death",
     {"died_on": "2021-02-03", "source": "household_cancellation", "seals": "both",
      "uploads": [an_upload(Proof.HOUSEHOLD_CANCELLATION)]}),
    ("not asked with these answers", "impostor", None, "impostor",
     {"impostor_name": "李某", "impostor_from": "2019-01", "impostor_to": "2019-02", "alive": "yes",
      "died_on": "2019-01-01", "uploads": [an_upload(Proof.INVESTIGATION)]}),
])
def test_a_step_further_on_that_cannot_be_taken_changes_nothing(words, category, until, key, given):
    case = a_case(category=category)
    if until:
        walk(case, until=until, **({"died_on": "2021-02-03"} if category == "deceased" else {}))

    with refused(words):
        take(case, key, **given)


def test_a_refund_of_another_sum_is_refused_with_its_voucher():
    case = walk(a_case(category="deceased", account_balance="100.00", government_subsidy="0.00"),
                until="approve", family="reached", died_on="2019-06-15")

    with refused("one refund has to cover it"):
        take(case, "refund", Role.COUNTY_CLERK, uploads=[an_upload(Proof.REFUND_VOUCHER)],
             refunded_on="2021-09-18", refunded="1.00", voucher_no="1")


@pytest.mark.parametrize("facts", [CERTIFIED, CERTIFIED | {"helper": " 李代办 "}])
def test_what_is_typed_is_kept_without_the_blanks_around_it(facts):
    done = take(a_case(category="uncertified"), "certify", **facts)

    assert done.facts == {"certified_on": "2021-09-18", "method": "app", "helper": facts.get("helper", "").strip() or None}


def test_a_step_may_have_happened_before_it_is_recorded():
    done = take(a_case(category="uncertified"), "certify", at="2021-09-20 08:00", on=date(2021, 9, 19), **CERTIFIED)

    assert (done.taken_on, done.recorded_at) == (date(2021, 9, 19), moment("2021-09-20 08:00"))


def test_the_day_is_the_one_of_shanghai():
    # 00:30 of the 20th in Shanghai is the 19th in UTC.
    done = take(a_case(category="uncertified"), "certify", at="2021-09-20 00:30", certified_on="2021-09-20", method="app")

    assert done.taken_on == date(2021, 9, 20)


def test_next_month_may_be_known_to_pay_again():
    case = walk(a_case(category="uncertified"), until="certify")

    assert step(case, "resume", resumes="2021-10").facts["resumes"] == "2021-10"


def test_the_plan_of_a_case_says_why_a_step_waits():
    case = a_case(category="uncertified")

    assert [state.step.key for state in possible_now(case)] == ["certify"]
    assert {str(state.why) for state in plan(case) if state.state == "waiting"} == {"First: Help to certify."}


# ---- moved into another category

def change(case, category, role=Role.TOWNSHIP, why="核实有误", at=None):
    by = holder(role, case)
    with seeing_as(by, at) as now:
        reclassify(case, category, by, now, why)


@pytest.mark.parametrize(("words", "category", "given"), [
    ("no category “ninth”", "ninth", {}),
    ("already is", "uncertified", {}),
    ("few words", "deceased", {"why": "  "}),
    *(("Only the township or the county clerk", "deceased", {"role": role}) for role in Role
      if role not in (Role.TOWNSHIP, Role.COUNTY_CLERK)),
])
def test_a_move_that_cannot_be_made_changes_nothing(words, category, given):
    case = walk(a_case(category="uncertified"), until="certify")

    with refused(words):
        change(case, category, **given)


def test_a_settled_case_is_not_moved():
    case = walk(a_case(category="uncertified"), until="settle")

    with refused("has a settlement"):
        change(case, "deceased")


@pytest.mark.parametrize("category", [key for key in CATEGORIES if key != "uncertified"])
def test_a_moved_case_starts_anew_and_keeps_its_history(category, session):
    case = walk(a_case(category="uncertified"), until="certify")
    change(case, category)

    assert case.category == category
    assert case.taken == {}
    assert [done.step for done in case.steps] == ["establish", "certify", "reclassify"]
    assert case.state == (UNVERIFIED if category in ("deceased", "unknown") else VERIFIED)
    assert case.next_step == CATEGORIES[category].steps[0].key


# ---- taken back

def back(case, key, role=Role.TOWNSHIP, why="录入有误", at="2021-09-20"):
    by = holder(role, case)
    with seeing_as(by, at) as now:
        undo(case, key, by, now, why)


@pytest.mark.parametrize(("words", "key", "given"), [
    ("Only the newest", "certify", {}),
    ("Only the newest", "settle", BY_CLERK),
    ("is not for", "resume", {"role": Role.TOWNSHIP}),
    ("few words", "resume", BY_CLERK | {"why": ""}),
])
def test_what_cannot_be_taken_back_stays(words, key, given):
    case = walk(a_case(category="uncertified"), until="resume")

    with refused(words):
        back(case, key, **given)


@pytest.mark.parametrize("key", ["settle", "review", "approve"])
def test_money_is_not_taken_back_step_by_step(key):
    case = walk(a_case(category="uncertified"), until=key)

    with refused("return the settlement"):
        back(case, key, case.way.step(key).by[0])


def test_a_step_taken_back_is_struck_and_has_to_be_taken_again():
    case = walk(a_case(category="deceased"), until="death")
    assert case.state == VERIFIED

    back(case, "death")

    struck = case.steps[-1]
    assert (struck.step, struck.undone_by, struck.undone_why) == ("death", "township-141122100", "录入有误")
    assert (case.state, case.next_step) == (UNVERIFIED, "death")
    assert [(m.kind, m.lost_at) for m in case.milestones] == [("verified", moment("2021-09-20"))]


def test_a_milestone_lost_and_reached_again_is_two():
    case = walk(a_case(category="deceased"), until="death", died_on="2021-02-03")
    back(case, "death", at="2021-09-20")
    walk(case, until="death", at="2021-09-21", died_on="2021-02-03")

    assert [(m.reached_at, m.lost_at) for m in case.milestones] == [
        (moment(None), moment("2021-09-20")), (moment("2021-09-21"), None)]


def test_a_cleared_case_taken_back_is_not_cleared():
    case = walk(a_case(category="duplicate", paused_from="2020-01"), handling="deregister", other_from="2019-10")
    assert case.state == CLEARED

    back(case, "deregister", Role.COUNTY_CLERK)

    assert (case.state, case.outcome, case.next_step) == (VERIFIED, None, "deregister")


# ---- a settlement given back

def returned(case, role, why="计算有误", at="2021-09-22"):
    by = holder(role, case)
    with seeing_as(by, at) as now:
        give_back(case, by, now, why)


@pytest.mark.parametrize(("until", "role", "state"), [
    ("settle", Role.COUNTY_REVIEWER, "returned"), ("settle", Role.COUNTY_CLERK, "returned"),
    ("review", Role.COUNTY_APPROVER, "returned"), ("review", Role.COUNTY_REVIEWER, "returned"),
    ("approve", Role.COUNTY_APPROVER, "reversed"),
])
def test_a_settlement_given_back_is_computed_anew(until, role, state, session):
    case = walk(a_case(category="uncertified"), until=until)
    first = ledger.standing(case)
    figures = first.back_pay, first.result

    returned(case, role)
    assert (first.state, first.ended_why, case.state, case.next_step) == (state, "计算有误", VERIFIED, "settle")
    assert ledger.standing(case) is None

    walk(case, at="2021-09-23")
    assert case.state == CLEARED
    assert ledger.standing(case).id != first.id
    assert (first.back_pay, first.result) == figures


@pytest.mark.parametrize(("words", "until", "role", "why"), [
    ("has no settlement", "resume", Role.COUNTY_CLERK, "x"),
    ("is returned by", "settle", Role.COUNTY_APPROVER, "x"),
    ("is returned by", "settle", Role.TOWNSHIP, "x"),
    ("is returned by", "review", Role.COUNTY_CLERK, "x"),
    ("is returned by", "approve", Role.COUNTY_CLERK, "x"),
    ("few words", "settle", Role.COUNTY_REVIEWER, " "),
])
def test_a_settlement_that_cannot_be_given_back_stays(words, until, role, why):
    case = walk(a_case(category="uncertified"), until=until)

    with refused(words):
        returned(case, role, why)


def test_a_settlement_is_not_given_back_over_later_steps():
    case = walk(a_case(category="duplicate"), handling="deregister", other_from="2019-10")

    with refused("Steps were taken after"):
        returned(case, Role.COUNTY_APPROVER)


def test_nothing_owed_is_given_back_by_the_clerk():
    case = walk(a_case(category="uncertified", paused_from="2021-07"), resumes="2021-07")
    assert case.state == CLEARED

    returned(case, Role.COUNTY_CLERK)

    assert (case.state, case.next_step) == (VERIFIED, "settle")


def test_a_person_without_benefits_is_not_settled():
    case = walk(a_case(category="uncertified", person=a_person("李大山", benefit=None)), until="resume")

    with refused("benefit record of 李大山 is missing"):
        take(case, "settle", Role.COUNTY_CLERK)
