"""Settlements (资金): what waits for review and approval, the worksheet of each, refunds that are due."""

from __future__ import annotations

from typing import Any

from flask import abort, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload, selectinload

from exports import sheets
from models.base import db
from models.campaign import the_campaign
from models.case import Case
from models.categories import CATEGORIES
from models.ledger import APPROVED, RETURNED, REVIEWED, SETTLEMENT_TITLES, SUBMITTED, Receipt, Settlement
from models.money import yuan
from models.user import Right, Role
from models.words import N_
from views import downloads
from views.base import OfficeView, reads_first
from views.cases import cell, toned
from views.filters import Pick, titled
from views.frame import now
from views.listing import Tab
from views.people import person
from views.places import names, of_person, place, township_of
from views.signing import Signing
from views.words import say
from views.worksheet import worksheet

WAITS = {Role.COUNTY_REVIEWER: SUBMITTED, Role.COUNTY_APPROVER: REVIEWED}
TONES = {APPROVED: "is-done", SUBMITTED: "is-soon", REVIEWED: "is-soon", RETURNED: "is-late"}


def waits_for_me() -> ColumnElement[bool]:
    """What the person signed in may sign, having signed nothing of it before."""
    return and_(Settlement.state == WAITS.get(current_user.role, ""), Settlement.submitted_by != current_user.username,
                func.coalesce(Settlement.reviewed_by, "") != current_user.username)


def refund_due() -> ColumnElement[bool]:
    """Approved, and not all of it is refunded."""
    refunded = select(func.coalesce(func.sum(Receipt.amount), 0)).where(Receipt.settlement_id == Settlement.id)
    return and_(Settlement.state == APPROVED, Settlement.still_to_refund > refunded.scalar_subquery())


def category_is(key: str) -> ColumnElement[bool]:
    return Settlement.case_id.in_(select(Case.id).where(Case.category == key))


def money(name: str) -> Any:
    return cell(lambda row: yuan(getattr(row, name)))


def state(row: Settlement) -> Any:
    return toned(TONES.get(row.state, "quiet"), say(SETTLEMENT_TITLES[row.state]))


class SettlementView(Signing, OfficeView):
    title, at, row, needs = N_("Settlements"), "settlement", Settlement, Right.SEE_MONEY
    search_hint = N_("Name, ID number or tail, pinyin")
    empty = N_("Nothing was computed yet: the clerk computes on the page of a case.")
    list_template, details_template = "admin/settlements.html", "admin/settlement.html"
    column_list = ("case.person.name", "area_code", "case.category", "state", "back_pay", "recover", "offset",
                   "still_to_refund", "refund_to_person", "submitted_by", "submitted_at")
    column_labels = {
        "case.person.name": N_("Name"), "area_code": N_("Village"), "case.category": N_("Category"), "state": N_("State"),
        "back_pay": N_("Back pay"), "recover": N_("To recover"), "offset": N_("Offset"),
        "still_to_refund": N_("Still to refund"), "refund_to_person": N_("To the person or heirs"),
        "submitted_by": N_("Computed by"), "submitted_at": N_("Computed at")}
    column_formatters = {
        "area_code": cell(place), "case.category": cell(lambda row: say(CATEGORIES[row.case.category].title)),
        "state": cell(state), "submitted_by": cell(lambda row: person(row.submitted_by)),
        **{name: money(name) for name in ("back_pay", "recover", "offset", "still_to_refund", "refund_to_person")}}
    column_sortable_list = ("area_code", "back_pay", "recover", "still_to_refund", "submitted_at")
    column_default_sort = ("submitted_at", True)
    column_filters = (
        Pick("state", N_("State"), titled(SETTLEMENT_TITLES), lambda value: Settlement.state == value),
        township_of(Settlement.area_code),
        Pick("category", N_("Category"), titled({c.key: c.title for c in CATEGORIES.values() if c.settled_as}), category_is),
        Pick("refund", N_("Refund"), (("due", N_("Refund due")),), lambda _: refund_due(), by_link=True),
        Pick("waits", N_("Waits for"), (("me", N_("Me")),), lambda _: waits_for_me(), by_link=True))
    tabs = (Tab(N_("All"), {}), Tab(N_("Waits for review"), {"state": SUBMITTED}),
            Tab(N_("Waits for approval"), {"state": REVIEWED}), Tab(N_("Approved"), {"state": APPROVED}),
            Tab(N_("Returned"), {"state": RETURNED}), Tab(N_("Refund due"), {"refund": "due"}),
            Tab(N_("Waits for me"), {"waits": "me"}))

    def searched(self, text: str) -> ColumnElement[bool]:
        return of_person(Settlement.case_id, text)

    def get_query(self) -> Any:
        return super().get_query().options(joinedload(Settlement.case).joinedload(Case.person),
                                           selectinload(Settlement.receipts))

    def waiting(self) -> int:
        return db.session.scalar(select(func.count()).select_from(Settlement).where(waits_for_me()))

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        # Closed to townships; a row outside their area is no row all the same.
        if current_user.is_authenticated and "id" in request.args:
            self.get_one(request.args["id"])
        return super().inaccessible_callback(name, **kwargs) if not current_user.is_authenticated else abort(403)

    def page_title(self, row: Settlement) -> str:
        return f"{say(N_('Settlement'))} {row.case.person.name} {names().full(row.area_code)}"

    @expose("/details/")
    def details_view(self) -> str:
        """The worksheet of one settlement and who signed it."""
        return self.page(self.get_one(request.args.get("id")))

    def page(self, row: Settlement, problems: Any = ()) -> str:
        return self.render(self.details_template, title=self.page_title(row), row=row, problems=problems,
                           state=state(row), case_url=url_for("case.details_view", id=row.case_id),
                           signs=self.open_deeds(row), **worksheet(row))

    @expose("/export", methods=("POST",))
    @reads_first
    def export_sheet(self) -> Any:
        """All settlements in sight as a workbook."""
        content = sheets.build("settlements", the_campaign(), now(), say, downloads.line("待遇核算"))
        return downloads.sent(content, f"{say(N_('Settlements'))}_{now():%Y-%m-%d}.xlsx", subject="settlement")


