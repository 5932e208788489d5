"""The list of people and the page of one case."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from models.case import CLEARED, STATE_TITLES, UNVERIFIED, VERIFIED, Case, Person
from models.categories import CATEGORIES
from models.user import Role
from models.words import N_
from views import standing
from views.base import OfficeView
from views.casebulk import CaseBulk
from views.caseverbs import CaseVerbs
from views.filters import Pick, equals, person_matches, titled
from views.listing import Tab
from views.places import TOWNSHIP, names, village_of
from views.sideforms import SideForms
from views.words import say


def next_steps() -> list[tuple[str, str]]:
    return list({step.key: step.title for way in CATEGORIES.values() for step in way.steps if not step.later}.items())


def cell(show: Any) -> Any:
    """A Flask-Admin formatter from a function of the row."""
    return lambda view, context, row, name: show(row)


def toned(tone: str, sentence: str) -> Markup:
    return Markup('<span class="{}">{}</span>').format(tone, sentence) if tone else sentence


def state(case: Case) -> Markup:
    return toned({CLEARED: "is-done", UNVERIFIED: "is-soon"}.get(case.state, ""), say(STATE_TITLES[case.state]))


class CaseView(CaseBulk, CaseVerbs, SideForms, OfficeView):
    title, at, row = N_("People"), "case", Case
    search_hint = N_("Name, ID number or tail, pinyin")
    empty = N_("Nobody is on the list yet: the county centre imports it first.")
    column_list = ("person.name", "person.id_tail", "area_code", "category", "paused_from", "state", "next_step",
                   "stock_township", "campaign.verify_by")
    column_labels = {
        "person.name": N_("Name"), "person.id_tail": N_("ID number (tail)"), "area_code": N_("Village"),
        "category": N_("Category"), "paused_from": N_("Suspended from"), "state": N_("State"),
        "next_step": N_("Next step"), "stock_township": N_("Stock or addition"), "campaign.verify_by": N_("Deadline")}
    column_formatters = {
        "person.id_tail": cell(lambda case: Markup('<span class="mono ids">{}</span>').format(case.person.short_id)),
        "area_code": cell(lambda case: names().village(case.area_code) if current_user.role == Role.TOWNSHIP
                          else names().full(case.area_code)),
        "category": cell(standing.category), "state": cell(state), "next_step": cell(standing.next_step),
        "stock_township": cell(standing.kind), "campaign.verify_by": cell(lambda case: toned(*standing.due(case)))}
    column_sortable_list = (("person.name", "person.name_key"), "area_code", "paused_from")
    column_default_sort = "area_code"
    column_filters = (
        TOWNSHIP,
        village_of(Case.area_code),
        equals("category", N_("Category"), Case.category, titled({c.key: c.title for c in CATEGORIES.values()})),
        equals("state", N_("State"), Case.state, titled(STATE_TITLES)),
        equals("step", N_("Next step"), Case.next_step, next_steps),
        Pick("kind", N_("Stock or addition"), standing.KINDS, standing.of_kind),
        Pick("due", N_("Deadline"), (("late", N_("Overdue")),), lambda _: standing.overdue(), by_link=True),
        Pick("mark", N_("Attention"), titled(standing.MARKS), standing.marked, by_link=True),
        Pick("waits", N_("Waits for"), (("me", N_("Me")),), lambda _: standing.waits_for_me(), by_link=True))
    tabs = (Tab(N_("All"), {}), Tab(N_("To verify"), {"state": UNVERIFIED}), Tab(N_("In hand"), {"state": VERIFIED}),
            Tab(N_("Cleared"), {"state": CLEARED}), Tab(N_("Overdue"), {"due": "late"}),
            Tab(N_("Waits for me"), {"waits": "me"}))

    def searched(self, text: str) -> ColumnElement[bool]:
        return Case.person_id.in_(select(Person.id).where(person_matches(Person, text)))

    def get_query(self) -> Any:
        return super().get_query().options(joinedload(Case.person), joinedload(Case.campaign))

    def page_title(self, row: Case) -> str:
        return f"{row.person.name} {names().full(row.area_code)}"

    @expose("/details/")
    def details_view(self) -> str:
        """The page of one case (一人一档)."""
        return self.page(self.get_one(request.args.get("id")))
