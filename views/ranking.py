"""Standings of the townships on a day (通报): the table, its workbook, and the circulated reports."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import abort, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import select

from exports import sheets
from models import ranking, scope
from models.base import db
from models.campaign import Campaign
from models.case import CLEARED
from models.document import DOCUMENT_TITLES, DRAWN, Bulletin
from models.months import parse_date
from models.races import once_more
from models.user import Right
from models.words import N_, Refusal, from_json
from views import downloads
from views.base import OfficePage, reads_first, row_id
from views.frame import campaign, now, today
from views.issuing import issue
from views.listing import list_url
from views.people import person
from views.words import SHANGHAI, moment, said, say, undone


class RankingPage(OfficePage):
    title, at = N_("Ranking of the townships"), "ranking"

    @expose("/")
    def index(self) -> Any:
        day, problems = _day()
        return self.page(day, problems)

    def page(self, day: date, problems: Any = ()) -> Any:
        of = campaign()
        if of is None:
            return self.render("admin/ranking.html", campaign=None)
        document = ranking.standings(of, day)
        page = self.render(
            "admin/ranking.html", campaign=of, day=day, today=today(), problems=problems, formula=say(document["formula"]),
            rows=[_row(row, day) for row in document["rows"]], total=document["total"], bulletins=_bulletins(of),
            before=day - timedelta(days=7), may_issue=current_user.may(Right.ISSUE_BULLETINS))
        return (page, 422) if problems else page

    @expose("/issue", methods=("POST",))
    def issue(self) -> Any:
        """Order the report of a day, or go to the one that is there."""
        if not current_user.may(Right.ISSUE_BULLETINS):
            abort(403)
        day, problems = _day()
        if problems:
            return self.page(day, problems)
        try:
            task = once_more(lambda: self._issue(day))
        except Refusal as refusal:
            undone(refusal)
            return self.page(day, [("day", say(refusal))])
        return redirect(url_for("task.show", id=task))

    def _issue(self, day: date) -> int:
        task = issue(campaign() or abort(404), day)
        db.session.commit()
        return task

    @expose("/workbook", methods=("POST",))
    @reads_first
    def workbook(self) -> Any:
        """The table as a workbook."""
        day, problems = _day()
        of = campaign()
        if problems or of is None:
            abort(404)
        at = now() if day == today() else datetime.combine(day, time(23, 59), tzinfo=SHANGHAI)
        return downloads.sent(sheets.build("ranking", of, at, say, downloads.line("通报")),
                              f"{of.county_name}{say(N_('Ranking of the townships'))}_{day}.xlsx", subject="ranking")

    @expose("/bulletin/<id>", methods=("POST",))
    @reads_first
    def download(self, id: str) -> Any:
        """An issued report, for everybody."""
        bulletin = db.session.scalar(select(Bulletin).where(Bulletin.id == row_id(id), Bulletin.state == DRAWN))
        if bulletin is None:
            abort(404)
        return downloads.sent(downloads.kept(bulletin.sha256), bulletin.file_name, "application/pdf",
                              act="download", subject="bulletin", row_id=bulletin.id)


def _day() -> tuple[date, list[tuple[str, str]]]:
    """The day asked for, today if none; a day to come has no standing."""
    text = request.values.get("day", "").strip()
    try:
        day = parse_date(text) if text else today()
    except Refusal as refusal:
        return today(), [("day", say(refusal))]
    if day > today():
        return today(), [("day", said(N_("{day} is still to come: choose a day up to today."), day=day.isoformat()))]
    return day, []


def _row(row: dict[str, Any], day: date) -> dict[str, Any]:
    """A township as the table shows it; its numbers lead to the list only where the list shows the same ones."""
    own = scope.within(row["code"])
    links = _links(row) if own and day == today() else {}
    moved = row["rank_before"] - row["rank"] if row["rank"] and row["rank_before"] else None
    return row | {"links": links, "moved": moved, "own": own and len(scope.current() or "") > 6}


def _links(row: dict[str, Any]) -> dict[str, str]:
    place = {"township": row["code"]} if len(scope.current() or "") <= 6 else {}
    return {"stock": list_url("case", **place, kind="stock"),
            "cleared": list_url("case", **place, kind="stock", state=CLEARED),
            "overdue": list_url("case", **place, due="late"), "added": list_url("case", **place, kind="added")}


def _bulletins(of: Campaign) -> list[dict[str, Any]]:
    found = db.session.scalars(select(Bulletin).where(Bulletin.campaign_id == of.id).order_by(Bulletin.as_of.desc()))
    return [{"row": bulletin, "state": say(DOCUMENT_TITLES[bulletin.state]), "at": moment(bulletin.ordered_at),
             "by": person(bulletin.ordered_by), "fault": say(from_json(bulletin.error)) if bulletin.error else "",
             "url": url_for(".download", id=bulletin.id) if bulletin.state == DRAWN else None} for bulletin in found]
