"""What a page showed: the versions of its rows travel with its form, and come back to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from sqlalchemy import select

from models.audit import AuditEntry
from models.base import db

NOTHING = "0"  # where no row was there yet


def token(*rows: Any) -> str:
    """The versions of what a form is about: "3", "3.1" for two rows; None is a row that is not there yet."""
    return ".".join(str(row.version) for row in rows if row is not None) or NOTHING


def fresh(*rows: Any) -> bool:
    """Whether the form sent was drawn from the rows as they are now: the one comparison that guards every form."""
    return request.form.get("version", NOTHING) == token(*rows)


def versions(texts: Sequence[str]) -> dict[int, int]:
    """{id: version} of "id:version" as a page showed many rows; an id alone was seen in no version."""
    pairs = (text.partition(":") for text in texts)
    return {int(row): int(version or 0) for row, _, version in pairs
            if (row + version).isascii() and (row + version).isdigit() and row and len(row) < 19 and len(version) < 10}


def newest() -> int:
    """The last act in sight, so that a form can be told later what came after it."""
    return db.session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)) or 0


def since() -> int:
    """The last act when the form sent was drawn."""
    text = request.form.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
