"""Papers (文书): what was ordered for whom, what is ready, what was refused and why."""

from __future__ import annotations

from typing import Any

from flask import abort, g, redirect, request, url_for
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from models.base import db
from models.case import Case
from models.document import DOCUMENT_TITLES, DRAWN, ORDERED, REFUSED, Document
from models.outbox import Task
from models.papers import WITH_NUMBER
from models.words import N_, from_json
from views import downloads, reasons
from views.base import OfficeView, reads_first
from views.casepage import PAPER_TITLES
from views.cases import cell, toned
from views.filters import equals, titled
from views.frame import today
from views.listing import Tab
from views.people import person
from views.places import of_person, place, township_of
from views.words import said, say

TONES = {DRAWN: "is-done", ORDERED: "is-soon", REFUSED: "is-late"}


def state(document: Document) -> Markup:
    return toned(TONES[document.state], say(DOCUMENT_TITLES[document.state]))


def file_link(document: Document) -> Any:
    """The file's name, as a button that fetches it once it is drawn."""
    if document.state != DRAWN:
        return document.file_name
    more = "…" * (document.kind in WITH_NUMBER)  # it asks for a reason first
    return downloads.button(url_for("document.download", id=document.id), document.file_name + more)


def progress(document: Document) -> Any:
    """How far its task is, as a link; a task that the county ordered is none of a township's."""
    task = g.get("tasks", {}).get(document.task_id)
    if task is None:
        return ""
    return Markup('<a href="{}">{}/{}</a>').format(url_for("task.show", id=task.id), task.finished, task.total)


def fault(document: Document) -> str:
    return say(from_json(document.error)) if document.error else ""


class DocumentView(OfficeView):
    title, at, row = N_("Papers"), "document", Document
    search_hint = N_("Name, ID number or tail, pinyin")
    empty = N_("No paper was ordered yet: papers are ordered on the page of a case, or for ticked people in the list.")
    column_list = ("case.person.name", "area_code", "kind", "number", "file_name", "state", "task_id", "ordered_by",
                   "ordered_at", "error")
    column_labels = {
        "case.person.name": N_("Name"), "area_code": N_("Village"), "kind": N_("Kind of paper"), "number": N_("Number"),
        "file_name": N_("File"), "state": N_("State"), "task_id": N_("Progress"), "ordered_by": N_("Ordered by"),
        "ordered_at": N_("Ordered at"), "error": N_("Fault")}
    column_formatters = {
        "area_code": cell(place), "kind": cell(lambda row: say(PAPER_TITLES.get(row.kind, row.kind))),
        "file_name": cell(file_link), "state": cell(state), "task_id": cell(progress),
        "ordered_by": cell(lambda row: person(row.ordered_by)), "error": cell(fault)}
    column_sortable_list = ("area_code", "number", "ordered_at")
    column_default_sort = ("ordered_at", True)
    column_filters = (
        equals("kind", N_("Kind of paper"), Document.kind, titled(PAPER_TITLES)),
        equals("state", N_("State"), Document.state, titled(DOCUMENT_TITLES)),
        township_of(Document.area_code))
    tabs = (Tab(N_("All"), {}), Tab(N_("Ready"), {"state": DRAWN}), Tab(N_("Being drawn"), {"state": ORDERED}),
            Tab(N_("Refused"), {"state": REFUSED}))

    def searched(self, text: str) -> ColumnElement[bool]:
        return of_person(Document.case_id, text)

    def get_query(self) -> Any:
        return super().get_query().options(joinedload(Document.case).joinedload(Case.person))

    def get_list(self, *args: Any, **more: Any) -> Any:
        """The rows of a page, and their tasks."""
        count, rows = super().get_list(*args, **more)
        g.tasks = {task.id: task for task in db.session.scalars(select(Task).where(Task.id.in_({row.task_id for row in rows})))}
        return count, rows

    @expose("/details/")
    def details_view(self) -> Any:
        """A paper is looked at on the page of its case."""
        return redirect(url_for("case.details_view", id=self.get_one(request.args.get("id")).case_id))

    @expose("/<id>/download", methods=("POST",))
    @reads_first
    def download(self, id: str) -> Any:
        """The drawn paper under its Chinese name; one that prints the whole number asks for a reason first."""
        document = self.get_one(id)
        if document.state != DRAWN:
            abort(404)
        people = reasons.people_in([document])
        why = reasons.given(people)
        if people and why is None:
            return reasons.asked(self, document.file_name, people)
        return downloads.sent(
            downloads.kept(document.sha256), document.file_name, "application/pdf", act="download", subject="document",
            area_code=document.area_code, row_id=document.id, case_id=document.case_id, **reasons.noted(why, people))

    def deeds(self) -> list[tuple[str, str]]:
        return [("zip", say(N_("Download as one archive")))]

    def do(self, name: str, ids: list[int]) -> Any:
        found = self.get_query().filter(Document.id.in_(ids)).order_by(Document.id).all()
        archive, people = said(N_("Papers {day}.zip"), day=today().isoformat()), reasons.people_in(found)
        why = reasons.given(people)
        if people and why is None:
            return reasons.asked(self, archive, people)
        return downloads.sent(downloads.bound(found), archive, downloads.ZIP, act="download", subject="document",
                              papers=len(found), **reasons.noted(why, people))
