"""Townships and villages: their codes are fixed, whom to call is kept up to date."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from models.area import Township, Village
from models.user import Right
from models.words import N_
from views.base import OfficeView
from views.filters import Pick, prefix
from views.formfields import OfficeForm
from views.places import TOWNSHIP, TOWNSHIP_CODE


class ContactForm(OfficeForm):
    """Whom to call."""

    contact = StringField(_l("Contact"), [Length(max=60)], filters=[lambda text: (text or "").strip() or None])
    phone = StringField(_l("Telephone"), [Length(max=40)], filters=[lambda text: (text or "").strip() or None])


class Place(OfficeView):
    """What both kinds of place have."""

    can_edit, changes, form = True, Right.CHANGE_REFERENCE, ContactForm
    search_hint = N_("Name or code")
    column_labels = {"area_code": N_("Code"), "name": N_("Title"), "contact": N_("Contact"), "phone": N_("Telephone"),
                     "ranked": N_("Ranked"), "township.name": N_("Township")}
    column_default_sort = "area_code"
    page_size = 100

    def searched(self, text):
        return prefix(self.model.area_code if text.isdigit() else self.model.name, text)


class TownshipView(Place):
    title, at, row = N_("Townships"), "township", Township
    column_list = column_details_list = ("name", "area_code", "contact", "phone", "ranked")
    column_sortable_list = ("area_code",)


class VillageView(Place):
    title, at, row = N_("Villages"), "village", Village
    column_list = column_details_list = ("name", "area_code", "township.name", "contact", "phone")
    column_sortable_list = ("area_code",)
    column_filters = (Pick("township", N_("Township"), TOWNSHIP.choices,
                           lambda code: Village.area_code.between(code, code + "999"), elsewhere=TOWNSHIP_CODE),)
