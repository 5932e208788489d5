"""The home of each post: what waits, who is late."""

from __future__ import annotations

from flask_admin import expose

from models.words import N_
from views.base import OfficePage


class Home(OfficePage):
    title, at = N_("To do"), "admin"

    @expose("/")
    def index(self) -> str:
        return self.render("admin/home.html")
