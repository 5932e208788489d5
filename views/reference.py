"""What the administrator keeps: rates with the document that set them, and the campaign."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from models.base import db
from models.campaign import Campaign
from models.ledger import PublishedRate
from models.money import yuan
from models.user import Right
from models.words import N_
from views.base import OfficeView
from views.cases import cell
from views.filters import equals, titled
from views.formfields import MonthField, OfficeForm, WholeField, YuanField
from views.trailwords import ITEMS
from views.words import say


class RateForm(OfficeForm):
    """A new standard; what was used stays as it was."""

    item = SelectField(_l("Item"), choices=[(key, _l(title)) for key, title in ITEMS.items()])
    from_month = MonthField(_l("From month"), [InputRequired()], description=_l("The first month it is paid in"))
    amount = YuanField(_l("Amount a month (yuan)"), [InputRequired()])
    min_age = WholeField(_l("From age"), [InputRequired(), NumberRange(0, 120)], default=0,
                           description=_l("0: at every age"))
    basis = StringField(_l("Basis"), [DataRequired(), Length(max=300)], description=_l("The document that sets it"))

    def validate_min_age(self, field: WholeField) -> None:
        if field.errors:
            return  # no age, so nothing to look for
        same = db.session.query(PublishedRate).filter_by(
            item=self.item.data, from_month=self.from_month.data, min_age=field.data).first()
        if same is not None:
            raise ValidationError(gettext("There already is a rate of this item, month and age."))


class RateView(OfficeView):
    title, at, row, needs = N_("Rates"), "rate", PublishedRate, Right.SEE_MONEY
    can_create, changes, form = True, Right.CHANGE_REFERENCE, RateForm
    column_list = column_details_list = ("item", "from_month", "min_age", "amount", "basis")
    column_labels = {"item": N_("Item"), "from_month": N_("From month"), "min_age": N_("From age"),
                     "amount": N_("Amount (yuan)"), "basis": N_("Basis")}
    column_formatters = column_formatters_detail = {
        "item": cell(lambda rate: say(ITEMS[rate.item])), "amount": cell(lambda rate: yuan(rate.amount)),
        "min_age": cell(lambda rate: rate.min_age or "–")}
    column_default_sort = [("item", False), ("from_month", True)]
    column_sortable_list = ("from_month",)
    column_filters = (equals("item", N_("Item"), PublishedRate.item, titled(ITEMS)),)

    def page_title(self, row: PublishedRate) -> str:
        return f"{say(ITEMS[row.item])} {row.from_month}"


class CampaignForm(OfficeForm):
    """Dates, letterhead, telephone. The cut-off is fixed: it says who is stock."""

    title = StringField(_l("Title"), [DataRequired(), Length(max=120)])
    document_no = StringField(_l("Document number"), [DataRequired(), Length(max=60)])
    verify_by = DateField(_l("Verify by"), [InputRequired()])
    clear_by = DateField(_l("Clear by"), [InputRequired()])
    bureau = StringField(_l("Bureau"), [DataRequired(), Length(max=80)])
    office = StringField(_l("Service centre"), [DataRequired(), Length(max=80)])
    address = StringField(_l("Address"), [DataRequired(), Length(max=120)])
    phone = StringField(_l("Telephone"), [DataRequired(), Length(max=40)])
    bank_account = StringField(_l("Bank account for refunds"), [Length(max=120)], filters=[lambda text: text or None])
    refund_days = WholeField(_l("Days to refund"), [InputRequired(), NumberRange(1, 365)])

    def validate_clear_by(self, field: DateField) -> None:
        if self.verify_by.data and field.data and field.data < self.verify_by.data:
            raise ValidationError(gettext("Clearing cannot be due before verifying."))


class CampaignView(OfficeView):
    title, at, row = N_("Campaigns"), "campaign", Campaign
    can_edit, changes, form = True, Right.CHANGE_REFERENCE, CampaignForm
    column_list = ("title", "document_no", "cutoff", "verify_by", "clear_by")
    column_details_list = (*column_list, "handed_out_at", "bureau", "office", "address", "phone", "bank_account", "refund_days")
    column_labels = {
        "title": N_("Title"), "document_no": N_("Document number"), "cutoff": N_("Cut-off month"),
        "verify_by": N_("Verify by"), "clear_by": N_("Clear by"), "handed_out_at": N_("Handed out at"),
        "bureau": N_("Bureau"), "office": N_("Service centre"), "address": N_("Address"), "phone": N_("Telephone"),
        "bank_account": N_("Bank account for refunds"), "refund_days": N_("Days to refund")}
    column_default_sort = ("id", True)

    def page_title(self, row: Campaign) -> str:
        return row.title
