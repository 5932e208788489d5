"""The form of a person's benefit record."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired, NumberRange, Optional

from views.formfields import MonthField, OfficeForm, WholeField, YuanField


class BenefitForm(OfficeForm):
    """What settling needs and no suspension list holds."""

    basic_from = MonthField(_l("Basic pension from"), [InputRequired()], description=_l("A month such as 2010-04"))
    supplement_from = MonthField(_l("Supplementary pension from"), [Optional()],
                                 description=_l("Empty if there is none"))
    years_paid = WholeField(_l("Years paid"), [InputRequired(), NumberRange(0, 60)])
    account_pension = YuanField(_l("Account pension a month"), [InputRequired()])
    account_balance = YuanField(_l("Account balance"), [InputRequired()])
    government_subsidy = YuanField(_l("of it government subsidy"), [InputRequired()])
    supplement_account_pension = YuanField(_l("Supplementary account pension a month"), [InputRequired()], default=0)
    supplement_account_balance = YuanField(_l("Supplementary account balance"), [InputRequired()], default=0)
