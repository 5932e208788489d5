"""Words by which lists hint at a category (方案三（三）): a proposal, never a decision."""

from __future__ import annotations

import re
import unicodedata

from models.categories import CATEGORIES
from models.steps import Category

# Who draws a dead person's pension is an impostor's case first, two registrations are more than a duplicate.
# A category that is not named here is more particular than these and comes before them.
GENERAL_LAST = ("impostor", "imprisoned", "dual_household", "deceased", "duplicate", "no_card", "uncertified", "unknown")


def _in_order() -> list[Category]:
    return sorted((category for category in CATEGORIES.values() if category.hints),
                  key=lambda category: GENERAL_LAST.index(category.key) if category.key in GENERAL_LAST else -1)


def named(text: str | None) -> str | None:
    """The category key that a text names, or None if no known word is in it."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or ""))
    return next((category.key for category in _in_order() if re.search(category.hints, text)), None)


def propose(reason: str | None, remark: str | None = None) -> str | None:
    """A category key from 暂停原因 and 暂停备注; the remark, which a person wrote, beats the system's reason.

    `unknown` where something stands there that says nothing; None where both are empty.
    """
    for text in (remark, reason):
        if key := named(text):
            return key
    return "unknown" if (remark or "").strip() or (reason or "").strip() else None
