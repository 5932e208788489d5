"""Whole numbers out (带号导出): the list with whole ID numbers, for a reason; a long one once a second person allows it."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import func, select

from exports import sheets
from models import formkey, leaving, realtime, scope
from models.base import db
from models.campaign import Campaign
from models.leaving import ASKED, ExportRequest
from models.user import Right, User
from models.words import N_
from views import downloads, proof, reasons
from views.base import OfficePage, row_id
from views.frame import campaign, now
from views.people import person
from views.places import names
from views.words import moment, said, say

SHOWN = 100  # requests, the newest first


class LeavingPage(OfficePage):
    title, at = N_("Whole numbers out"), "leaving"

    def is_accessible(self) -> bool:
        return current_user.is_authenticated and any(map(current_user.may, (
            Right.EXPORT_NUMBERS, Right.ALLOW_EXPORTS, Right.SEE_TRAIL)))

    def waiting(self) -> int:
        """What waits for me to decide."""
        if not current_user.may(Right.ALLOW_EXPORTS):
            return 0
        return db.session.scalar(select(func.count()).select_from(ExportRequest).where(
            ExportRequest.state == ASKED, ExportRequest.asked_by != current_user.username))

    @expose("/")
    def index(self) -> Any:
        """The form of the list, and what was asked for."""
        return self.page()

    def page(self) -> Any:
        facts = reasons.choices()
        page = self.render("admin/leaving.html", coded=proof.needed(), places=_places(campaign()), most=leaving.MOST,
                           may=current_user.may(Right.EXPORT_NUMBERS), rows=[_row(each) for each in _newest()], **facts)
        return (page, 422) if facts["problems"] else page

    @expose("/take", methods=("POST",))
    def take(self) -> Any:
        """The list at once, or a question to a second person where it is long."""
        me, of = _me(Right.EXPORT_NUMBERS), campaign() or abort(404)
        place = request.form.get("place", "")
        if place not in dict(_places(of)):
            abort(404)
        why = reasons.told()
        if why is None or not reasons.proved():
            return self.page()
        with scope.seeing(place):
            people = sheets.people(of)
        if people <= leaving.MOST:
            return _taken(of, place, why, people)
        leaving.ask(sheets.WHOLE, place, why, people, me, now())
        db.session.commit()
        flash(said(N_("{people} people are more than {most}: the reviewer or the approver has to allow it. Then you fetch "
                      "the list here."), people=people, most=leaving.MOST), "success")
        return redirect(url_for(".index"))

    @expose("/<id>/decide", methods=("POST",))
    def decide(self, id: str) -> Any:
        """A second person allows or refuses."""
        me, asked = _me(Right.ALLOW_EXPORTS), _one(id)
        verdict = request.form.get("verdict")
        if verdict not in ("allow", "refuse"):
            abort(400)
        leaving.decide(asked, verdict == "allow", me, now(), realtime.now())
        db.session.commit()
        flash(say(N_("It is decided.")), "success")
        return redirect(url_for(".index"))

    @expose("/<id>/fetch", methods=("POST",))
    def fetch(self, id: str) -> Any:
        """What was allowed, once, by who asked."""
        me, asked = _me(Right.EXPORT_NUMBERS), _one(id)
        proof.proved()
        of = campaign() or abort(404)
        with scope.seeing(asked.area_code):
            people = sheets.people(of)
        leaving.fetch(asked, people, me, now(), realtime.now())
        return _taken(of, asked.area_code, asked.reason, people, asked)


def _taken(of: Campaign, place: str, why: str, people: int, asked: ExportRequest | None = None) -> Response:
    """The workbook and its entry."""
    with scope.seeing(place):
        content = sheets.build(sheets.WHOLE, of, now(), say, downloads.line(why))
    if asked is None:
        formkey.forgo()
    else:
        asked.sha256 = downloads.checksum(content)
    where = names().township(place) if len(place) > 6 else of.county_name
    name = said(N_("{place} suspended people with whole ID numbers_{day}.xlsx"), place=where, day=f"{now():%Y-%m-%d}")
    return downloads.sent(content, name, subject="export_request", area_code=place,
                          row_id=asked and asked.id, why=why, people=people)


def _me(right: Right) -> User:
    return current_user._get_current_object() if current_user.may(right) else abort(403)


def _one(id: str) -> ExportRequest:
    return db.session.scalar(select(ExportRequest).where(ExportRequest.id == row_id(id))) or abort(404)


def _newest() -> list[ExportRequest]:
    return list(db.session.scalars(select(ExportRequest).order_by(ExportRequest.id.desc()).limit(SHOWN)))


def _places(of: Campaign | None) -> list[tuple[str, str]]:
    """The county, and each of its townships."""
    return [(of.county_code, of.county_name), *names().townships.items()] if of else []


def _row(asked: ExportRequest) -> dict[str, Any]:
    """A request as the table shows it, with what the person signed in may do about it."""
    me = current_user._get_current_object()
    return {"asked": asked, "place": dict(_places(campaign())).get(asked.area_code, asked.area_code),
            "by": person(asked.asked_by), "at": moment(asked.asked_at), "state": say(leaving.REQUEST_TITLES[asked.state]),
            "decided": f"{person(asked.decided_by)} {moment(asked.decided_at)}" if asked.decided_by else "–",
            "decides": asked.state == ASKED and me.may(Right.ALLOW_EXPORTS) and asked.asked_by != me.username,
            "fetches": leaving.is_open(asked, me, realtime.now())}
