"""A case rebuilt from its part of the trail is the case: after random ways, by every category and branch."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta

import factories
import pytest
from factories import (
    a_case,
    an_upload,
    arranging,
    branches,
    holder,
    seeing_as,
    step,
    walk,
)
from sqlalchemy import text
from tally import tell

from models import workflow
from models.audit import AuditEntry
from models.base import db
from models.benefits import enter_benefit
from models.categories import CATEGORIES
from models.certificate import attach
from models.months import Month
from models.papers import order_documents
from models.replay import differences, of_case, present
from models.roster import correct
from models.scope import everything
from models.user import Role
from models.words import Refusal
from models.workflow import NOW, plan

WALKS = int(os.environ.get("PORTAL_REPLAYS", "60"))
DEEDS = 12


def categories():
    return [key for key, way in CATEGORIES.items() if not way.transitional]


def a_step(case, dice):
    ahead = [state.step for state in plan(case) if state.state == NOW]
    if not ahead:
        raise Refusal("nothing is left to do")
    chosen = dice.choice(ahead)
    choices = {fact.key: dice.choice(fact.options())[0] for fact in chosen.facts if fact.kind == "choice" and not fact.when}
    step(case, chosen.key, **choices)


def a_reclassification(case, dice):
    with seeing_as(holder(Role.COUNTY_CLERK, case)) as now:
        workflow.reclassify(case, dice.choice(categories()), holder(Role.COUNTY_CLERK, case), now, "核实后改")
        db.session.commit()


def an_undoing(case, dice):
    key = list(case.taken)[-1] if case.taken else "establish"
    by = holder(dice.choice([Role.TOWNSHIP, Role.COUNTY_CLERK]), case)
    with seeing_as(by) as now:
        workflow.undo(case, key, by, now, "登记有误")
        db.session.commit()


def a_return(case, dice):
    by = holder(dice.choice([Role.COUNTY_CLERK, Role.COUNTY_APPROVER]), case)
    with seeing_as(by) as now:
        workflow.give_back(case, by, now, "金额有误")
        db.session.commit()


def a_correction(case, dice):
    with seeing_as(holder(Role.COUNTY_CLERK, case)):
        correct(case, name=dice.choice(["王秀英", "王秀荣"]), phone=dice.choice(["", "13900001234"]),
                area_code=dice.choice([None, "141122100201", "141122101201"]))
        db.session.commit()


def some_material(case, dice):
    with seeing_as(holder(Role.COUNTY_CLERK, case)) as now:
        attach(case, an_upload("other"), "county_clerk", now)
        db.session.commit()


def a_paper(case, dice):
    with seeing_as(holder(Role.COUNTY_CLERK, case)) as now:
        order_documents([case], dice.choice(case.way.notices or ["certification"]), holder(Role.COUNTY_CLERK, case), now)
        db.session.commit()


def a_benefit_record(case, dice):
    with seeing_as(holder(Role.COUNTY_CLERK, case)):
        enter_benefit(case.person, "county_clerk", basic_from=Month.parse("2010-04"), supplement_from=None, years_paid=0,
                      account_pension=1000, account_balance=dice.choice([0, 500000]), government_subsidy=0,
                      supplement_account_pension=0, supplement_account_balance=0)
        db.session.commit()


WAYS = [a_step] * 6 + [a_reclassification, an_undoing, a_return, a_correction, some_material, a_paper, a_benefit_record]


def test_a_case_is_rebuilt_after_any_way_through_the_work(county):
    deeds, refusals, rows = 0, 0, 0
    for seed in range(WALKS):
        dice = random.Random(seed)
        if seed % 100 == 0:
            factories.start_over()  # so many people need other birth dates
        case = a_case(category=dice.choice(categories()) if dice.random() < 0.8 else None,
                      born=date(1940, 1, 1) + timedelta(days=seed // 100))
        for _ in range(dice.randrange(DEEDS)):
            try:
                dice.choice(WAYS)(case, dice)
                deeds += 1
            except Refusal:
                db.session.rollback()
                refusals += 1
        with everything("test"):
            assert differences(case) == [], seed
            rows += len(present(case))

    assert deeds > 2 * WALKS
    tell(f"{WALKS} cases rebuilt from the trail, {deeds} acts, {refusals} refused, {rows} rows")


@pytest.mark.parametrize("category", categories())
def test_a_case_of_every_branch_is_rebuilt(county, category):
    for branch in branches(category):
        case = a_case(category=category, account_balance="9000.00", government_subsidy="0.00")
        try:
            walk(case, **branch)
        except Refusal:
            db.session.rollback()
        with everything("test"):
            assert differences(case) == [], branch


def test_a_change_that_no_act_tells_of_is_seen(county, session):
    case = walk(a_case(category="no_card"))
    key = case.id
    with arranging():
        session.execute(text("UPDATE pension_case SET remark = '悄悄改' WHERE id = :id"), {"id": key})
    session.expire_all()

    with everything("test"):
        assert differences(case) == [f"pension_case {key} remark: '', '悄悄改'"]


def test_one_act_is_one_entry_of_the_case(county):
    case = a_case(category="no_card")
    with everything("test"):
        before = db.session.query(AuditEntry).filter_by(case_id=case.id).count()
    walk(case)

    with everything("test"):
        entries = db.session.query(AuditEntry).filter_by(case_id=case.id).count()
        assert entries - before == len([done for done in case.steps if done.step != "establish"])
        assert of_case(case) == present(case)
