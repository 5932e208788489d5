"""Forms beside the way of a case: its benefit record, and what the list brought wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from models import audit
from models.base import db
from models.benefits import FIELDS, enter_benefit
from models.case import Case
from models.roster import correct
from models.user import Role
from models.words import N_
from views import saving
from views.benefitform import BenefitForm
from views.formfields import OfficeForm
from views.places import names
from views.words import said, say

CORRECTORS = (Role.COUNTY_CLERK, Role.TOWNSHIP)


class CorrectionForm(OfficeForm):
    """What a list may have brought wrongly."""

    name = StringField(_l("Name"), [InputRequired(), Length(max=60)], filters=[lambda text: (text or "").strip()])
    area_code = SelectField(_l("Village"), description=_l("The stock stays counted in the township it was handed to."))
    phone = StringField(_l("Telephone"), [Length(max=40)], filters=[lambda text: (text or "").strip()])


class SideForms:
    """Mixed into the view of cases, whose `get_one` limits them."""

    @expose("/<id>/benefit", methods=("GET", "POST"))
    def benefit(self, id: str) -> Any:
        """What settling needs and no suspension list holds, typed in."""
        case = self._case_for(id, (Role.COUNTY_CLERK,))
        form = BenefitForm(request.form if request.method == "POST" else None, obj=case.person.benefit)
        title = said(N_("Benefit record: {name}"), name=case.person.name)
        return self._side_form(case, form, lambda: [case.person.benefit], title,
                               lambda: _benefit(case, {key: form[key].data for key in FIELDS}))

    @expose("/<id>/correct", methods=("GET", "POST"))
    def correct(self, id: str) -> Any:
        """Name, village and telephone put right; later lists do not overwrite them."""
        case = self._case_for(id, CORRECTORS)
        form = CorrectionForm(request.form if request.method == "POST" else None, name=case.person.name,
                              area_code=case.area_code, phone=case.person.phone)
        form.area_code.choices = _places(case)
        title = said(N_("Correct the record: {name}"), name=case.person.name)
        return self._side_form(case, form, lambda: [case, case.person], title,
                               lambda: correct(case, name=form.name.data, area_code=form.area_code.data,
                                               phone=form.phone.data))

    def _case_for(self, id: str, roles: tuple[Role, ...]) -> Case:
        case = self.get_one(id)
        return case if current_user.role in roles else abort(403)

    def _side_form(self, case: Case, form: OfficeForm, rows: saving.Rows, title: str, put: Callable[[], Any]) -> Any:
        problems, status = [], 200
        if request.method == "POST":
            problems, status = saving.save(form, rows, put)
            if not problems:
                flash(say(N_("Saved.")), "success")
                return redirect(url_for(".details_view", id=case.id))
        return self.render("admin/model/form.html", title=title, form=form, problems=problems,
                           back=url_for(".details_view", id=case.id), **saving.marks(form, rows, status)), status


def _benefit(case: Case, typed: dict[str, Any]) -> None:
    benefit = enter_benefit(case.person, current_user.username, **typed)
    db.session.flush()
    audit.record("benefit", "benefit", case.area_code, benefit.id, case.id)


def _places(case: Case) -> list[tuple[str, str]]:
    """Where the case may stand: every village in sight, and where it stands now."""
    codes = sorted({case.area_code, *names().villages})
    return [(code, names().full(code)) for code in codes]
