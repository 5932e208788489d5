"""Who is signed in now, from where and since when; the county may end a session."""

from __future__ import annotations

import re
from typing import Any

from flask import flash, g, redirect, url_for
from flask_admin import expose
from markupsafe import Markup

from models import audit, realtime, signin
from models.base import db
from models.signin import BY_ADMIN, SignIn
from models.user import ROLE_TITLES, Right, Role
from models.words import N_, Refusal
from views.base import OfficeView
from views.cases import cell
from views.places import names
from views.words import said, say

# Every browser calls itself Chrome or Safari as well, behind or before its own name.
_PROGRAM = re.compile(r"(?:.*\b(?=Edg|OPR|QQBrowser))?.*?\b(Edg|OPR|QQBrowser|Firefox|Chrome|Safari)/(\d+)")
_SYSTEM = re.compile(r"(Windows|Android|iPhone|Mac OS|Linux)")


def _end(row: SignIn) -> str | Markup:
    """A button of the list's own form: a form in it could not be."""
    if row.id == g.signin.id:
        return say(N_("This is you"))
    return Markup('<button class="button danger" formaction="{}" aria-label="{}">{}</button>').format(
        url_for(".end", id=row.id), said(N_("End the session of {name}"), name=row.user.name), say(N_("End")))


def _browser(agent: str) -> str:
    """Chrome 128, Windows: enough to know one's own by; `portal sessions` has the whole of it."""
    program, system = _PROGRAM.search(agent), _SYSTEM.search(agent)
    return ", ".join(" ".join(found.groups()) for found in (program, system) if found) or agent[:40]


class SignedInView(OfficeView):
    title, at, row, needs = N_("Signed in now"), "signin", SignIn, Right.CHANGE_SETTINGS
    changes = Right.CHANGE_SETTINGS
    can_view_details, details_view = False, None
    column_list = ("user", "post", "area_code", "began_at", "seen_at", "address", "browser", "end")
    column_labels = {"user": N_("Name"), "post": N_("Post"), "area_code": N_("Area"), "began_at": N_("Since"),
                     "seen_at": N_("Last seen"), "address": N_("Network address"), "browser": N_("Browser"), "end": N_("Session")}
    column_formatters = {
        "user": cell(lambda row: f"{row.user.name} {row.user.username}"),
        "post": cell(lambda row: say(ROLE_TITLES[Role(row.user.role)])),
        "area_code": cell(lambda row: names().township(row.area_code) if len(row.area_code) == 9 else say(N_("Whole county"))),
        "browser": cell(lambda row: _browser(row.browser)), "end": cell(_end)}
    column_default_sort = ("seen_at", True)

    def limits(self) -> list[Any]:
        return [*super().limits(), *signin.live(realtime.now())]

    @expose("/<id>/end", methods=("POST",))
    def end(self, id: str) -> Any:
        """End one session; what the person was typing is not kept."""
        row = self.get_one(id)
        if row.id == g.signin.id:
            raise Refusal(N_("This is your own session: sign out instead."))
        row.end(BY_ADMIN, realtime.now())
        audit.record("end_sessions", "portal_user", row.area_code, row_id=row.user_id)
        db.session.commit()
        flash(said(N_("The session of {name} has ended."), name=row.user.name), "success")
        return redirect(url_for(".index_view"))
