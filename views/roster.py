"""Lists brought in (导入名单): upload, check page, confirmation, result; what was refused as a file to be mended."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, redirect, request, session, url_for
from flask_admin import expose
from flask_login import current_user

from exports.blanks import blank
from exports.errorrows import write_errors
from exports.intake import KINDS, Brought, bring_in
from exports.uploads import tidy_name
from models.base import db
from models.campaign import the_campaign
from models.imports import CROSSED, ImportRun, earlier_run
from models.races import Stale, once_more
from models.user import Right
from models.words import N_, Refusal
from views import downloads
from views.base import OfficeView
from views.cases import cell
from views.frame import now
from views.outcomes import LIST_TITLES, counted, outcomes, seal
from views.people import person
from views.words import moment, said, say, undone

SINCE = N_("Somebody changed meanwhile what this list would change: look at the check again, then confirm.")
KEPT = 5  # uploads that one sign-in holds open


class RosterView(OfficeView):
    title, at, row, needs = N_("Lists brought in"), "roster", ImportRun, Right.IMPORT_LISTS
    list_template = "admin/roster.html"
    empty = N_("No list was brought in yet.")
    column_list = ("kind", "file_name", "counts", "imported_by", "imported_at")
    column_labels = {"kind": N_("Kind of list"), "file_name": N_("File"), "counts": N_("Outcome"),
                     "imported_by": N_("Brought in by"), "imported_at": N_("Brought in at")}
    column_details_list = column_list
    column_formatters = column_formatters_detail = {
        "kind": cell(lambda run: say(LIST_TITLES.get(run.kind, run.kind))), "counts": cell(lambda run: counted(run.counts)),
        "imported_by": cell(lambda run: person(run.imported_by)), "imported_at": cell(lambda run: moment(run.imported_at))}
    column_default_sort = ("id", True)

    def page_title(self, row: ImportRun) -> str:
        return f"{say(LIST_TITLES.get(row.kind, row.kind))} {row.file_name}"

    def render(self, template: str, **facts: Any) -> str:
        return super().render(template, kinds=[(kind, say(title)) for kind, title in LIST_TITLES.items()], **facts)

    @expose("/template/<kind>")
    def template(self, kind: str) -> Any:
        """An empty list to fill in."""
        layout, _load = KINDS.get(kind) or abort(404)
        name = say(LIST_TITLES[kind])
        return downloads.file(blank(name, layout), said(N_("{list} (template).xlsx"), list=name))

    @expose("/check", methods=("POST",))
    def check(self) -> Any:
        """What a file would do, before it does it."""
        kind, file = request.form.get("kind", ""), request.files.get("file")
        if kind not in KINDS:
            return self._upload_refused("", N_("Say which kind of list it is."))
        if file is None or not file.filename:
            return self._upload_refused(kind, N_("Choose a file first."))
        data, name = file.read(), tidy_name(file.filename)
        try:
            brought = self._try(kind, data, name)
        except Refusal as refusal:
            return self._upload_refused(kind, refusal)
        sha256 = current_app.extensions["store"].put(data)
        return self._checked(sha256, kind, name, brought)

    def _try(self, kind: str, data: bytes, name: str) -> Brought:
        """Bring the list in without keeping it. Nothing is locked while the file is read: the load begins to write."""
        campaign, by = the_campaign(), current_user.username
        db.session.rollback()
        return bring_in(kind, data, name, campaign, by, now())

    def _checked(self, sha256: str, kind: str, name: str, brought: Brought, problems: Any = ()) -> str:
        facts = outcomes(brought)
        _remember(sha256, kind, name, seen=seal(brought))
        db.session.rollback()
        earlier = earlier_run(sha256)
        return self.render(
            "admin/roster_check.html", title=said(N_("Check: {deed}"), deed=name), done=False, sha256=sha256, kind=kind,
            problems=problems, name=name, earlier=earlier and said(N_("This file was already brought in by {by} at {at}."),
                                                by=person(earlier.imported_by), at=moment(earlier.imported_at)), **facts)

    def _upload_refused(self, kind: str, why: Any) -> Any:
        """Back to the form with the sentence and the kind as it was chosen; a file has to be chosen anew."""
        flash(say(undone(why if isinstance(why, Refusal) else Refusal(why))), "error")
        return redirect(url_for(".index_view", kind=kind))

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> Any:
        """Bring in the file that was checked, all of it in one transaction."""
        sha256, kept = _remembered()
        if kept.get("run"):
            flash(say(N_("This file was just brought in: here is its result.")), "success")
            return redirect(url_for(".details_view", id=kept["run"]))
        data, backup = current_app.extensions["store"].get(sha256), current_app.extensions["backup"]
        made = backup.first()
        try:
            return once_more(lambda: self._bring(sha256, data, lambda: backup.record(made), **kept))
        except Stale:
            return self._upload_refused(kept["kind"], CROSSED)

    def _bring(self, sha256: str, data: bytes, tell: Callable[[], None], kind: str, name: str, seen: str, **_run: Any) -> Any:
        """The result page, once the list is in; the check page again where it would now do something else."""
        brought = self._try(kind, data, name)
        if seal(brought) != seen:
            return self._checked(sha256, kind, name, brought, [("", say(SINCE))]), 409
        facts = outcomes(brought)
        tell()
        db.session.commit()
        _remember(sha256, kind, name, run=earlier_run(sha256).id)
        return self.render("admin/roster_check.html", title=said(N_("Result: {deed}"), deed=name), done=True,
                           sha256=sha256, kind=kind, name=name, earlier=None, **facts)

    @expose("/errors", methods=("POST",))
    def errors(self) -> Any:
        """The refused rows, each with its reason, to be mended and brought in again: the numbers are the uploader's own."""
        sha256, kept = _remembered()
        brought = self._try(kept["kind"], current_app.extensions["store"].get(sha256), kept["name"])
        out = io.BytesIO()
        db.session.rollback()  # only what was refused is asked for
        write_errors(brought.table, brought.listing.headings, brought.listing, out, say, downloads.line("改正后重新导入"))
        stem = kept["name"].rpartition(".")[0] or kept["name"]
        return downloads.sent(out.getvalue(), said(N_("{file} refused rows.xlsx"), file=stem), subject="import_run")


def _remember(sha256: str, kind: str, name: str, seen: str = "", run: int | None = None) -> None:
    """What this sign-in uploaded: only that may be confirmed by it."""
    kept = {key: value for key, value in session.get("uploads", {}).items() if key != sha256}
    newest = list(kept.items())[-(KEPT - 1):]
    session["uploads"] = dict([*newest, (sha256, {"kind": kind, "name": name, "seen": seen, "run": run})])


def _remembered() -> tuple[str, dict[str, Any]]:
    sha256 = request.form.get("sha256", "")
    kept = session.get("uploads", {}).get(sha256)
    return (sha256, kept) if kept else abort(404)
