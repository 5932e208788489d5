"""The demo: 交城县 at 2021-09-19, invented people in all categories and stages, one sign-in per role."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib import resources

import click
from flask import Flask
from sqlalchemy import select

from exports.intake import bring_in
from models import audit, handing, papers, scope, workflow
from models.area import Names, Township
from models.base import db
from models.campaign import Campaign, Handout, the_campaign
from models.case import Case
from models.certificate import Upload
from models.steps import Fact, Step
from models.user import ROLE_TITLES, Role, User, new_user
from models.words import N_, Refusal
from portal.commands import say, settings, tell
from portal.settings import SHANGHAI, Settings

COUNTY = "141122"
NOW = datetime(2021, 9, 19, 9, 30, tzinfo=SHANGHAI)
COUNTY_ROLES = (Role.COUNTY_ADMIN, Role.COUNTY_CLERK, Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER, Role.AUDITOR)
NAMES = {Role.COUNTY_ADMIN: "郭管理", Role.COUNTY_CLERK: "赵经办", Role.COUNTY_REVIEWER: "孙复核",
         Role.COUNTY_APPROVER: "李审批", Role.AUDITOR: "周审计"}


def run(port: int, fresh: bool) -> None:
    """Build the demo if it is not there, print the sign-ins, and serve until Ctrl-C."""
    from portal import supervisor
    at = demo_settings(settings())
    # A demo whose building was interrupted is no demo.
    if at.data_dir.exists() and (fresh or not (at.data_dir / "built").exists()):
        shutil.rmtree(at.data_dir)
    password = _password(at)
    if not (at.data_dir / "built").exists():
        tell(N_("The demo is being built: half a minute."))
        build(at, password)
        (at.data_dir / "built").touch()
    for line in sign_ins(port, password):
        click.echo(line)
    supervisor.serve(at, "127.0.0.1", port)


def demo_settings(base: Settings) -> Settings:
    """The demo lives in a folder of its own, on SQLite, at its own time."""
    folder = base.data_dir / "demo"
    return replace(base, data_dir=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}",
                   now=base.now or NOW, demo=True)


def _password(at: Settings) -> str:
    """PORTAL_DEMO_PASSWORD, or one made once; a built demo keeps the one it was built with."""
    kept = at.data_dir / "password"
    given = os.environ.get("PORTAL_DEMO_PASSWORD")
    if kept.exists():
        if given and given != kept.read_text():
            raise Refusal(N_("The demo was built with another password: run it with --fresh to take the new one."))
        return kept.read_text()
    password = given or f"Demo-{secrets.token_hex(4)}"
    at.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept.write_text(password)
    kept.chmod(0o600)
    return password


def sign_ins(port: int, password: str) -> Iterator[str]:
    yield f"http://127.0.0.1:{port}/"
    for role in COUNTY_ROLES:
        yield f"  {role:<20} {password}  {say(ROLE_TITLES[role])}"
    yield f"  {'township-141122100':<20} {password}  天宁镇"
    yield say(N_("(and township-<code> for every other township)"))


def build(at: Settings, password: str) -> None:
    """Found the county, bring the lists in, hand them out, and work through some of the cases."""
    from portal import create_app
    app = create_app(at)
    with app.app_context():
        _found(password)
        _list(app)
        _hand_out()
        _add_later_people()
        _work(app)
        _order_papers()
    (at.data_dir / "fonts").mkdir(exist_ok=True)


@contextmanager
def _as(name: str, area: str, moment: datetime) -> Iterator[None]:
    with scope.seeing(area), audit.acting_as(name, "command", lambda: moment):
        yield
        db.session.commit()


def _found(password: str) -> None:
    from portal import founding
    founding.migrate()
    with _as("system", scope.EVERYWHERE, _at(18, 8)):
        campaign = founding.found(COUNTY, None, password, exercise=True)
        campaign.phone, campaign.bank_account = "0358-0000000", "交城县社会保险基金收入户 0000 0000 0000 0000"
        for role in COUNTY_ROLES[1:]:
            new_user(role, NAMES[role], role, COUNTY, password, exercise=True)
        for township in db.session.scalars(select(Township).where(Township.ranked)):
            new_user(f"township-{township.area_code}", f"{township.name}经办员", Role.TOWNSHIP, township.area_code, password,
                     exercise=True)


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of September 2021."""
    return datetime(2021, 9, day, hour, minute, tzinfo=SHANGHAI)


