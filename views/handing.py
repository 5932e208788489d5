"""Handing the list out (下发与回执): county to townships, townships to villages, receipts, each township's plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user

from exports import sheets
from exports.uploads import checked_upload
from exports.villagelists import file_name, village_list, village_lists
from models import handing, scope
from models.base import db
from models.campaign import Campaign, Handout, Preparation
from models.races import Stale, noticed
from models.schema import to_write
from models.user import Right, Role
from models.words import N_, Refusal
from views import difference, downloads, handouts, saving, seen
from views.base import OfficePage, reads_first, row_id
from views.frame import campaign, now
from views.places import names
from views.words import said, say, undone

VILLAGE_USE = "村级核实"
AT_ONCE = 5_000  # people whose lists are made while one waits, a second or two; those of more in the background


class HandingPage(OfficePage):
    title, at = N_("Handing out"), "handing"

    @expose("/")
    def index(self) -> Any:
        """A township's own page; for the county all townships, or the one asked for."""
        of = campaign()
        if of is None:
            return self.render("admin/handing.html", campaign=None)
        if current_user.role == Role.TOWNSHIP or "township" in request.args:
            return self.township(of, _township())
        return self.render("admin/handing.html", campaign=of, rows=handouts.townships(of),
                           may=current_user.may(Right.HAND_OUT))

    def township(self, of: Campaign, code: str, problems: Any = (), status: int = 200) -> Any:
        facts = handouts.township(of, code)
        page = self.render(
            "admin/handing_township.html", title=said(N_("Handing out: {township}"), township=names().township(code)),
            campaign=of, code=code, problems=problems, typed=request.form, **facts, **_marks(facts["plan"], status),
            may=current_user.may(Right.HAND_ON) and scope.current() == code)
        return page, status

    def waiting(self) -> int:
        return handouts.without_receipt(campaign()) if current_user.may(Right.HAND_ON) else 0

    @expose("/check")
    def check(self) -> str:
        """Who would get how many people: handing out freezes the stock and happens once."""
        of = campaign() or abort(404)
        _need(Right.HAND_OUT)
        rows = handouts.would_get(of)
        return self.render("admin/handing_check.html", title=say(N_("Check: hand out the list")), campaign=of, rows=rows,
                           total=[sum(row[place] for row in rows) for place in (1, 2, 3)])

    @expose("/out", methods=("POST",))
    def out(self) -> Any:
        _need(Right.HAND_OUT)
        return self._do(lambda of: handing.hand_out(of, current_user.username, now()),
                        N_("The list was handed out to {n} townships."))

    @expose("/on", methods=("POST",))
    def on(self) -> Any:
        _need(Right.HAND_ON)
        return self._do(lambda of: handing.hand_on(of, current_user.area_code, current_user.username, now()),
                        N_("The list was handed on to {n} villages."))

    @expose("/receipt", methods=("POST",))
    def receipt(self) -> Any:
        """Who received a list: the township's own or one of its villages'."""
        _need(Right.HAND_ON)
        handout = handouts.one(row_id(request.form.get("handout"))) or abort(404)
        return self._do(lambda of: handing.confirm_receipt(handout, request.form.get("person", "")[:60], now()),
                        N_("The receipt was recorded."), f"person-{handout.id}")

    @expose("/plan", methods=("POST",))
    @reads_first
    def plan(self) -> Any:
        """The leading group and the plan of one's own township."""
        _need(Right.HAND_ON)
        return self._do(self._prepare, N_("Leading group and plan were recorded."), "leader")

    def _prepare(self, of: Campaign) -> Preparation:
        _refuse_stale_plan(of)
        file = request.files.get("plan")
        if file is None or not file.filename:
            raise Refusal(N_("Choose the file of the plan: PDF, JPEG or PNG."))
        leader, members = request.form.get("leader", "")[:60], request.form.get("members", "")[:1000]
        scan = checked_upload("plan", file.read(), file.filename, current_app.extensions["store"].put)
        to_write()
        _refuse_stale_plan(of)
        return handing.prepare(of, current_user.area_code, leader, members, scan, current_user.username, now())

    def _do(self, verb: Callable[[Campaign], Any], after: str, field: str = "") -> Any:
        """Do it and say so; a refusal comes back on the page with what was typed."""
        of = campaign() or abort(404)
        try:
            with noticed():
                done = verb(of)
                db.session.commit()
        except Refusal as refusal:
            undone(refusal)
            if current_user.role == Role.TOWNSHIP:
                status = 409 if isinstance(refusal, Stale) else 422
                return self.township(campaign(), current_user.area_code, [(field, say(refusal))], status)
            flash(say(refusal), "error")
        else:
            flash(said(after, n=len(done) if isinstance(done, list) else 1), "success")
        return redirect(url_for(".index"))

    @expose("/plan/<id>", methods=("POST",))
    @reads_first
    def plan_file(self, id: str) -> Any:
        found: Preparation = handouts.one(row_id(id), Preparation) or abort(404)
        return downloads.sent(downloads.kept(found.plan_sha256), found.plan_name, "application/octet-stream",
                              act="download", subject="preparation", area_code=found.area_code, row_id=found.id)

    @expose("/village/<id>", methods=("POST",))
    @reads_first
    def village(self, id: str) -> Any:
        """The list of one village as a workbook."""
        handout: Handout = handouts.one(row_id(id)) or abort(404)
        if len(handout.area_code) != 12:
            abort(404)
        code, place = handout.area_code, names().full(handout.area_code)
        content = village_list(handout.campaign, code, names(), downloads.line(VILLAGE_USE))
        return downloads.sent(content, file_name(place), subject="handout", area_code=code)

    @expose("/villages", methods=("POST",))
    @reads_first
    def villages(self) -> Any:
        """The lists of all villages of a township in one archive; of very many people as a task that shows how far it is."""
        of, code = campaign() or abort(404), _township()
        rows = handouts.villages(of, code) or abort(404)
        codes, name = [row.area_code for row in rows], said(N_("{township} village lists.zip"), township=names().township(code))
        if sum(row.people for row in rows) > AT_ONCE:
            return self._ordered(of, code, codes, name)
        content = village_lists(of, codes, names(), downloads.line(VILLAGE_USE))
        return downloads.sent(content, name, downloads.ZIP, subject="handout", area_code=code)

    def _ordered(self, of: Campaign, code: str, villages: list[str], name: str) -> Any:
        to_write()
        task = handing.order_lists(of, code, villages, name, downloads.line(VILLAGE_USE), current_user.username)
        db.session.commit()
        return redirect(url_for("task.show", id=task.id))

    @expose("/export", methods=("POST",))
    @reads_first
    def export(self) -> Any:
        """The table of hand-outs and receipts as a workbook."""
        content = sheets.build("handouts", campaign() or abort(404), now(), say, downloads.line("下发与回执"))
        return downloads.sent(content, f"{say(self.title)}_{now():%Y-%m-%d}.xlsx", subject="handout")


def _marks(plan: Preparation | None, status: int) -> dict[str, Any]:
    """What the form of the plan carries of the one that is there; the difference, where it came too late."""
    if status == 422 and "version" in request.form:
        return {"version": request.form["version"], "seen": seen.since(), "difference": []}
    late = status == 409 and plan is not None
    told = difference.of_row(plan, seen.since(), request.form, ("leader", "members", "plan_name")) if late else []
    return {"version": seen.token(plan), "seen": seen.newest(), "difference": told}


def _refuse_stale_plan(of: Campaign) -> None:
    if not seen.fresh(handouts.plan(of, current_user.area_code)):
        raise Stale(saving.KEPT)


def _need(right: Right) -> None:
    if not current_user.may(right):
        abort(403)


def _township() -> str:
    """The township asked for, or one's own; 404 for one that is not in one's area."""
    code = request.args.get("township") or scope.current() or ""
    return code if len(code) == 9 and scope.within(code) and code in names().townships else abort(404)
