"""Ordering a circulated report from a screen: the application hands the verb over, for screens import no settings."""

from __future__ import annotations

from datetime import date

from flask import current_app
from flask_login import current_user

from models.campaign import Campaign
from views.frame import now


def issue(campaign: Campaign, as_of: date) -> int:
    """Order the bulletin of a day, or find it; the id of its task. Does not commit. Raises Refusal."""
    return current_app.extensions["bulletins"].order_bulletin(campaign, as_of, current_user.username, now()).task_id
