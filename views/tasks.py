"""Background work as people see it: how far it is, what came of it, and ordering again what failed."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import realtime
from models.base import db
from models.case import Case
from models.document import DRAWN, REFUSED, Bulletin, Document
from models.outbox import DONE, FAILED, QUEUED, RUNNING, TASK_TITLES, Task
from models.papers import order_again
from models.user import Right
from models.words import N_, Refusal, from_json
from views import downloads, reasons
from views.base import OfficeView, reads_first
from views.cases import cell, toned
from views.documents import fault, file_link, state
from views.filters import equals, titled
from views.frame import now, today
from views.issuing import issue
from views.listing import Tab
from views.people import person
from views.words import said, say, undone

KINDS = {"documents": N_("Papers"), "bulletin": N_("Report"), "village_lists": N_("Village lists")}
TONES = {DONE: "is-done", FAILED: "is-late", QUEUED: "is-soon", RUNNING: "is-soon"}


class TaskView(OfficeView):
    title, at, row = N_("Tasks"), "task", Task
    column_list = ("kind", "state", "finished", "ordered_by", "created_at", "ended_at", "error")
    column_labels = {"kind": N_("Kind"), "state": N_("State"), "finished": N_("Progress"), "ordered_by": N_("Ordered by"),
                     "created_at": N_("Ordered at"), "ended_at": N_("Ended at"), "error": N_("Fault")}
    column_formatters = {
        "kind": cell(lambda task: say(KINDS.get(task.kind, task.kind))),
        "state": cell(lambda task: toned(TONES[task.state], say(TASK_TITLES[task.state]))),
        "finished": cell(lambda task: f"{task.finished}/{task.total}"), "ordered_by": cell(lambda task: person(task.ordered_by)),
        "error": cell(lambda task: say(from_json(task.error)) if task.error else "")}
    column_default_sort = ("id", True)
    column_sortable_list = ("created_at",)
    column_filters = (equals("state", N_("State"), Task.state, titled(TASK_TITLES)),)
    tabs = (Tab(N_("All"), {}), Tab(N_("Waiting"), {"state": QUEUED}), Tab(N_("Being drawn"), {"state": RUNNING}),
            Tab(N_("Finished"), {"state": DONE}), Tab(N_("Failed"), {"state": FAILED}))
    empty = N_("No task was ordered yet.")

    @expose("/details/")
    def details_view(self) -> Any:
        return redirect(url_for(".show", id=self.get_one(request.args.get("id")).id))

    @expose("/<id>")
    def show(self, id: str) -> str:
        """How far a task is; the page asks again by itself until it has ended."""
        return self.page(self.get_one(id))

    def page(self, task: Task, problems: Any = ()) -> str:
        documents, bulletin = _documents(task), _bulletin(task)
        return self.render(
            "admin/task.html", title=said(N_("Task {id}: {kind}"), id=task.id, kind=say(KINDS.get(task.kind, task.kind))),
            task=task, state=toned(TONES[task.state], say(TASK_TITLES[task.state])), running=task.state in (QUEUED, RUNNING),
            done=_done(task), times=_times(task), by=person(task.ordered_by),
            fault=say(from_json(task.error)) if task.error else "",
            documents=[(paper, file_link(paper), state(paper), fault(paper)) for paper in documents],
            file=_file(task), ready=sum(paper.state == DRAWN for paper in documents), bulletin=bulletin,
            bulletin_fault=fault(bulletin) if bulletin else "",
            again=_may_order_again(task, documents, bulletin), problems=problems)

    @expose("/<id>/zip", methods=("POST",))
    @reads_first
    def zip(self, id: str) -> Any:
        """All ready papers of a task in one archive."""
        task = self.get_one(id)
        documents = [paper for paper in _documents(task) if paper.state == DRAWN] or abort(404)
        name = said(N_("Papers {day}, task {id}.zip"), day=today().isoformat(), id=task.id)
        people = reasons.people_in(documents)
        why = reasons.given(people)
        if people and why is None:
            return reasons.asked(self, name, people)
        return downloads.sent(downloads.bound(documents), name, downloads.ZIP, act="download", subject="task",
                              area_code=task.area_code, row_id=task.id, papers=len(documents), **reasons.noted(why, people))

    @expose("/<id>/file", methods=("POST",))
    @reads_first
    def file(self, id: str) -> Any:
        """The file a task has made, for whoever ordered it: it carries that person's name."""
        task = self.get_one(id)
        if not _file(task):
            abort(404)
        return downloads.sent(downloads.kept(task.sha256), task.file_name, downloads.ZIP, subject="task",
                              area_code=task.area_code, row_id=task.id)

    @expose("/<id>/again", methods=("POST",))
    def again(self, id: str) -> Any:
        """Order anew what could not be drawn."""
        task = self.get_one(id)
        if not current_user.may(_right(task)):
            abort(403)
        try:
            ordered = _order_again(task)
            db.session.commit()
        except Refusal as refusal:
            undone(refusal)
            return self.page(task, [("", say(refusal))]), 422
        return redirect(url_for(".show", id=ordered))


def _documents(task: Task) -> list[Document]:
    return list(db.session.scalars(
        select(Document).where(Document.task_id == task.id).order_by(Document.id)
        .options(joinedload(Document.case).joinedload(Case.person))))


def _bulletin(task: Task) -> Bulletin | None:
    return db.session.scalar(select(Bulletin).where(Bulletin.task_id == task.id))


def _file(task: Task) -> str | None:
    """The name of the file that the person signed in may fetch here."""
    return task.file_name if task.sha256 and task.ordered_by == current_user.username else None


def _done(task: Task) -> int:
    """How many are finished; a heartbeat may have told more than was filed."""
    return min(task.finished, task.total)


def _times(task: Task) -> dict[str, str]:
    """Time so far, and what is left if it goes on like that. Tasks run on the real clock."""
    spent = ((task.ended_at or realtime.now()) - task.created_at).total_seconds()
    left = spent / task.finished * (task.total - task.finished) if task.finished and task.state == RUNNING else None
    return {"spent": _length(spent), "left": _length(left) if left is not None else ""}


def _length(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    if minutes:
        return said(N_("{minutes} min {seconds} s"), minutes=minutes, seconds=rest)
    return said(N_("{seconds} s"), seconds=rest)


def _right(task: Task) -> Right:
    return Right.ISSUE_BULLETINS if task.kind == "bulletin" else Right.ORDER_PAPERS


def _may_order_again(task: Task, documents: list[Document], bulletin: Bulletin | None) -> bool:
    refused = any(paper.state == REFUSED for paper in [*documents, *([bulletin] if bulletin else [])])
    return refused and task.state in (DONE, FAILED) and current_user.may(_right(task))


def _order_again(task: Task) -> int:
    bulletin = _bulletin(task)
    if bulletin is not None:
        return issue(bulletin.campaign, bulletin.as_of)
    return order_again(task, current_user._get_current_object(), now()).id


