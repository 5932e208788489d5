"""The pages of a deed on many cases: what is asked, what will change and what is skipped, what was done."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user

from models.base import db
from models.races import once_more
from models.schema import to_read
from models.words import N_, Refusal
from views import bulk, proof, seen, standing
from views.frame import now, today
from views.places import place
from views.stepform import fields, gaps_of
from views.words import said, say


class CaseBulk:
    """Mixed into the view of cases: its ticks lead here."""

    def deeds(self) -> list[tuple[str, str]]:
        return [(deed.name, deed.title) for deed in bulk.deeds()]

    def do(self, name: str, ids: list[int]) -> Any:
        deed = _deed(name)
        cases = bulk.chosen(ids, self.limits())
        return self._asked(deed, cases) if deed.asks(cases) else self._checked(deed, cases)

    @expose("/bulk", methods=("POST",))
    def bulk(self) -> Any:
        """The next page of a deed: the form again, the check, or the deed itself."""
        deed = _deed(request.form.get("deed", ""))
        cases = bulk.chosen(list(_seen()), self.limits()) or abort(404)
        page = {"check": self._checked, "apply": self._done}.get(request.form.get("stage", ""), self._asked)
        return page(deed, cases)

    def _asked(self, deed: bulk.Deed, cases: list, problems: Any = ()) -> Any:
        page = self._page("form", deed, cases, problems=problems, fields=fields(deed.asks(cases), {}, request.form))
        return (page, 422) if problems else page

    def _checked(self, deed: bulk.Deed, cases: list, problems: Any = ()) -> Any:
        lacking = gaps_of(deed.asks(cases), request.form)
        if lacking:
            return self._asked(deed, cases, lacking)
        ids = [case.id for case in cases]
        verdicts = deed.tried(cases, request.form, current_user._get_current_object(), now())
        cases = _looked_at(ids)
        page = self._page("check", deed, cases, verdicts=verdicts, asked=bool(deed.asks(cases)),
                          proof=_asks_proof(deed) and proof.needed(), problems=problems)
        return (page, 422) if problems else page

    def _done(self, deed: bulk.Deed, cases: list) -> Any:
        if _asks_proof(deed):
            try:
                proof.proved()
            except Refusal as refusal:
                return self._checked(deed, cases, [("code", say(refusal))])
        ids = [case.id for case in cases]
        verdicts = once_more(lambda: self._carry_out(deed, cases))  # papers are ordered for all or none
        if deed.task and not any(verdict.why for verdict in verdicts):
            return redirect(url_for("task.show", id=deed.task.id))
        return self._page("done", deed, _looked_at(ids), verdicts=verdicts)

    def _carry_out(self, deed: bulk.Deed, cases: list) -> list[bulk.Verdict]:
        verdicts = deed.many(cases, request.form, current_user._get_current_object(), now(), _seen())
        db.session.commit()
        return verdicts

    def _page(self, stage: str, deed: bulk.Deed, cases: list, **facts: Any) -> str:
        title = {"form": N_("{deed}: {n} people"), "check": N_("Check: {deed}"), "done": N_("Result: {deed}")}[stage]
        verdicts = facts.get("verdicts", [])
        return self.render("admin/bulk.html", title=said(title, deed=deed.title, n=len(cases)), stage=stage, deed=deed,
                           cases=cases, today=today(), place=place, category=standing.category,
                           next_step=standing.next_step, ids=",".join(f"{case.id}:{case.version}" for case in cases),
                           kept=[(name, text) for name, text in request.form.items() if name.startswith("fact-") or name == "on"],
                           doing=[v for v in verdicts if not v.why], skipped=[v for v in verdicts if v.why],
                           **{"problems": [], **facts})


def _looked_at(ids: list[int]) -> list:
    """The cases as they stand now, read at once and without keeping those waiting who write."""
    to_read()
    return bulk.chosen(ids, ())


def _asks_proof(deed: bulk.Deed) -> bool:
    return getattr(deed, "key", "") in proof.MONEY


def _deed(name: str) -> bulk.Deed:
    return next((deed for deed in bulk.deeds() if deed.name == name), None) or abort(404)


def _seen() -> dict[int, int]:
    """The cases a page showed, with the versions it showed them in."""
    return seen.versions(request.form.get("ids", "").split(",")[:bulk.MOST])