def _list(app: Flask) -> None:
    with _as("county_clerk", COUNTY, _at(9, 9)):
        for kind, file in (("roster", "roster_province.xlsx"), ("benefits", "benefits.xlsx")):
            data = resources.files("portal").joinpath(f"demo_data/{file}").read_bytes()
            bring_in(kind, data, file, the_campaign(), "county_clerk", _at(9, 9))


def _add_later_people() -> None:
    """Suspended after the cut-off and listed after the hand-out: additions, in no rate."""
    with _as("county_clerk", COUNTY, _at(15, 9)):
        data = resources.files("portal").joinpath("demo_data/additions.csv").read_bytes()
        bring_in("roster", data, "additions.csv", the_campaign(), "county_clerk", _at(15, 9))


def _hand_out() -> None:
    """Every township has its list; two villages' receipts and one township's plan are still missing."""
    with _as("county_clerk", COUNTY, _at(9, 10)):
        handing.hand_out(the_campaign(), "county_clerk", _at(9, 10))
        codes = db.session.scalars(select(Township.area_code).where(Township.ranked)).all()
    for code in codes:
        with _as(f"township-{code}", code, _at(9, 14)):
            _township_takes(the_campaign(), code)


def _township_takes(campaign: Campaign, code: str) -> None:
    user = f"township-{code}"
    if code != "141122202":
        handout = db.session.scalar(select(Handout).where(Handout.area_code == code))
        handing.confirm_receipt(handout, db.session.scalar(select(User.name).where(User.username == user)), _at(9, 14))
        villages = handing.hand_on(campaign, code, user, _at(9, 15))
        for handed in villages[:-2]:
            handing.confirm_receipt(handed, "村代办员", _at(10, 9))


def _work(app: Flask) -> None:
    """Walk people along their categories, each as far as chance takes them, the towns at different speeds."""
    dice = random.Random(2021)
    with scope.seeing(COUNTY):
        ids = db.session.execute(select(Case.id, Case.area_code).order_by(Case.id)).all()
        users = {user.username: user.id for user in db.session.scalars(select(User))}
    speed = {code: 0.35 + 0.6 * dice.random() for code in sorted({area[:9] for _, area in ids})}
    plan = Walk(users, app.extensions["store"].put, dice)
    order = sorted(ids, key=lambda _: dice.random())
    # A day's work of everybody, so that past standings have a history.
    for day in range(10, 19):
        for case_id, area in order:
            if dice.random() < speed[area[:9]] / 4:
                plan.one_day(case_id, day)
        db.session.expire_all()
    for case_id in _some_of_each_category():
        plan.to_the_end(case_id)


def _some_of_each_category() -> list[int]:
    """Three people of every category, so that every end can be seen."""
    with scope.seeing(COUNTY):
        proposed = db.session.execute(select(Case.proposed, Case.id).where(Case.outcome.is_(None)).order_by(Case.id))
        groups: dict[str, list[int]] = {}
        for category, case_id in proposed:
            groups.setdefault(category, []).append(case_id)
    return [case_id for ids in groups.values() for case_id in ids[:3]]


def _order_papers() -> None:
    """A few papers, drawn by the worker as soon as it starts."""
    with _as("county_clerk", COUNTY, _at(18, 17)):
        clerk = db.session.scalar(select(User).where(User.username == "county_clerk"))
        for kind, category, state in (("certification", "uncertified", "certify"), ("back_pay", "uncertified", None),
                                      ("recovery", "impostor", "refund"), ("sealing", "deceased", None)):
            cases = db.session.scalars(select(Case).where(Case.category == category, Case.next_step == state)
                                       .order_by(Case.id)).all()
            fitting = [case for case in cases if _has_paper(case, kind)][:3]
            if fitting:
                papers.order_documents(fitting, kind, clerk, _at(18, 17))


def _has_paper(case: Case, kind: str) -> bool:
    try:
        papers.paper_facts(case, kind, _at(18, 17).date(), Names())
    except Refusal:
        return False
    return True


