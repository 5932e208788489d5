"""Signing settlements, one or many: what would change and what is skipped and why, then the same once more for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from models import audit, ledger, workflow
from models.base import db
from models.case import Case
from models.ledger import Settlement
from models.money import yuan
from models.races import Stale, noticed
from models.user import Right, Role, User
from models.words import N_, Refusal
from views import proof
from views.bulk import SINCE
from views.frame import now
from views.places import names
from views.seen import versions
from views.words import said, say

MOST = 500
TRIED = "…"  # stands for the reason while a return is only tried


@dataclass(frozen=True)
class Deed:
    """What may be done to a settlement: by which posts, by which verb of the workflow."""

    name: str
    title: str
    roles: tuple[Role, ...]
    verb: Callable[[Case, User, datetime, str], Any]
    asks_why: bool = False
    asks_proof: bool = False  # a fresh code from the phone: money leaves

    def open_to(self, user: User) -> bool:
        return user.may(Right.CHANGE_CASES) and user.role in self.roles


DEEDS = {deed.name: deed for deed in (
    Deed("review", N_("Review"), (Role.COUNTY_REVIEWER,), lambda case, by, at, why: workflow.advance(case, "review", by, at)),
    Deed("approve", N_("Approve"), (Role.COUNTY_APPROVER,),
         lambda case, by, at, why: workflow.advance(case, "approve", by, at), asks_proof=True),
    Deed("return", N_("Return"), tuple({role: 0 for roles in workflow.RETURNERS.values() for role in roles}),
         workflow.give_back, asks_why=True))}


@dataclass(frozen=True)
class Verdict:
    """What becomes of one settlement: changed, or skipped and why. Plain text, for the attempt is rolled back."""

    id: int
    version: int
    name: str
    place: str
    back_pay: int
    recover: int
    why: str = ""


def chosen(ids: Sequence[int], limits: Sequence[Any]) -> list[Settlement]:
    """The settlements of these ids in sight, with what the checks read."""
    case = selectinload(Settlement.case)
    return list(db.session.scalars(
        select(Settlement).where(Settlement.id.in_(ids[:MOST]), *limits).order_by(Settlement.area_code, Settlement.id)
        .options(case.joinedload(Case.person), case.selectinload(Case.steps), case.selectinload(Case.settlements),
                 case.selectinload(Case.certificates))))


def verdicts(deed: Deed, rows: Sequence[Settlement], by: User, at: datetime, why: str,
             seen: dict[int, int] | None = None) -> list[Verdict]:
    """Do *deed* to every row that allows it. *seen*: the versions that the check page showed."""
    return [_verdict(deed, row, by, at, why, seen) for row in rows]


def _verdict(deed: Deed, row: Settlement, by: User, at: datetime, why: str, seen: dict[int, int] | None) -> Verdict:
    facts = (row.id, row.version, row.case.person.name, names().full(row.area_code), row.back_pay, row.recover)
    try:
        if seen is not None and seen.get(row.id) != row.version:
            raise Refusal(SINCE)
        if ledger.standing(row.case) is not row:
            raise Refusal(N_("It was returned or reversed: a newer one counts."))
        with noticed(), db.session.begin_nested():
            deed.verb(row.case, by, at, why)
    except Refusal as refusal:
        refusal = Refusal(SINCE) if isinstance(refusal, Stale) else refusal
        audit.record(None, "settlement", row.area_code, facts[0], row.case_id, result=audit.REFUSED, why=refusal.message.id)
        return Verdict(*facts, say(refusal))
    return Verdict(*facts)


class Signing:
    """Mixed into the view of settlements: ticks and the page of one lead here."""

    def deeds(self) -> list[tuple[str, str]]:
        return [(deed.name, say(deed.title)) for deed in DEEDS.values() if deed.open_to(current_user)]

    def open_deeds(self, row: Settlement) -> list[Deed]:
        """What this person may do to this settlement now."""
        open_to_me = [deed for deed in DEEDS.values() if deed.open_to(current_user)]
        wanted = {"review": (ledger.SUBMITTED,), "approve": (ledger.REVIEWED,), "return": tuple(
            state for state, roles in workflow.RETURNERS.items() if current_user.role in roles)}
        return [deed for deed in open_to_me if row.state in wanted[deed.name]]

    def do(self, name: str, ids: list[int]) -> Any:
        return self._check(DEEDS[name], chosen(ids, self.limits()))

    @expose("/sign", methods=("POST",))
    def sign(self) -> Any:
        """The check page of a deed, or the deed itself."""
        deed = DEEDS.get(request.form.get("deed", ""))
        if deed is None or not deed.open_to(current_user):
            abort(403 if deed else 404)
        seen = versions(request.form.getlist("row")[:MOST])
        rows = chosen(list(seen), self.limits()) or abort(404)
        if request.form.get("stage") != "apply":
            return self._check(deed, rows)
        if deed.asks_why and not _why():
            return self._check(deed, rows, [("why", say(N_("Say in a few words why the settlement is returned.")))])
        if deed.asks_proof:
            try:
                proof.proved()
            except Refusal as refusal:
                return self._check(deed, rows, [("code", say(refusal))])
        return self._apply(deed, rows, seen)

    def _check(self, deed: Deed, rows: list[Settlement], problems: Any = ()) -> Any:
        found = verdicts(deed, rows, current_user._get_current_object(), now(), TRIED)
        db.session.rollback()
        page = self._page("check", deed, found, problems)
        return (page, 422) if problems else page

    def _apply(self, deed: Deed, rows: list[Settlement], seen: dict[int, int]) -> Any:
        found = verdicts(deed, rows, current_user._get_current_object(), now(), _why(), seen)
        db.session.commit()
        if len(found) == 1 and not found[0].why:
            flash(said(N_("{name}: “{step}” is done."), name=found[0].name, step=say(deed.title)), "success")
            return redirect(url_for(".details_view", id=found[0].id))
        return self._page("done", deed, found)

    def _page(self, stage: str, deed: Deed, found: list[Verdict], problems: Any = ()) -> str:
        doing = [verdict for verdict in found if not verdict.why]
        title = {"check": N_("Check: {deed}"), "done": N_("Result: {deed}")}[stage]
        return self.render(
            "admin/signing.html", title=said(title, deed=say(deed.title)), stage=stage, deed=deed, found=found, doing=doing,
            skipped=[verdict for verdict in found if verdict.why], yuan=yuan, why=_why(), problems=problems,
            proof=deed.asks_proof and proof.needed(),
            back_pay=yuan(sum(verdict.back_pay for verdict in doing)),
            recover=yuan(sum(verdict.recover for verdict in doing)))


def _why() -> str:
    return request.form.get("why", "").replace("\0", "").strip()[:200]
