"""Setting a portal up: the schema, the county with its places, the campaign, the rates, the first administrator."""

from __future__ import annotations

import csv
import io
from importlib import resources

from sqlalchemy import select

from models import area, grants, schema
from models.base import db
from models.campaign import Campaign, campaign_of_2021
from models.ledger import PublishedRate
from models.rates import Rate, shipped_rates
from models.user import Role, User, new_user
from models.words import N_, Refusal
from portal import clock

SHIPPED = {"141122": "交城县"}


def found(county: str, name: str | None, admin_password: str, *, exercise: bool = False) -> Campaign:
    """Everything a county starts from; what is there already stays. Does not commit."""
    name = name or SHIPPED.get(county)
    if name is None:
        raise Refusal(N_("Only 141122 ships with the portal: name another county with --name, then import its areas."))
    _check_county(county, name)
    if county in SHIPPED:
        area.load(area_rows(_shipped_areas(county)), county)
    add_rates(shipped_rates())
    campaign = db.session.scalar(select(Campaign).where(Campaign.county_code == county))
    if campaign is None:
        campaign = campaign_of_2021(county, name)
        db.session.add(campaign)
    if db.session.scalar(select(User).where(User.role == Role.COUNTY_ADMIN)) is None:
        admin = new_user("county_admin", "县级管理员", Role.COUNTY_ADMIN, county, admin_password, exercise=exercise)
        grants.install(admin, clock.now())
    return campaign


def _check_county(code: str, name: str) -> None:
    if not (len(code) == 6 and code.isascii() and code.isdecimal()):
        raise Refusal(N_("“{code}” is not the division code of a county: it has 6 digits."), code=code)
    if not (name.strip() and len(name) <= 60 and name.isprintable()):
        raise Refusal(N_("The name of a county has 1 to 60 characters."))
    other = db.session.scalar(select(Campaign).where(Campaign.county_code != code))
    if other is not None:
        raise Refusal(N_("This portal is the one of {name}: another county gets a data folder of its own."),
                      name=other.county_name)


def migrate() -> None:
    schema.upgrade(db.engine)
    schema.measure(db.engine)


def has_administrator() -> bool:
    return db.session.scalar(select(User).where(User.role == Role.COUNTY_ADMIN)) is not None


def _shipped_areas(county: str) -> str:
    return resources.files("models").joinpath(f"data/areas_{county}.csv").read_text("utf-8-sig")


def area_rows(text: str) -> list[tuple[str, str]]:
    """(code, name) of a division file: columns `code` and `name`, in any order. Raises Refusal without them."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if not {"code", "name"} <= set(reader.fieldnames or ()):
            raise Refusal(N_("The file needs the columns code and name."))
        return [(row["code"] or "", row["name"] or "") for row in reader]
    except csv.Error as error:
        raise Refusal(N_("Line {line} is not CSV ({error})."), line=reader.line_num, error=error) from None


def add_rates(rates: list[Rate]) -> int:
    """Publish dated rates; one alike in item, month and age must agree with what stands. Returns how many are new."""
    new = 0
    for rate in rates:
        standing = db.session.scalar(select(PublishedRate).where(
            PublishedRate.item == rate.item, PublishedRate.from_month == rate.from_month,
            PublishedRate.min_age == rate.min_age))
        if standing is None:
            db.session.add(PublishedRate(item=rate.item, from_month=rate.from_month, amount=rate.amount,
                                         min_age=rate.min_age, basis=rate.basis))
            new += 1
        elif standing.amount != rate.amount:
            raise Refusal(N_("A rate for {item} from {month} already stands with another amount: correct it there."),
                          item=rate.item, month=str(rate.from_month))
    db.session.flush()
    return new
