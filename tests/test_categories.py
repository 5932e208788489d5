"""The category table: every way to every end, walked; what the table refuses to hold; a ninth category."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pytest
from factories import (
    TIANNING,
    a_case,
    an_upload,
    branches,
    established,
    holder,
    refused,
    seeing_as,
    step,
    walk,
)

from models import ledger, ranking
from models.case import CLEARED, UNVERIFIED, VERIFIED
from models.categories import CATEGORIES
from models.certificate import attach
from models.effects import EFFECTS
from models.entitlement import RULINGS
from models.formfacts import NOT_BEFORE
from models.months import Month
from models.steps import OUTCOME_TITLES, PROOF_TITLES, Category, Fact, Outcome, Proof, Step
from models.user import Role
from models.workflow import advance

pytestmark = pytest.mark.usefixtures("county")

POOR = {"account_balance": "100.00", "government_subsidy": "0.00"}
RESUMED, DEREGISTERED, SEALED, STAYS = (
    Outcome.RESUMED, Outcome.DEREGISTERED, Outcome.SEALED, Outcome.STAYS_SUSPENDED)


class Way(NamedTuple):
    """One branch: what the case is, which answers choose it, where it ends, and the steps that show it."""

    name: str
    category: str
    outcome: Outcome
    facts: dict
    through: tuple = ()
    past: tuple = ()
    case: dict = {}


SIGNED = ("settle", "review", "approve")
DIED_UNPAID = {"died_on": "2021-02-03"}
DIED_OVERPAID = {"died_on": "2019-06-15"}

WAYS = (
    Way("certified, sums owed", "uncertified", RESUMED, {}, ("certify", "resume", *SIGNED)),
    Way("certified, nothing owed", "uncertified", RESUMED, {"resumes": "2021-07"}, ("settle",), ("review", "approve"),
        {"paused_from": "2021-07"}),
    Way("employees' pension", "duplicate", DEREGISTERED,
        {"handling": "deregister", "other_kind": "employee", "other_from": "2019-01"}, (*SIGNED, "refund", "deregister"),
        ("resume",)),
    Way("residents' pension", "duplicate", DEREGISTERED,
        {"handling": "deregister", "other_kind": "resident", "other_from": "2019-10"}, (*SIGNED, "deregister"),
        ("refund", "resume")),
    Way("other pension ended", "duplicate", RESUMED,
        {"handling": "resume", "other_kind": "employee", "other_from": "2019-06", "other_to": "2021-03"},
        ("resume", *SIGNED, "refund"), ("deregister",)),
    Way("serving", "imprisoned", STAYS, {"serving": "yes", "custody_from": "2019-12-30"}, ("custody", "acknowledge"),
        ("release", "resume", "settle", "refund")),
    Way("released, sentenced", "imprisoned", RESUMED,
        {"serving": "no", "outcome": "sentenced", "custody_from": "2019-05-10", "released_on": "2021-08-15"},
        ("release", "resume", *SIGNED, "refund")),
    Way("released, acquitted", "imprisoned", RESUMED,
        {"serving": "no", "outcome": "acquitted", "custody_from": "2019-05-10", "released_on": "2021-08-15"},
        ("release", "resume", *SIGNED), ("refund",)),
    Way("family reached, owed", "deceased", DEREGISTERED, {"family": "reached"} | DIED_UNPAID,
        (*SIGNED, "deregister"), ("refund", "statement", "village_deregister", "seal")),
    Way("family reached, overpaid", "deceased", DEREGISTERED, {"family": "reached"} | DIED_OVERPAID,
        (*SIGNED, "refund", "deregister"), ("statement", "village_deregister", "seal"), POOR),
    Way("family unreachable, owed", "deceased", SEALED, {"family": "unreachable"} | DIED_UNPAID,
        ("statement", *SIGNED, "village_deregister", "seal"), ("refund", "deregister", "claim", "release_account")),
    Way("family unreachable, overpaid but covered", "deceased", SEALED, {"family": "unreachable"} | DIED_OVERPAID,
        ("statement", *SIGNED, "seal"), ("refund", "deregister")),
    Way("family unreachable, overpaid and uncovered", "deceased", SEALED, {"family": "unreachable"} | DIED_OVERPAID,
        ("statement", *SIGNED, "refund", "village_deregister", "seal"), ("deregister",), POOR),
    Way("two seals", "deceased", DEREGISTERED, {"source": "two_seals", "family": "reached"} | DIED_UNPAID, ("death",)),
    Way("impostor, true person alive", "impostor", RESUMED,
        {"alive": "yes", "impostor_from": "2019-03", "impostor_to": "2019-12"},
        ("certify", "resume", *SIGNED, "refund"), ("deregister",)),
    Way("impostor, true person dead", "impostor", DEREGISTERED,
        {"alive": "no", "died_on": "2019-01-20", "impostor_from": "2019-02", "impostor_to": "2019-12"},
        (*SIGNED, "refund", "deregister"), ("certify", "resume")),
    Way("card made", "no_card", RESUMED, {}, ("card", "report_card", "resume", *SIGNED)),
    Way("this identity cancelled", "dual_household", DEREGISTERED,
        {"cancelled": "this", "other_from": "2018-01"}, (*SIGNED, "refund", "deregister"), ("resume",)),
    Way("other identity cancelled", "dual_household", RESUMED, {"cancelled": "other"}, ("resume", *SIGNED),
        ("refund", "deregister")),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.category}: {way.name}")
def test_every_way_leads_to_its_end(way):
    case = walk(a_case(category=way.category, **way.case), **way.facts)

    assert (case.state, case.outcome, case.next_step) == (CLEARED, way.outcome, None)
    assert set(way.through) <= set(case.taken)
    assert not set(way.past) & set(case.taken)
    assert [(m.kind, m.outcome, m.lost_at) for m in case.milestones] == [
        ("verified", None, None), ("cleared", way.outcome, None)]


@pytest.mark.parametrize(("category", "branch"), [
    pytest.param(key, branch, id="-".join([key, *branch.values()]))
    for key, way in CATEGORIES.items() if not way.transitional for branch in branches(key)])
def test_every_combination_of_answers_has_an_end(category, branch):
    # Nothing but the table chose these: an entry added to it is walked here unasked.
    dated = {"other_from": "2020-06", "other_to": "2021-06"} if branch.get("handling") == "resume" else {}
    case = walk(a_case(category=category), **branch, **dated)

    assert case.state == CLEARED
    assert case.outcome in OUTCOME_TITLES


def test_the_ways_cover_the_table():
    assert {way.category for way in WAYS} == {key for key, entry in CATEGORIES.items() if not entry.transitional}
    for key, entry in CATEGORIES.items():
        seen = {name for way in WAYS if way.category == key for name in way.through}
        missing = {s.key for s in entry.steps if not s.later and not entry.transitional} - seen
        assert missing <= {"death", "family", "other_pension", "contact", "decide", "impostor", "letter", "answer",
                           "custody"}, key


# ---- what the table is made of

def a_step(key="one", **parts):
    return Step(key, key.title(), (Role.TOWNSHIP,), **parts)


def a_category(steps=None, **parts):
    return Category("ninth", "Never applied", "未申领", "三（三）", steps=steps or (a_step(),),
                    **{"outcomes": (({}, Outcome.RESUMED),)} | parts)


YES = (("yes", "Yes"), ("no", "No"))


@pytest.mark.parametrize("parts", [
    pytest.param({"steps": (a_step(), a_step())}, id="a step twice"),
    pytest.param({"verified_by": ("two",)}, id="verified by an unknown step"),
    pytest.param({"steps": (a_step(when={"family": ("reached",)}),)}, id="a condition on a fact nobody asks"),
    pytest.param({"steps": (a_step(when={"late": ("yes",)}), a_step("two", facts=(Fact("late", "Late", "choice", YES),)))},
                 id="a condition on a fact asked later"),
    pytest.param({"steps": (a_step(needed={"family": ("reached",)}),)}, id="needed by a fact nobody asks"),
    pytest.param({"steps": (a_step(proofs_when={"family": ("reached",)}),)}, id="proofs by a fact nobody asks"),
    pytest.param({"outcomes": ()}, id="no end"),
    pytest.param({"outcomes": (({"family": ("reached",)}, Outcome.SEALED), ({}, Outcome.RESUMED))},
                 id="an end by a fact nobody asks"),
    pytest.param({"settled_as": "uncertified"}, id="settled without a step that settles"),
    pytest.param({"steps": (a_step("settle", effect="settle"),)}, id="a settlement of no kind"),
    pytest.param({"settled_with": ("certified_on",)}, id="settled with a fact nobody asks"),
    pytest.param({"steps": (Step("one", "One", ()),)}, id="a step for nobody"),
])
def test_the_table_refuses_a_malformed_category(parts):
    with pytest.raises(AssertionError):
        a_category(**parts)


def test_a_wellformed_category_is_taken():
    assert a_category().step("one").title == "One"


@pytest.mark.parametrize("parts", [
    pytest.param({"kind": "number"}, id="unknown kind"),
    pytest.param({"kind": "choice"}, id="a choice of nothing"),
    pytest.param({"kind": "text", "choices": YES}, id="choices of a text"),
])
def test_the_table_refuses_a_malformed_fact(parts):
    with pytest.raises(AssertionError):
        Fact("one", "One", **parts)


@pytest.mark.parametrize("entry", CATEGORIES.values(), ids=lambda entry: entry.key)
def test_what_the_table_names_exists(entry):
    assert {part.effect for part in entry.steps} <= set(EFFECTS)
    assert {proof for part in entry.steps for group in part.proofs for proof in group} <= set(PROOF_TITLES)
    assert entry.settled_as is None or set(entry.settled_with) == {f.name for f in RULINGS[entry.settled_as].facts}
    assert all(len(key) <= 20 for key in (entry.key, *(outcome for _, outcome in entry.outcomes)))
    assert all(len(part.key) <= 24 for part in entry.steps)


def test_spans_speak_of_facts_that_are_asked():
    asked = {fact.key for entry in CATEGORIES.values() for part in entry.steps for fact in part.facts}

    assert set(NOT_BEFORE) | set(NOT_BEFORE.values()) <= asked


def test_the_plan_has_eight_categories_in_its_order():
    assert [entry.article for entry in CATEGORIES.values()] == [f"三（三）{n}" for n in range(1, 9)]


# ---- a ninth category is one entry

@pytest.fixture
def ninth(monkeypatch):
    entry = a_category((
        a_step("visit", facts=(Fact("visited_on", "Visited on", "date"),), proofs=((Proof.OTHER,),)),
        Step("apply", "Apply", (Role.COUNTY_CLERK,), facts=(Fact("applied", "Applied", "choice", YES),)),
        Step("file", "File", (Role.COUNTY_CLERK,), when={"applied": ("yes",)})))
    monkeypatch.setitem(CATEGORIES, "ninth", entry)
    return entry


@pytest.mark.parametrize(("applied", "steps"), [("yes", ["visit", "apply", "file"]), ("no", ["visit", "apply"])])
def test_a_ninth_category_is_established_walked_and_counted(county, ninth, applied, steps):
    case = walk(established(a_case(), "ninth"), applied=applied)
    row = next(row for row in ranking.standings(county.campaign, date(2021, 9, 19))["rows"] if row["code"] == TIANNING)

    assert (case.category, list(case.taken), case.state) == ("ninth", steps, CLEARED)
    assert (row["stock"], row["verified"], row["cleared"]) == (1, 1, 1)


# ---- unknown, deceased, sealing, imprisoned

def test_unknown_is_never_verified_or_cleared():
    case = a_case()

    assert (case.state, case.next_step, case.outcome, case.milestones) == (UNVERIFIED, "establish", None, [])


@pytest.mark.parametrize("category", [key for key, entry in CATEGORIES.items() if not entry.transitional])
def test_a_reason_found_is_verified_but_for_a_death_without_its_date(category):
    case = a_case(category=category)

    assert case.state == (UNVERIFIED if category == "deceased" else VERIFIED)
    assert [m.kind for m in case.milestones] == ([] if category == "deceased" else ["verified"])


def test_nobody_establishes_that_the_reason_is_unknown():
    case = a_case()

    with refused("not one of"):
        established(case, "unknown")


def test_deceased_is_verified_with_the_date_and_its_source():
    case = step(a_case(category="deceased"), "death", died_on="2021-02-03")

    assert case.state == VERIFIED
    assert (case.certificates[0].kind, case.certificates[0].stated_on) == (Proof.HOUSEHOLD_CANCELLATION, date(2021, 2, 3))


@pytest.mark.parametrize(("seals", "lacking"), [("village", "township's seal"), ("township", "village's seal")])
def test_a_death_certificate_needs_both_seals(seals, lacking):
    case = a_case(category="deceased")

    with refused(lacking):
        step(case, "death", source="two_seals", seals=seals)
    assert case.state == UNVERIFIED
    assert step(case, "death", source="two_seals", seals="both").state == VERIFIED
    assert case.certificates[0].seals == "both"


@pytest.mark.parametrize(("seals", "lacking"), [("village", "township's seal"), ("township", "village's seal")])
def test_the_statement_on_an_unreachable_family_needs_both_seals(seals, lacking):
    case = walk(a_case(category="deceased"), until="family", family="unreachable", died_on="2021-02-03")

    with refused(lacking):
        step(case, "statement", statement_seals=seals)
    assert "statement" in step(case, "statement", statement_seals="both").taken


@pytest.mark.parametrize("facts", [{"died_on": "2021-02-03"}, {"source": "two_seals", "died_on": None}, {"source": None}])
def test_a_death_without_date_or_source_or_seals_is_refused(facts):
    case = a_case(category="deceased")

    with refused("missing"):
        step(case, "death", uploads=[an_upload(Proof.DEATH_CERTIFICATE)],
             **{"source": "two_seals", "seals": None} | facts)


def test_the_household_cancellation_prevails(county):
    case = a_case(category="deceased")
    with seeing_as(county.clerk) as now:
        attach(case, an_upload(Proof.HOUSEHOLD_CANCELLATION), "county_clerk", now)

        with refused("prevails"):
            step(case, "death", source="two_seals", uploads=[an_upload(Proof.DEATH_CERTIFICATE)])
    assert step(case, "death", source="household_cancellation").state == VERIFIED


def test_the_certificate_named_as_the_source_must_be_at_hand():
    case = a_case(category="deceased")

    with refused("not at hand"):
        step(case, "death", source="household_cancellation", uploads=[an_upload(Proof.DEATH_CERTIFICATE)])


def test_the_date_is_the_one_on_the_certificate(county):
    case = a_case(category="deceased")
    with seeing_as(county.clerk) as now:
        attach(case, an_upload(Proof.HOUSEHOLD_CANCELLATION), "county_clerk", now).stated_on = date(2021, 2, 3)

        with refused("states 2021-02-03"):
            step(case, "death", died_on="2021-02-04")
    assert step(case, "death", died_on="2021-02-03").state == VERIFIED


def test_sealing_waits_until_the_overpayment_is_covered():
    case = walk(a_case(category="deceased", **POOR), until="approve", family="unreachable", **DIED_OVERPAID)
    open_sum = ledger.standing(case).uncovered

    assert open_sum > 0
    with refused("cannot be sealed: .* yuan of overpayment"):
        step(case, "seal")
    step(case, "refund")
    assert ledger.standing(case).uncovered == 0
    assert walk(case).outcome == SEALED


def test_a_claim_after_sealing_does_not_open_the_case_again():
    case = walk(a_case(category="deceased"), family="unreachable", **DIED_UNPAID)
    before = [(m.kind, m.reached_at) for m in case.milestones]

    walk(case, until="release_account", at="2021-12-01")

    assert {"claim", "release_account"} <= set(case.taken)
    assert (case.state, case.outcome) == (CLEARED, SEALED)
    assert [(m.kind, m.reached_at) for m in case.milestones] == before


def test_an_account_is_not_released_before_somebody_claims_it():
    case = walk(a_case(category="deceased"), family="unreachable", **DIED_UNPAID)

    with refused("not possible yet"):
        step(case, "release_account")


def test_a_prisoner_still_serving_is_handled_and_may_be_released_later(county):
    case = walk(a_case(category="imprisoned"), serving="yes", custody_from="2019-12-30")

    step(case, "release", "2022-03-05", released_on="2022-03-01")

    assert case.facts["released_on"] == "2022-03-01"


def test_a_settlement_of_nobody_is_signed_by_three_posts():
    case = walk(a_case(category="uncertified"))
    settlement = ledger.standing(case)

    assert (settlement.submitted_by, settlement.reviewed_by, settlement.approved_by) == (
        "county_clerk", "county_reviewer", "county_approver")
    assert settlement.as_of == Month(2021, 9)


def test_an_upload_of_the_wrong_kind_proves_nothing(county):
    case = a_case(category="duplicate")

    with refused("still lacks"):
        step(case, "other_pension", uploads=[an_upload(Proof.OTHER)])


def test_a_proof_at_hand_is_not_asked_again(county, session):
    case = a_case(category="duplicate")
    with seeing_as(county.clerk) as now:
        attach(case, an_upload(Proof.OTHER_PENSION), "county_clerk", now)
        session.commit()

    assert "other_pension" in step(case, "other_pension", uploads=[]).taken


def test_the_same_file_of_the_same_kind_is_kept_once(county, session):
    case, upload = a_case(), an_upload(Proof.OTHER, 1)
    with seeing_as(county.clerk) as now:
        first = attach(case, upload, "county_clerk", now)
        session.commit()

        assert attach(case, upload, "county_clerk", now) is first


def test_advance_is_what_the_walker_takes(county, session):
    # The walker is only a caller: a step taken by hand is the same step.
    case = a_case(category="no_card")
    by = holder(Role.TOWNSHIP, case)
    with seeing_as(by) as now:
        done = advance(case, "card", by, now, facts={"card_bound_on": "2021-09-01"})
        session.commit()

    assert (done.step, done.recorded_by, done.facts) == ("card", "township-141122100", {"card_bound_on": "2021-09-01"})


def test_a_prisoner_released_after_the_end_stays_cleared_and_waits_to_be_paid_again(county):
    case = walk(a_case(category="imprisoned"), serving="yes", custody_from="2020-02-01")
    assert (case.state, case.outcome, case.next_step) == ("cleared", "stays_suspended", None)

    step(case, "release", released_on="2021-09-10", outcome="sentenced")
    assert (case.state, case.next_step) == ("cleared", "resume")

    walk(case, until="approve", resumes="2021-10")
    assert (case.state, case.outcome) == ("cleared", "resumed")


def test_a_claim_after_sealing_waits_to_be_answered(county):
    case = walk(a_case(category="deceased"), family="unreachable")

    step(case, "claim")

    assert (case.state, case.outcome, case.next_step) == ("cleared", "sealed", "release_account")
