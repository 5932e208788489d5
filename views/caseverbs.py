"""What is done on the page of a case: each form one verb of the workflow, refused with the page as it was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import select, tuple_

from models import realtime, workflow
from models.base import db
from models.case import Case
from models.certificate import Upload, attach
from models.months import parse_date
from models.numberview import whole_number
from models.outbox import Task
from models.races import Stale, noticed
from models.schema import to_read, to_write
from models.user import Right, User
from models.words import N_, Refusal
from views import casepage, papers, proof, seen, standing, stepform, trailwords
from views.base import reads_first
from views.frame import now, today
from views.people import person
from views.words import said, say, undone

CHANGED = N_("Somebody else changed this case meanwhile: {what}. What you typed is kept; choose the files again, "
             "compare, then send it once more.")


class CaseVerbs:
    """The addresses behind the forms of a case. Mixed into the view of cases, whose `get_one` limits them all."""

    @expose("/<id>/step", methods=("POST",))
    @reads_first
    def step(self, id: str) -> Any:
        """Take the next step; all that is missing is said at once."""
        case = self.get_one(id)
        if not current_user.may(Right.CHANGE_CASES):
            abort(403)
        step = case.way.step(request.form.get("step", ""))
        if step is None:
            return self._refused(case, [("", say(self._changed(case)))], 409)
        given = stepform.answers(step.facts, request.form)
        kinds = {c.kind for c in case.certificates} | {
            name.removeprefix("proof-") for name, file in request.files.items(multi=True) if file.filename}
        lacking = stepform.gaps(step, case.facts, given, kinds)
        if lacking and seen.fresh(case) and casepage.may_take(step):
            return self._refused(case, lacking, 422)
        if step.key in proof.MONEY and seen.fresh(case) and casepage.may_take(step):
            try:
                proof.proved()
            except Refusal as refusal:
                return self._refused(case, [("code", say(refusal))], 422)

        files: list[Upload] = []

        def take(case: Case, by: User) -> None:
            on = stepform.tidy("date", request.form.get("on", ""))
            workflow.advance(case, step.key, by, now(), on=parse_date(on) if on else None, facts=given, uploads=files)
        return self._do(case, take, said(N_("{name}: “{step}” is done."), name=case.person.name, step=say(step.title)),
                        lambda refusal: stepform.where(refusal, step), first=lambda: files.extend(_files()))

    @expose("/<id>/undo", methods=("POST",))
    def undo(self, id: str) -> Any:
        return self._do(self.get_one(id), lambda case, by: workflow.undo(case, request.form.get("step", ""), by, now(), _why()),
                        say(N_("The step was taken back.")), lambda refusal: "undo-why")

    @expose("/<id>/reclassify", methods=("POST",))
    def reclassify(self, id: str) -> Any:
        return self._do(self.get_one(id), lambda case, by: workflow.reclassify(
            case, request.form.get("category", ""), by, now(), _why()),
            say(N_("The category was changed.")), lambda refusal: "reclassify-why")

    @expose("/<id>/return", methods=("POST",))
    def give_back(self, id: str) -> Any:
        return self._do(self.get_one(id), lambda case, by: workflow.give_back(case, by, now(), _why()),
                        say(N_("The settlement was returned.")), lambda refusal: "return-why")

    @expose("/<id>/attach", methods=("POST",))
    @reads_first
    def attach(self, id: str) -> Any:
        """Add material to a case without taking a step."""
        files: list[Upload] = []

        def add(case: Case, by: User) -> None:
            if not files:
                raise Refusal(N_("Choose a file first."))
            for file in files:
                attach(case, file, by.username, now())
        return self._do(self.get_one(id), add, say(N_("The material was added.")), lambda refusal: "attach-file",
                        first=lambda: files.extend(_files()))

    @expose("/<id>/paper", methods=("POST",))
    def paper(self, id: str) -> Any:
        """Order one paper of a case, and follow its task."""
        return self._do(self.get_one(id), lambda case, by: papers.order([case], request.form.get("kind", ""), by, now()),
                        say(N_("The paper was ordered.")), lambda refusal: "paper-kind",
                        right=Right.ORDER_PAPERS)

    @expose("/<id>/number", methods=("POST",))
    def number(self, id: str) -> Any:
        """Show the whole ID number once, for a reason that goes into the trail."""
        case = self.get_one(id)
        try:
            number = whole_number(case, current_user._get_current_object(), _why(), realtime.now())
            db.session.commit()
        except Refusal as refusal:
            db.session.rollback()
            return self._refused(case, [("number-why", say(refusal))], 422)
        return self.page(case, number=number)

    def _do(self, case: Case, verb: Callable[[Case, User], Any], said_after: str,
            field: Callable[[Refusal], str], right: Right = Right.CHANGE_CASES, first: Callable[[], Any] = lambda: None) -> Any:
        """Check the version, do the verb, commit; otherwise the page again, as it was typed. *first*: what takes its time
        and changes nothing, so that nobody waits for it."""
        if not current_user.may(right):
            abort(403)
        try:
            with noticed():
                _refuse_stale(case)
                first()
                to_write()
                _refuse_stale(case)
                done = verb(case, current_user._get_current_object())
                db.session.commit()
        except Stale as stale:
            undone(stale)
            return self._refused(case, [("", say(self._changed(case)))], 409)
        except Refusal as refusal:
            undone(refusal)
            return self._refused(case, [(field(refusal), say(refusal))], 422)
        flash(said_after, "success")
        to_read()  # nobody who writes waits while the next case is looked for
        return redirect(url_for("task.show", id=done.id) if isinstance(done, Task) else self._onward(case))

    def _changed(self, case: Case) -> Any:
        """The refusal of a page that is too old, with what happened since it was drawn."""
        since = casepage.entries(case, current_user.may(Right.SEE_MONEY), seen.since())
        told = [f"{person(entry.actor)} {trailwords.headline(entry)}" for entry in reversed(since)
                if entry.changed]
        return Refusal(CHANGED, what="；".join(dict.fromkeys(told)) or "–").message

    def _refused(self, case: Case, problems: list[tuple[str, str]], status: int) -> Any:
        """A page with what is wrong in it stays as old as it was; one that came too late is new: sent again, it is meant."""
        old = {"version": request.form.get("version", seen.NOTHING), "seen": seen.since()} if status == 422 else {}
        return self.page(case, typed=request.form, problems=problems, **old), status

    def _onward(self, case: Case) -> str:
        """The page itself, or the next case that waits for this person."""
        if request.form.get("then") != "next":
            return url_for(".details_view", id=case.id)
        here = tuple_(Case.area_code, Case.id)
        following = db.session.scalar(
            select(Case.id).where(standing.waits_for_me(), here > (case.area_code, case.id), *self.limits())
            .order_by(Case.area_code, Case.id).limit(1))
        if following is None:
            flash(say(N_("That was the last one that waits for you behind this one.")), "success")
            return url_for(".index_view", flt0_waits="me")
        return url_for(".details_view", id=following)

    def page(self, case: Case, typed: Any = None, problems: Any = (), **more: Any) -> str:
        """The page of a case, also with what a refused form held."""
        sent = request.endpoint.rpartition(".")[2] if typed else ""
        return self.render("admin/case.html", title=self.page_title(case), case=case, problems=problems, today=today(),
                           **{"version": seen.token(case), "number": None} | casepage.page(case, typed or {}, sent) | more)


def _refuse_stale(case: Case) -> None:
    if not seen.fresh(case):
        raise Stale(CHANGED)


def _files() -> list[Upload]:
    """What came with the form, judged, made anew and kept: pictures take their time."""
    return stepform.uploads(request.files, current_app.extensions["store"].put)


def _why() -> str:
    return request.form.get("why", "").replace("\0", "").strip()[:200]

