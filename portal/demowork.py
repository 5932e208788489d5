"""The demo's work: people walked along their categories by the verbs of the screens, as a busy office would."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from PIL import Image, ImageDraw
from sqlalchemy import select

from models import audit, ledger, papers, scope, workflow
from models.area import Names
from models.base import db
from models.case import Case
from models.certificate import Upload
from models.money import yuan
from models.steps import Fact, Proof, Step
from models.user import Role, User
from models.words import Refusal
from portal.settings import SHANGHAI

COUNTY = "141122"


@contextmanager
def acting(name: str, area: str, moment: datetime) -> Iterator[None]:
    with scope.seeing(area), audit.acting_as(name, "command", lambda: moment, act="demo"):
        yield
        db.session.commit()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of September 2021."""
    return datetime(2021, 9, day, hour, minute, tzinfo=SHANGHAI)


def work(put: Callable[[bytes], str]) -> None:
    """Walk people along their categories, each as far as chance takes them, the towns at different speeds."""
    dice = random.Random(2021)
    with scope.seeing(COUNTY):
        ids = db.session.execute(select(Case.id, Case.area_code).order_by(Case.id)).all()
        users = {user.username: user.id for user in db.session.scalars(select(User))}
    speed = {code: 0.35 + 0.6 * dice.random() for code in sorted({area[:9] for _, area in ids})}
    plan = Walk(users, put, dice)
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


def order_papers() -> None:
    """A few papers, drawn by the worker as soon as it starts."""
    with acting("county_clerk", COUNTY, at(18, 17)):
        clerk = db.session.scalar(select(User).where(User.username == "county_clerk"))
        for kind, category, state in (("certification", "uncertified", "certify"), ("back_pay", "uncertified", None),
                                      ("recovery", "impostor", "refund"), ("sealing", "deceased", None)):
            cases = db.session.scalars(select(Case).where(Case.category == category, Case.next_step == state)
                                       .order_by(Case.id)).all()
            fitting = [case for case in cases if _has_paper(case, kind)][:3]
            if fitting:
                papers.order_documents(fitting, kind, clerk, at(18, 17))


def _has_paper(case: Case, kind: str) -> bool:
    try:
        papers.paper_facts(case, kind, at(18, 17).date(), Names())
    except Refusal:
        return False
    return True


class Walk:
    """Takes steps of cases as a busy office would, through the same verb as the screens."""

    def __init__(self, users: dict[str, int], put: Callable[[bytes], str], dice: random.Random):
        self.users, self.put, self.dice = users, put, dice

    def one_day(self, case_id: int, day: int) -> None:
        with scope.seeing(COUNTY):
            case = db.session.get(Case, case_id)
            for _ in range(self.dice.choice((1, 1, 2, 3))):
                if not self.next_step(case, at(day, self.dice.randrange(9, 17))):
                    return

    def to_the_end(self, case_id: int) -> None:
        with scope.seeing(COUNTY):
            case = db.session.get(Case, case_id)
            while self.next_step(case, at(18, 16, 30)):
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
        with user.sight(), audit.acting_as(user.username, "screen", lambda: moment):
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

    def _proof(self, group: tuple[Proof, ...], facts: dict) -> Upload:
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
            "impostor_name": "高二旦", "impostor_from": str(paused.plus(-3)), "impostor_to": str(paused.plus(-1)),
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
        settlement = ledger.standing(case)
        return yuan(settlement.uncovered) if settlement else "0.00"


def _isoday(month: date, day: int) -> str:
    return month.replace(day=day).isoformat()


def sample_scan() -> bytes:
    """A picture that stands for a scanned paper in the demo."""
    picture = Image.new("RGB", (420, 594), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 20, 400, 574), outline="gray")
    for line in range(80, 500, 34):
        pen.line((50, line, 370, line), fill="lightgray")
    pen.ellipse((260, 440, 350, 530), outline="red", width=4)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


