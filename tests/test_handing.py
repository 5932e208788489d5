"""Handing out the list: once, to every township and on to its villages, each with its receipt."""

from __future__ import annotations

import pytest
from factories import TIANNING, XIAJIAYING, a_case, an_upload, arranging, moment, refused, seeing_as
from sqlalchemy import select

from models.campaign import Campaign, Handout, Preparation
from models.handing import confirm_receipt, hand_on, hand_out, prepare
from models.words import Refusal

HERE, NEXT, THERE = "141122100001", "141122100002", "141122101200"


@pytest.fixture
def handed(county, session) -> list[Handout]:
    for village in (HERE, HERE, NEXT, THERE):
        a_case(village)
    with arranging("2021-09-18 12:00") as now:
        return hand_out(county.campaign, "county_clerk", now)


def test_every_township_gets_its_list(county, handed):
    assert {handout.area_code: handout.people for handout in handed} == {
        code: {TIANNING: 3, XIAJIAYING: 1}.get(code, 0) for code in county.townships}
    assert county.campaign.handed_out_at == moment("2021-09-18 12:00")


def test_the_stock_and_its_township_are_frozen(county, session):
    before, at_cut_off = a_case(HERE, "2021-07"), a_case(HERE, "2021-08")
    with arranging() as now:
        hand_out(county.campaign, "county_clerk", now)
    with arranging():
        before.area_code = THERE

    assert (before.stock_township, before.is_stock) == (TIANNING, True)
    assert (at_cut_off.stock_township, at_cut_off.is_stock) == (None, False)


def test_the_list_is_handed_out_once(county, handed):
    with arranging() as now, refused("already handed out"):
        hand_out(county.campaign, "county_clerk", now)


def test_an_empty_list_is_not_handed_out(county):
    with arranging() as now, refused("nobody on the list"):
        hand_out(county.campaign, "county_clerk", now)


def test_a_township_does_not_hand_out(county, session):
    a_case(HERE)
    with seeing_as(county.township()) as now:
        with pytest.raises(Refusal, match="another area"):
            hand_out(county.campaign, "township", now)
        session.rollback()


def receive(county, session, township: str = TIANNING) -> Handout:
    with seeing_as(county.township(township), "2021-09-19 09:00") as now:
        handout = session.scalars(select(Handout).where(Handout.area_code == township)).one()
        confirm_receipt(handout, " 王镇长 ", now)
        session.commit()
        return handout


def test_a_receipt_keeps_the_person_and_the_moment(county, session, handed):
    handout = receive(county, session)

    assert (handout.received_by, handout.received_at) == ("王镇长", moment("2021-09-19 09:00"))


def test_a_receipt_is_given_once_and_by_name(county, session, handed):
    with seeing_as(county.township()) as now:
        handout = session.scalars(select(Handout)).one()
        with refused("Give the person's name"):
            confirm_receipt(handout, "  ", now)
    receive(county, session)
    with seeing_as(county.township()) as now, refused("王镇长 already confirmed"):
        confirm_receipt(handout, "李镇长", now)


def test_a_township_hands_on_to_villages_with_people(county, session, handed):
    receive(county, session)
    with seeing_as(county.township()) as now:
        new = hand_on(county.campaign, TIANNING, "township", now)
        session.commit()

    assert {handout.area_code: handout.people for handout in new} == {HERE: 2, NEXT: 1}


def test_a_later_addition_is_handed_to_its_village_too(county, session, handed):
    receive(county, session)
    with seeing_as(county.township()) as now:
        hand_on(county.campaign, TIANNING, "township", now)
        session.commit()
    a_case("141122100003", at="2021-09-20")
    with seeing_as(county.township(), "2021-09-21") as now:
        assert [h.area_code for h in hand_on(county.campaign, TIANNING, "township", now)] == ["141122100003"]
        session.commit()


def test_before_the_hand_out_nothing_is_handed_on(county, session):
    a_case(HERE)
    with seeing_as(county.township()) as now, refused("not handed out the list yet"):
        hand_on(county.campaign, TIANNING, "township", now)


def test_before_the_receipt_nothing_is_handed_on(county, session, handed):
    with seeing_as(county.township()) as now, refused("Confirm the receipt"):
        hand_on(county.campaign, TIANNING, "township", now)


def test_nothing_is_handed_on_twice(county, session, handed):
    receive(county, session)
    with seeing_as(county.township()) as now:
        hand_on(county.campaign, TIANNING, "township", now)
        session.commit()
        with refused("has it already"):
            hand_on(county.campaign, TIANNING, "township", now)


def test_a_township_records_its_group_and_plan_and_may_record_them_anew(county, session):
    for leader in ("王镇长", "李镇长"):
        with seeing_as(county.township()) as now:
            prepare(county.campaign, TIANNING, leader, "赵、钱、孙", an_upload("plan"), "township", now)
            session.commit()

    found, = session.scalars(select(Preparation))
    assert (found.leader, found.plan_name[:4], found.area_code) == ("李镇长", "plan", TIANNING)


@pytest.mark.parametrize(("leader", "members"), [("", "赵"), ("王", " ")])
def test_a_group_without_a_head_or_members_is_refused(county, session, leader, members):
    with seeing_as(county.township()) as now, refused("leading group"):
        prepare(county.campaign, TIANNING, leader, members, an_upload("plan"), "township", now)


def test_a_township_does_not_prepare_for_another(county, session):
    with seeing_as(county.township()) as now:
        with pytest.raises(Refusal, match="another area"):
            prepare(county.campaign, XIAJIAYING, "王", "赵", an_upload("plan"), "township", now)
        session.rollback()


def test_there_is_one_campaign_of_the_plan(county, session):
    campaign, = session.scalars(select(Campaign))

    assert (campaign.document_no, str(campaign.cutoff), campaign.verify_by.isoformat(), campaign.clear_by.isoformat()) == (
        "交人社字〔2021〕82号", "2021-08", "2021-09-20", "2021-10-31")
