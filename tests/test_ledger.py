"""Settlements as signed: three different people, figures that stay, rates kept with each line."""

from __future__ import annotations

from datetime import date

import pytest
from factories import a_case, a_person, a_user, arranging, moment, moved_to, refused, seeing_as, step, walk
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import ledger
from models.ledger import APPROVED, NOTHING_OWED, REVIEWED, SUBMITTED, PublishedRate, Receipt
from models.money import yuan
from models.months import Month
from models.rates import shipped_rates

pytestmark = pytest.mark.usefixtures("county")

UNCOVERED = {"account_balance": "100.00", "government_subsidy": "0.00"}


@pytest.fixture
def submitted():
    return walk(a_case(category="uncertified"), until="settle")


def test_the_hand_checked_sum_of_the_contract(county, session):
    case = a_case(category="uncertified", person=a_person(account_pension="0.00", account_balance="0.00",
                                                          government_subsidy="0.00"))
    with arranging():
        for row in session.scalars(select(PublishedRate).where(PublishedRate.item != "basic")):
            session.delete(row)
        session.flush()
        for item, begins, amount, age in (("age", "2018-01", 500, 65), ("supplement", "2021-01", 2000, 65),
                                          ("supplement", "2021-01", 3000, 80)):
            session.add(PublishedRate(item=item, from_month=Month.parse(begins), amount=amount, min_age=age, basis="合同"))
    walk(case, resumes="2021-10", certified_on="2021-09-19")

    settlement = ledger.standing(case)
    assert yuan(settlement.back_pay) == "2523.00"
    assert (settlement.recover, settlement.still_to_refund, settlement.refund_to_person) == (0, 0, 252300)


def test_every_line_keeps_its_rate_and_basis(submitted):
    lines = ledger.standing(submitted).lines
    basis = {rate.from_month: rate.basis for rate in shipped_rates() if rate.item == "basic"}
    basic = {line.month: line for line in lines if line.item == "basic"}

    assert sum(line.difference for line in lines) == ledger.standing(submitted).back_pay
    assert (basic[Month(2020, 6)].entitled, basic[Month(2020, 6)].basis) == (10300, basis[Month(2018, 1)])
    assert (basic[Month(2020, 7)].entitled, basic[Month(2020, 7)].basis) == (10800, basis[Month(2020, 7)])
    assert all(line.basis for line in lines)


def test_a_rate_changed_later_leaves_signed_figures_alone(submitted, session):
    settlement = ledger.standing(submitted)
    before = settlement.back_pay, [(line.entitled, line.basis) for line in settlement.lines]
    with arranging():
        for rate in session.scalars(select(PublishedRate)):
            rate.amount, rate.basis = rate.amount + 100, "改"
    session.expire_all()

    assert (settlement.back_pay, [(line.entitled, line.basis) for line in settlement.lines]) == before


@pytest.mark.parametrize("column", ["back_pay", "recover", "offset", "still_to_refund", "refund_to_person", "facts",
                                    "result", "as_of", "submitted_by", "submitted_at"])
def test_a_submitted_figure_is_never_edited(submitted, county, session, column):
    settlement = ledger.standing(submitted)
    other = {"facts": {}, "result": {}, "as_of": Month(2021, 8), "submitted_by": "somebody",
             "submitted_at": moment("2021-01-01")}
    with seeing_as(county.clerk):
        setattr(settlement, column, other.get(column, 1))
        with pytest.raises(DBAPIError, match="never changed"):
            session.commit()
        session.rollback()


def test_a_line_is_never_edited(submitted, county, session):
    with seeing_as(county.clerk):
        ledger.standing(submitted).lines[0].paid = 1
        with pytest.raises(DBAPIError, match="never changed"):
            session.commit()
        session.rollback()


# ---- three different people

def test_whoever_computed_does_not_review(submitted, session):
    with refused("cannot review it"):
        ledger.review(submitted, "county_clerk", moment(None))


@pytest.mark.parametrize("by", ["county_clerk", "county_reviewer"])
def test_whoever_computed_or_reviewed_does_not_approve(by):
    case = walk(a_case(category="uncertified"), until="review")

    with refused("a third person has to"):
        ledger.approve(case, by, moment(None))


@pytest.mark.parametrize(("role", "key", "until"), [
    ("county_reviewer", "review", "settle"), ("county_approver", "approve", "review")])
def test_a_clerk_who_changed_posts_still_does_not_sign(county, session, role, key, until):
    """The post allows it; the person does not."""
    case = walk(a_case(category="uncertified"), until=until)
    with arranging():
        clerk = county.clerk
        moved_to(clerk, role)

    with refused("Whoever computed"):
        step(case, key, by=clerk)


def test_nothing_is_approved_before_its_review(submitted):
    with refused("has not been reviewed"):
        ledger.approve(submitted, "county_approver", moment(None))


@pytest.mark.parametrize("until", ["review", "approve"])
def test_nothing_is_reviewed_twice(until):
    case = walk(a_case(category="uncertified"), until=until)

    with refused("does not wait for review"):
        ledger.review(case, "reviewer-2", moment(None))


@pytest.mark.parametrize("signatures", [
    "reviewed_by = submitted_by",
    "reviewed_by = 'county_reviewer', approved_by = submitted_by",
    "reviewed_by = 'county_reviewer', approved_by = 'county_reviewer'",
    "approved_by = 'county_approver'",
    "state = 'reviewed'",
    "state = 'approved'",
    "state = 'approved', reviewed_by = 'county_reviewer'",
    "state = 'approved', approved_by = 'county_approver'",
])
def test_the_database_knows_it_too(submitted, session, signatures):
    with pytest.raises(IntegrityError):
        session.execute(text(f"UPDATE settlement SET {signatures}"))
    session.rollback()


