"""The one door of every search box: it keeps what was typed and leads to the list."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user

from models.base import db
from models.words import N_
from views import seeking
from views.base import OfficePage


class FindPage(OfficePage):
    title, at, hidden = N_("Search"), "find", True

    def is_accessible(self) -> bool:
        return current_user.is_authenticated  # the list that is searched says who may enter

    @expose("/", methods=("POST",))
    def find(self) -> Any:
        """From the search box to its list, with the filters that were picked."""
        room = request.form.get("room", "")
        view = searchable().get(room) or abort(404)
        if not view.is_accessible():
            abort(403)
        asked = {name: value for name, value in request.form.items() if re.fullmatch(r"flt\d{0,3}_\w{1,20}", name) and value}
        text = seeking.tidy(request.form.get("search", ""))
        if text:
            asked["seek"] = seeking.ticket(text)
            db.session.commit()
        return redirect(url_for(f"{room}.index_view", **asked))


def searchable() -> dict[str, Any]:
    """The lists that can be searched."""
    return {view.endpoint: view for view in current_app.extensions["admin"][0]._views if getattr(view, "search_hint", "")}
