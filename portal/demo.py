"""The demo: 交城县 at 2021-09-19, invented people in all categories and stages, one sign-in per role."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from importlib import resources

import click
from flask import Flask
from sqlalchemy import select

from exports.intake import bring_in
from models import grants, handing, scope
from models.area import Township
from models.base import db
from models.campaign import Campaign, Handout, the_campaign
from models.certificate import Upload
from models.user import ROLE_TITLES, Role, User, new_user
from models.words import N_
from portal import demowork
from portal.commands import say, settings, tell
from portal.demowork import COUNTY, acting, at
from portal.settings import SHANGHAI, Settings

NOW = datetime(2021, 9, 19, 9, 30, tzinfo=SHANGHAI)
COUNTY_ROLES = (Role.COUNTY_ADMIN, Role.COUNTY_CLERK, Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER, Role.AUDITOR,
                Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)
NAMES = {Role.COUNTY_ADMIN: "郭管理", Role.COUNTY_CLERK: "赵经办", Role.COUNTY_REVIEWER: "孙复核",
         Role.COUNTY_APPROVER: "李审批", Role.AUDITOR: "周审计",
         Role.SYSTEM_ADMIN: "吴系统", Role.SECURITY_ADMIN: "郑安全"}


def run(port: int, fresh: bool) -> None:
    """Build the demo if it is not there, print the sign-ins, and serve until Ctrl-C."""
    from portal import supervisor
    place = demo_settings(settings())
    built = place.data_dir / "built"
    # A demo whose building was interrupted is no demo.
    if place.data_dir.exists() and (fresh or not built.exists()):
        shutil.rmtree(place.data_dir)
    if built.exists():
        password = _open_again(place)
    else:
        password = os.environ.get("PORTAL_DEMO_PASSWORD") or f"Demo-{secrets.token_hex(4)}"
        tell(N_("The demo is being built: half a minute."))
        build(place, password)
        _keep(place, password)
        built.touch()
    for line in sign_ins(port, password):
        click.echo(line)
    supervisor.serve(place, "127.0.0.1", port)


def demo_settings(base: Settings) -> Settings:
    """The demo lives in a folder of its own, on SQLite, at its own time."""
    folder = base.data_dir / "demo"
    return replace(base, data_dir=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}",
                   now=base.now or NOW, demo=True)


def _keep(place: Settings, password: str) -> None:
    kept = place.data_dir / "password"
    kept.write_text(password)
    kept.chmod(0o600)


def _open_again(place: Settings) -> str:
    """The password the demo was built with, or PORTAL_DEMO_PASSWORD, which all its users then take."""
    from portal import create_app
    kept = (place.data_dir / "password").read_text()
    password = os.environ.get("PORTAL_DEMO_PASSWORD") or kept
    if password != kept:
        with create_app(place).app_context(), acting("system", scope.EVERYWHERE, place.now):
            for user in db.session.scalars(select(User)):
                user.set_password(password, check=False)
        _keep(place, password)
    return password


def sign_ins(port: int, password: str) -> Iterator[str]:
    yield f"http://127.0.0.1:{port}/"
    for role in COUNTY_ROLES:
        yield f"  {role:<20} {password}  {say(ROLE_TITLES[role])}"
    yield f"  {'township-141122100':<20} {password}  天宁镇"
    yield say(N_("(and township-<code> for every other township)"))


def build(place: Settings, password: str) -> None:
    """Found the county, bring the lists in, hand them out, and work through some of the cases."""
    from portal import create_app
    app = create_app(place)
    with app.app_context():
        _found(password)
        _list(app)
        _hand_out(app.extensions["store"].put)
        _add_later_people()
        demowork.work(app.extensions["store"].put)
        demowork.order_papers()
    (place.data_dir / "fonts").mkdir(exist_ok=True)


def _found(password: str) -> None:
    from portal import founding
    founding.migrate()
    with acting("system", scope.EVERYWHERE, at(18, 8)):
        campaign = founding.found(COUNTY, None, password, exercise=True)
        campaign.phone, campaign.bank_account = "0358-0000000", "交城县社会保险基金收入户 0000 0000 0000 0000"
        for role in COUNTY_ROLES[1:]:
            _user(role, NAMES[role], role, COUNTY, password)
        for township in db.session.scalars(select(Township).where(Township.ranked)).all():
            _user(f"township-{township.area_code}", f"{township.name}经办员", Role.TOWNSHIP, township.area_code, password)


def _user(username: str, name: str, role: Role, area: str, password: str) -> None:
    grants.install(new_user(username, name, role, area, password, exercise=True), at(18, 8))


def _list(app: Flask) -> None:
    with acting("county_clerk", COUNTY, at(9, 9)):
        for kind, file in (("roster", "roster_province.xlsx"), ("benefits", "benefits.xlsx")):
            data = resources.files("portal").joinpath(f"demo_data/{file}").read_bytes()
            bring_in(kind, data, file, the_campaign(), "county_clerk", at(9, 9))


def _add_later_people() -> None:
    """Suspended after the cut-off and listed after the hand-out: additions, in no rate."""
    with acting("county_clerk", COUNTY, at(15, 9)):
        data = resources.files("portal").joinpath("demo_data/additions.csv").read_bytes()
        bring_in("roster", data, "additions.csv", the_campaign(), "county_clerk", at(15, 9))


def _hand_out(put: Callable[[bytes], str]) -> None:
    """Every township has its list; some receipts of villages, one of a township and two plans are still missing."""
    with acting("county_clerk", COUNTY, at(9, 10)):
        handing.hand_out(the_campaign(), "county_clerk", at(9, 10))
        codes = db.session.scalars(select(Township.area_code).where(Township.ranked)).all()
    for code in codes:
        with acting(f"township-{code}", code, at(9, 14)):
            _township_takes(the_campaign(), code, put)


def _township_takes(campaign: Campaign, code: str, put: Callable[[bytes], str]) -> None:
    user = f"township-{code}"
    if code == "141122202":
        return
    handout = db.session.scalar(select(Handout).where(Handout.area_code == code))
    handing.confirm_receipt(handout, db.session.scalar(select(User.name).where(User.username == user)), at(9, 14))
    for handed in handing.hand_on(campaign, code, user, at(9, 15))[:-2]:
        handing.confirm_receipt(handed, "村代办员", at(10, 9))
    if code != "141122103":
        scan = demowork.sample_scan()
        plan = Upload("other", put(scan), "清理方案.png", len(scan), "image/png")
        handing.prepare(campaign, code, "（镇长）", "（分管副镇长、社保专干、各村代办员）", plan, user, at(10, 10))