def test_the_database_takes_three_names(submitted, session):
    session.execute(text("UPDATE settlement SET reviewed_by = 'county_reviewer', approved_by = 'county_approver', "
                         "state = 'approved'"))

    assert session.scalar(select(ledger.Settlement.state)) == APPROVED
    session.rollback()


@pytest.mark.parametrize(("until", "state"), [("settle", SUBMITTED), ("review", REVIEWED), ("approve", APPROVED)])
def test_each_signature_moves_it_on(until, state):
    case = walk(a_case(category="uncertified"), until=until)

    assert ledger.standing(case).state == state


# ---- sums

def test_nothing_owed_needs_no_signature():
    case = walk(a_case(category="uncertified", paused_from="2021-07"), until="settle", resumes="2021-07")

    settlement = ledger.standing(case)
    assert (settlement.state, settlement.lines, settlement.reviewed_by) == (NOTHING_OWED, [], None)
    assert case.state == "cleared"


def test_a_case_is_settled_once(submitted, session):
    with refused("already has a settlement"):
        ledger.compute(submitted, submitted.facts, "county_clerk", moment(None), Month(2021, 9))


def test_what_is_missing_is_named():
    case = a_case(category="uncertified", person=a_person("李大山", benefit=None))

    with refused("The benefit record of 李大山 is missing"):
        ledger.compute(case, {"certified_on": "2021-09-18"}, "county_clerk", moment(None), Month(2021, 9))


def test_a_rate_that_is_missing_is_refused_never_zero(session):
    case = walk(a_case(category="uncertified"), until="resume")
    with arranging():
        for rate in session.scalars(select(PublishedRate).where(PublishedRate.item == "basic")):
            session.delete(rate)

    with refused("no rate of “basic”"):
        step(case, "settle")


def test_what_cannot_be_settled_leaves_no_settlement():
    case = walk(a_case(category="uncertified", basic_from="2021-09"), until="resume")

    with refused("when the pension began"):
        step(case, "settle")
    assert case.settlements == []


@pytest.mark.parametrize(("more", "resumes", "why"), [
    ({"other_from": "2019-06"}, "2021-10", "leaves no entitlement"),
    ({"other_from": "2019-06", "other_to": "2021-03"}, "2021-03", "leaves no entitlement"),
    ({"other_from": "2019-06", "other_to": "2019-07"}, "2019-12", "before the suspension"),
])
def test_payment_is_not_resumed_in_a_month_that_could_not_be_settled(more, resumes, why):
    case = walk(a_case(category="duplicate"), until="decide", handling="resume", **more)

    with refused(why):
        step(case, "resume", resumes=resumes)
    assert "resume" not in case.taken


# ---- refunds

@pytest.fixture
def overpaid():
    return walk(a_case(category="deceased", **UNCOVERED), until="approve", family="reached", died_on="2019-06-15")


@pytest.mark.parametrize("more", [-1, 1, 10000])
def test_a_refund_covers_what_is_open_exactly(overpaid, more):
    amount = ledger.standing(overpaid).uncovered + more

    with refused("are to be refunded, not"):
        step(overpaid, "refund", refunded=yuan(amount))


def test_a_refund_is_kept_with_its_voucher(overpaid):
    step(overpaid, "refund", "2021-09-25", voucher_no="晋财0071", refunded_on="2021-09-24")

    receipt, = ledger.standing(overpaid).receipts
    assert (receipt.voucher_no, receipt.received_on, receipt.recorded_by) == ("晋财0071", date(2021, 9, 24), "county_clerk")
    assert ledger.standing(overpaid).uncovered == 0


def test_a_receipt_is_never_edited(overpaid, county, session):
    step(overpaid, "refund")
    with seeing_as(county.clerk):
        session.scalars(select(Receipt)).one().amount += 1
        with pytest.raises(DBAPIError, match="never changed"):
            session.commit()
        session.rollback()


def test_a_receipt_of_nothing_is_refused(overpaid, county, session):
    with seeing_as(county.clerk) as now:
        session.add(Receipt(settlement=ledger.standing(overpaid), amount=0, received_on=date(2021, 9, 19),
                            voucher_no="1", recorded_by="county_clerk", recorded_at=now))
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()


def test_refunded_money_is_not_reversed(overpaid):
    step(overpaid, "refund")

    with refused("already refunded"):
        ledger.end(ledger.standing(overpaid), "county_approver", moment(None), "x")


@pytest.mark.parametrize(("facts", "account"), [
    ({"item": "account"}, "the person's own money has no rate"), ({"amount": -1}, "below zero"),
    ({"item": "basic", "from_month": Month(2020, 7), "min_age": 0}, "the same rate twice")])
def test_the_database_refuses_a_rate_that_cannot_be(county, session, facts, account):
    with seeing_as(county.clerk):
        session.add(PublishedRate(**{"item": "age", "from_month": Month(2031, 1), "amount": 1, "min_age": 0,
                                     "basis": account} | facts))
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()


def test_rates_in_force_are_the_published_ones():
    published = {(rate.item, str(rate.from_month), yuan(rate.amount), rate.min_age or None) for rate in shipped_rates()}

    assert {(r["item"], r["from"], r["amount"], r["min_age"]) for r in ledger.rates_in_force()} == published


def test_an_earlier_classification_leaves_no_settlement_standing(session):
    case = walk(a_case(category="uncertified"), until="settle")
    case.round += 1

    assert ledger.standing(case) is None
    session.rollback()


def test_users_of_two_posts_are_two_names(session):
    # The signatures are user names; the database holds each name once.
    with arranging():
        a_user("county_reviewer", username="county_reviewer-2")
    with pytest.raises(IntegrityError), arranging():
        a_user("county_approver", username="county_reviewer-2")
    session.rollback()
