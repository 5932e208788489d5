"""The trail, to be read: who did what, when, with what before and after."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_

from models.audit import AuditEntry
from models.months import parse_date
from models.user import Right
from models.words import N_, Refusal
from views import trailwords
from views.base import OfficeView
from views.cases import cell
from views.filters import Pick, equals, prefix, titled
from views.frame import today
from views.places import names
from views.stepform import tidy
from views.words import SHANGHAI, moment, said, say

SPANS = (("1", N_("today")), ("7", N_("the last 7 days")), ("30", N_("the last 30 days")))


def _since(days: str) -> ColumnElement[bool]:
    first = today() - timedelta(days=int(days) - 1)
    return AuditEntry.at >= datetime.combine(first, datetime.min.time(), tzinfo=SHANGHAI)


def _day(text: str) -> ColumnElement[bool]:
    start = datetime.combine(parse_date(text), datetime.min.time(), tzinfo=SHANGHAI)
    return and_(AuditEntry.at >= start, AuditEntry.at < start + timedelta(days=1))


def _told(entry: AuditEntry) -> str:
    return "；".join(f"{name}：{before} → {after}" if before != "–" else f"{name}：{after}"
                     for name, before, after in trailwords.changes(entry)) or "–"


class AuditView(OfficeView):
    title, at, row, needs = N_("Trail"), "audit", AuditEntry, Right.SEE_TRAIL
    search_hint = N_("User name, or a day such as 2021-09-19")
    column_list = column_details_list = ("at", "actor", "act", "subject", "area_code", "case_id", "changes", "origin")
    column_labels = {"at": N_("When"), "actor": N_("Who"), "act": N_("Act"), "subject": N_("On what"),
                     "area_code": N_("Area"), "case_id": N_("Case no."), "changes": N_("Before and after"),
                     "origin": N_("Way in")}
    column_formatters = column_formatters_detail = {
        "at": cell(lambda entry: moment(entry.at)), "act": cell(trailwords.act), "subject": cell(trailwords.subject),
        "area_code": cell(lambda entry: names().full(entry.area_code) if len(entry.area_code) > 6 else entry.area_code),
        "changes": cell(_told), "origin": cell(lambda entry: say(trailwords.ORIGINS.get(entry.origin, entry.origin)))}
    column_default_sort = ("id", True)
    column_filters = (
        equals("act", N_("Act"), AuditEntry.act, titled(trailwords.ACTS)),
        equals("subject", N_("On what"), AuditEntry.subject, titled(trailwords.SUBJECTS)),
        Pick("since", N_("When"), SPANS, _since))

    def searched(self, text: str) -> ColumnElement[bool]:
        try:
            return _day(tidy("date", text))
        except Refusal:
            return prefix(AuditEntry.actor, text)

    def page_title(self, row: AuditEntry) -> str:
        return said(N_("Trail, entry {id}"), id=row.id)
