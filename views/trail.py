"""The trail, to be read: who did what, when, with what before and after."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from markupsafe import Markup
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

# One entry a title: an act has one name on screen and another by command.
_ACTS = [(name, title) for title, name in {title: name for name, title in reversed(trailwords.ACTS.items())}.items()]


def _days(first: date, last: date) -> ColumnElement[bool]:
    """With an end as well: without one SQLite goes by the index of the areas, and looks at every row."""
    start, end = (datetime.combine(day, datetime.min.time(), tzinfo=SHANGHAI) for day in (first, last))
    return and_(AuditEntry.at >= start, AuditEntry.at < end + timedelta(days=1))


def _since(days: str) -> ColumnElement[bool]:
    return _days(today() - timedelta(days=int(days) - 1), today())


def _day(text: str) -> ColumnElement[bool]:
    return _days(parse_date(text), parse_date(text))


def _pairs(changes: list[tuple[str, str, str]]) -> str:
    return "；".join(f"{name}：{before} → {after}" if before != "–" else f"{name}：{after}" for name, before, after in changes)


def _told(entry: AuditEntry) -> str:
    """What the act tells, and the row it is about; its other rows stand on the page of the entry."""
    own = [row for row in entry.changed if (row["subject"], row["row_id"]) == (entry.subject, entry.row_id)]
    return "；".join(filter(None, [_pairs(trailwords.details(entry)), *(_pairs(trailwords.changes(row)) for row in own)])) or "–"


def _rows(entry: AuditEntry) -> Markup | str:
    """Every row it changed, a line each."""
    return Markup("<br>").join(
        f"{say(trailwords.ACTS[row['change']])}{trailwords.subject_title(row['subject'])} {row['row_id']}："
        f"{_pairs(trailwords.changes(row)) or '–'}" for row in entry.changed) or "–"


class AuditView(OfficeView):
    title, at, row, needs = N_("Trail"), "audit", AuditEntry, Right.SEE_TRAIL
    search_hint = N_("User name, or a day such as 2021-09-19")
    column_list = ("at", "actor", "act", "result", "subject", "area_code", "case_id", "changes", "why", "origin")
    column_details_list = ("at", "actor", "role", "address", "session_id", "origin", "act", "result", "why", "subject", "row_id",
                           "area_code", "case_id", "changes", "rows")
    column_labels = {"at": N_("When"), "actor": N_("Who"), "act": N_("Act"), "subject": N_("On what"),
                     "area_code": N_("Area"), "case_id": N_("Case no."), "changes": N_("Before and after"),
                     "origin": N_("Way in"), "role": N_("Post"), "address": N_("From which machine"),
                     "session_id": N_("Sign-in no."), "result": N_("Result"), "why": N_("Why"), "row_id": N_("Row no."),
                     "rows": N_("Changed rows")}
    column_formatters = column_formatters_detail = {
        "at": cell(lambda entry: moment(entry.at)), "act": cell(trailwords.act), "subject": cell(trailwords.subject),
        "area_code": cell(lambda entry: names().full(entry.area_code) if len(entry.area_code) > 6 else entry.area_code),
        "changes": cell(_told), "rows": cell(_rows), "result": cell(trailwords.result), "why": cell(trailwords.why),
        "role": cell(lambda entry: say(trailwords.role(entry))),
        "origin": cell(lambda entry: say(trailwords.ORIGINS.get(entry.origin, entry.origin)))}
    column_default_sort = ("id", True)
    column_filters = (
        Pick("act", N_("Act"), _ACTS, lambda act: AuditEntry.act.in_(
            name for name, title in trailwords.ACTS.items() if title == trailwords.ACTS.get(act))),
        equals("result", N_("Result"), AuditEntry.result, titled(trailwords.RESULTS)),
        equals("subject", N_("On what"), AuditEntry.subject, titled(trailwords.SUBJECTS)),
        Pick("since", N_("When"), SPANS, _since))

    def searched(self, text: str) -> ColumnElement[bool]:
        try:
            return _day(tidy("date", text))
        except Refusal:
            return prefix(AuditEntry.actor, text)

    def page_title(self, row: AuditEntry) -> str:
        return said(N_("Trail, entry {id}"), id=row.id)
