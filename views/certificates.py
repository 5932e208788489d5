"""Certificates (证明材料): what was attached to which case, to be read only."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from models.case import Case
from models.certificate import Certificate
from models.steps import PROOF_TITLES
from models.words import N_
from views import downloads
from views.base import OfficeView, reads_first
from views.cases import cell
from views.filters import equals, titled
from views.people import person
from views.places import of_person, place, township_of, village_of
from views.words import say

SEALS = {"both": N_("Village and township"), "village": N_("Village only"), "township": N_("Township only")}


def file_link(certificate: Certificate) -> Markup:
    return downloads.button(url_for("certificate.download", id=certificate.id), certificate.name)


class CertificateView(OfficeView):
    title, at, row = N_("Certificates"), "certificate", Certificate
    search_hint = N_("Name, ID number or tail, pinyin")
    empty = N_("No material was attached yet: it is attached on the page of a case.")
    column_list = ("case.person.name", "area_code", "kind", "name", "stated_on", "seals", "attached_by", "attached_at")
    column_labels = {
        "case.person.name": N_("Name"), "area_code": N_("Village"), "kind": N_("Kind of material"), "name": N_("File"),
        "stated_on": N_("States the day"), "seals": N_("Seals"), "attached_by": N_("Attached by"),
        "attached_at": N_("Attached at")}
    column_formatters = {
        "area_code": cell(place), "kind": cell(lambda row: say(PROOF_TITLES[row.kind])), "name": cell(file_link),
        "seals": cell(lambda row: say(SEALS.get(row.seals, ""))), "attached_by": cell(lambda row: person(row.attached_by))}
    column_sortable_list = ("area_code", "attached_at")
    column_default_sort = ("attached_at", True)
    column_filters = (
        equals("kind", N_("Kind of material"), Certificate.kind, titled(PROOF_TITLES)),
        township_of(Certificate.area_code), village_of(Certificate.area_code))

    def searched(self, text: str) -> Any:
        return of_person(Certificate.case_id, text)

    def get_query(self) -> Any:
        return super().get_query().options(joinedload(Certificate.case).joinedload(Case.person))

    @expose("/details/")
    def details_view(self) -> Any:
        """A certificate is looked at on the page of its case."""
        return redirect(url_for("case.details_view", id=self.get_one(request.args.get("id")).case_id))

    @expose("/<id>/download", methods=("POST",))
    @reads_first
    def download(self, id: str) -> Any:
        """The file as it was attached, always to be saved and never run."""
        found = self.get_one(id)
        return downloads.sent(downloads.kept(found.sha256), found.name, found.media_type, act="download",
                              subject="certificate", area_code=found.area_code, row_id=found.id, case_id=found.case_id)