class Walk:
    """Takes steps of cases as a busy office would, through the same verb as the screens."""

    def __init__(self, users: dict[str, int], put, dice: random.Random):
        self.users, self.put, self.dice = users, put, dice

    def one_day(self, case_id: int, day: int) -> None:
        with scope.seeing(COUNTY):
            case = db.session.get(Case, case_id)
            for _ in range(self.dice.choice((1, 1, 2, 3))):
                if not self.next_step(case, _at(day, self.dice.randrange(9, 17))):
                    return

    def to_the_end(self, case_id: int) -> None:
        with scope.seeing(COUNTY):
            case = db.session.get(Case, case_id)
            while self.next_step(case, _at(18, 16, 30)):
                pass

    def next_step(self, case: Case, moment: datetime) -> bool:
        """Take the first step that is needed and possible; False if there is none or it was refused."""
        states = [state for state in workflow.possible_now(case) if not state.step.later and state.needed]
        return bool(states) and self.step(case, states[0].step, moment)

    def step(self, case: Case, step: Step, moment: datetime) -> bool:
        user = self._user(step, case)
        facts = {fact.key: self._fact(fact, case, moment) for fact in step.facts}
        facts = {key: value for key, value in facts.items() if value is not None}
        if step.key == "establish":
            facts["category"] = case.proposed if case.proposed != "unknown" else None
            if facts["category"] is None:
                return False
        asked = {fact.key for fact in step.facts
                 if all((case.facts | facts).get(name) in values for name, values in fact.when.items())}
        with scope.seeing(user.area_code), audit.acting_as(user.username, "screen", lambda: moment):
            try:
                workflow.advance(case, step.key, user, moment, facts={k: v for k, v in facts.items() if k in asked},
                                 uploads=[self._proof(group, facts) for group in step.proofs])
            except Refusal:
                db.session.rollback()
                return False
            db.session.commit()
        return True

    def _user(self, step: Step, case: Case) -> User:
        role = step.by[0]
        name = f"township-{case.area_code[:9]}" if role == Role.TOWNSHIP else role
        return db.session.get(User, self.users[name])

    def _proof(self, group, facts: dict) -> Upload:
        kind = group[0]
        if facts.get("source") == "two_seals":
            kind = group[-1]
        content = sample_scan()
        return Upload(kind, self.put(content), f"{kind}.png", len(content), "image/png")

    def _fact(self, fact: Fact, case: Case, moment: datetime) -> str | None:
        today = moment.date()
        paused = case.paused_from
        special = {
            "resumes": "2021-10", "died_on": _isoday(paused.plus(-self.dice.choice((0, 0, 1, 2))).first_day, 14),
            "custody_from": _isoday(paused.plus(-1).first_day, 9), "released_on": "2021-08-30",
            "other_from": str(paused.plus(-self.dice.choice((1, 2, 4)))), "other_to": None,
            "impostor_name": "（亲属）", "impostor_from": str(paused.plus(-3)), "impostor_to": str(paused.plus(-1)),
            "funeral_grant": "0.00", "seals": "both", "statement_seals": "both",
            "contact_note": "电话联系2次、入户1次，邻居在场见证", "contacted": "本人", "station": "所在地派出所",
            "refunded": self._open(case), "voucher_no": f"退{case.id:05d}", "note": None, "helper": "村代办员",
            "serving": self.dice.choice(("yes", "yes", "no")), "judgment_no": None, "other_office": None,
        }
        if fact.key in special:
            return special[fact.key]
        if fact.kind == "date":
            return (today - timedelta(days=self.dice.randrange(0, 3))).isoformat()
        return self.dice.choice(fact.options())[0] if fact.kind == "choice" else "已核实"

    def _open(self, case: Case) -> str:
        from models.ledger import standing
        from models.money import yuan
        settlement = standing(case)
        return yuan(settlement.uncovered) if settlement else "0.00"


def _isoday(month: date, day: int) -> str:
    return month.replace(day=day).isoformat()


def sample_scan() -> bytes:
    """A picture that stands for a scanned paper in the demo."""
    import io

    from PIL import Image, ImageDraw
    picture = Image.new("RGB", (420, 594), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 20, 400, 574), outline="gray")
    for line in range(80, 500, 34):
        pen.line((50, line, 370, line), fill="lightgray")
    pen.ellipse((260, 440, 350, 530), outline="red", width=4)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


