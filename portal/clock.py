"""The business clock: the one source of "now" for everything people decide by.

Leases, sessions and lockouts use the real clock all the same.
"""

from __future__ import annotations

from datetime import date, datetime

from flask import current_app

from portal.settings import SHANGHAI


def now() -> datetime:
    """The business moment: PORTAL_NOW if set, else the real one; aware, in Asia/Shanghai."""
    fixed = current_app.config["PORTAL"].now
    return fixed or datetime.now(SHANGHAI)


def today() -> date:
    return now().astimezone(SHANGHAI).date()
