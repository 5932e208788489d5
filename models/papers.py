"""Ordering papers: facts and number frozen, one background task for all of them, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import audit, outbox, scope
from models.area import Names
from models.base import db
from models.case import Case
from models.document import ORDERED, REFUSED, Document, next_number
from models.outbox import Task
from models.paperfacts import PAPERS, common
from models.user import Right, Role, User
from models.words import N_, Message, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBERED = {"recovery": "函"}
# Papers that print the whole ID number: they leave only for a reason. The others show its tail.
WITH_NUMBER = {"back_pay", "recovery", "deregistration", "sealing"}


def order_documents(cases: Sequence[Case], kind: str, by: User, now: datetime) -> Task:
    """Order one paper of *kind* for every case; returns the task that draws them. Raises Refusal naming the person.

    All or none: a case that cannot have the paper refuses the order, so that no number is given in vain. What was
    ordered with the very same facts is not ordered twice: a form sent again leads to the task of the first time.
    """
    if not by.may(Right.ORDER_PAPERS):
        raise Refusal(N_("Your post does not order papers."))
    if kind in NUMBERED and by.role == Role.TOWNSHIP:
        raise Refusal(N_("Papers with a document number are ordered by the county."))
    if not cases:
        raise Refusal(N_("Nobody is chosen: tick at least one person."))
    today, names = now.astimezone(SHANGHAI).date(), Names()
    facts = [paper_facts(case, kind, today, names) for case in cases]
    if (before := _ordered_before(cases, kind, facts)) is not None:
        return before
    task = outbox.order("documents", scope.current() or by.area_code, by.username, total=len(cases))
    db.session.flush()
    for case, known in zip(cases, facts, strict=True):
        paper = _document(case, kind, known, task, by.username, now, today, names)
        db.session.add(paper)
        db.session.flush()
        audit.record("order_paper", "document", paper.area_code, paper.id, paper.case_id)
    return task


def _ordered_before(cases: Sequence[Case], kind: str, facts: Sequence[dict]) -> Task | None:
    """The task in sight that has drawn, or will draw, just these papers from these facts."""
    bare = lambda known: {name: value for name, value in known.items() if name != "number"}
    papers = db.session.scalars(select(Document).where(
        Document.case_id.in_([case.id for case in cases]), Document.kind == kind, Document.state != REFUSED)).all()
    tasks = [{paper.task_id for paper in papers if paper.case_id == case.id and bare(paper.facts) == bare(known)}
             for case, known in zip(cases, facts, strict=True)]
    return db.session.scalar(select(Task).where(Task.id.in_(set.intersection(*tasks)), Task.total == len(cases))
                             .order_by(Task.id.desc()).limit(1))


def order_again(task: Task, by: User, now: datetime) -> Task:
    """Order anew, in a task of their own, the papers of *task* that could not be drawn; facts and numbers stay.

    Raises Refusal if there is none.
    """
    if not by.may(Right.ORDER_PAPERS):
        raise Refusal(N_("Your post does not order papers."))
    refused = db.session.scalars(
        select(Document).where(Document.task_id == task.id, Document.state == REFUSED).order_by(Document.id)).all()
    if not refused:
        raise Refusal(N_("No paper of this task is left to be drawn."))
    again = outbox.order(task.kind, task.area_code, by.username, total=len(refused))
    db.session.flush()
    for document in refused:
        document.state, document.error, document.task_id = ORDERED, None, again.id
        document.ordered_by, document.ordered_at = by.username, now
    return again


def paper_facts(case: Case, kind: str, issued_on: date, names: Names) -> dict:
    """The facts of a paper of *kind* for a case. Raises Refusal if the category has no such paper or a fact is missing."""
    if kind not in PAPERS:
        raise Refusal(N_("There is no notice “{key}”."), key=kind)
    if kind not in case.way.notices:
        raise Refusal(N_("Category “{category}” has no such paper ({name})."), category=Message(case.way.title),
                      name=case.person.name)
    return common(case, issued_on, names) | PAPERS[kind][1](case, issued_on, names)


def _document(case: Case, kind: str, facts: dict, task: Task, by: str, now: datetime, today: date,
              names: Names) -> Document:
    if kind in NUMBERED:
        facts["number"] = next_number(_prefix(case) + NUMBERED[kind], today.year)
    place = names.township(case.area_code)
    return Document(
        case=case, area_code=case.area_code, task_id=task.id, kind=kind, number=facts["number"], facts=facts,
        file_name=f"{place}-{case.person.name}-{PAPERS[kind][0]}.pdf", ordered_by=by, ordered_at=now)


def _prefix(case: Case) -> str:
    """交人社 from 交人社字〔2021〕82号: the county's own letters."""
    letters = case.campaign.document_no.split("〔")[0].removesuffix("字")
    if "〔" not in case.campaign.document_no:
        raise Refusal(N_("The campaign has no document number yet: the county administrator fills it in."))
    return letters
