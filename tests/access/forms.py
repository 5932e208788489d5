"""What a form holds that does something: texts, and functions of the row's id for versions, files and places."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from factories import COUNTY, NOW, PASSWORD, TIANNING
from peopled import HERE, OTHER, TOWN, scan
from sqlalchemy import insert, select

from models import grants
from models.area import Township, Village
from models.base import db
from models.campaign import Campaign, Handout, Preparation, the_campaign
from models.case import Case, Person
from models.grants import PostGrant
from models.leaving import MOST
from models.ledger import Settlement
from models.user import User

SAMPLES = Path(__file__).parent.parent / "samples"
Made = Callable[[Any], Any]


def version(cls: type) -> Made:
    return lambda id: str(db.session.get(cls, int(id)).version)


def benefit_version(id: Any) -> str:
    return str(db.session.get(Case, int(id)).person.benefit.version)


def file(name: str = "扫描.png") -> Made:
    return lambda id: (io.BytesIO(scan()), name)


def not_handed_out() -> None:
    the_campaign().handed_out_at = None
    for handout in db.session.scalars(select(Handout)):
        db.session.delete(handout)


def account_named() -> None:
    the_campaign().bank_account = "某银行 0000"


def post(state: str) -> dict[str, Made]:
    """The post of a user that stands so, and the version it was seen in."""
    found = lambda id: db.session.scalar(select(PostGrant).where(PostGrant.user_id == int(id), PostGrant.state == state))
    return {"post": lambda id: str(found(id).id if found(id) else 0),
            "version": lambda id: str(found(id).version if found(id) else 0)}


def post_asked() -> None:
    """The clerks of both townships are to become auditors."""
    *clerks, keeper = (db.session.scalar(select(User).where(User.username == name)) for name in (TOWN, OTHER, "county_admin"))
    for clerk in clerks:
        grants.ask(clerk, "auditor", COUNTY, "文件", keeper, NOW, namesake=True)


def more_than_leave_at_once() -> None:
    """As many people as want a second person's word; past the trail, which is not what is looked at."""
    connection, campaign = db.session.connection(), the_campaign().id
    first = connection.scalar(insert(Person.__table__).values(**_somebody(0)).returning(Person.__table__.c.id))
    connection.execute(insert(Person.__table__), [_somebody(n) | {"id": first + n} for n in range(1, MOST + 1)])
    connection.execute(insert(Case.__table__), [
        {"campaign_id": campaign, "person_id": first + n, "area_code": HERE, "paused_from": "2020-01", "listed_at": NOW,
         "listed_township": HERE[:9]} for n in range(MOST + 1)])


def _somebody(n: int) -> dict[str, Any]:
    return {"id_number": f"14112019{n:010d}", "id_tail": "0000", "name": f"众{n}", "name_key": "zhong", "sex": "男",
            "born": NOW.date()}


def seen(cls: type) -> Made:
    """The row and the version a page showed, as forms about many rows send them."""
    return lambda id: f"{id}:{db.session.get(cls, int(id)).version}"


def whole_version(id: Any) -> str:
    """A case and its person, who are corrected together."""
    case = db.session.get(Case, int(id))
    return f"{case.version}.{case.person.version}"


def plan_version(id: Any) -> str:
    plan = db.session.scalar(select(Preparation).where(Preparation.area_code == TIANNING))
    return str(plan.version if plan else 0)


def list_of(name: str) -> Made:
    return lambda id: (io.BytesIO((SAMPLES / name).read_bytes()), name)


ESTABLISHED = {"version": version(Case), "step": "establish", "fact-category": "no_card", "fact-how": "phone"}
RETURNED = {"deed": "return", "stage": "apply", "row": seen(Settlement), "why": "试"}
SIGNED = {"deed": "review", "stage": "apply", "row": seen(Settlement)}
CERTIFIED = {"deed": "step-certify", "stage": "apply", "ids": seen(Case), "fact-certified_on": "2021-09-18",
             "fact-method": "app"}
PLAN = {"version": plan_version, "leader": "某", "members": "某某", "plan": file("方案.png")}
CHANGED = {"version": version(Case), "why": "试"}
LOGIN = {"version": version(User)}
BENEFIT = {"version": benefit_version, "basic_from": "2010-04", "supplement_from": "", "years_paid": "9",
           "account_pension": "9.00", "account_balance": "99.00", "government_subsidy": "1.00", "supplement_account_pension": "0",
           "supplement_account_balance": "0"}
CORRECTION = {"version": whole_version, "name": "改名", "phone": "0358-1111111",
              "area_code": lambda id: db.session.get(Case, int(id)).area_code}
CONTACT = {"contact": "某某", "phone": "0358-0000000"}
CAMPAIGN = {"version": version(Campaign), "title": "清理", "document_no": "号", "verify_by": "2021-09-20",
            "clear_by": "2021-10-31", "bureau": "局", "office": "中心", "address": "地址", "phone": "电话", "refund_days": "31"}
POST = {"role": "auditor", "township": "", "basis": "文件"}
USER = POST | {"username": "li", "name": "李"}
PASSWORD_CHANGE = {"old": PASSWORD, "new": "Another-2021-word", "again": "Another-2021-word"}
TOWNSHIP, VILLAGE = CONTACT | {"version": version(Township)}, CONTACT | {"version": version(Village)}
RATE = {"item": "basic", "from_month": "2024-01", "amount": "128", "min_age": "0", "basis": "文件"}
