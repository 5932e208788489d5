"""Text that starts with something, as the range that an index serves: areas are prefixes of division codes."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import ColumnElement, and_


def after(prefix: str) -> str:
    """The first text behind every text that starts with *prefix*; people search by prefix as well, of any sign."""
    last = ord(prefix[-1])
    if last == sys.maxunicode:
        return prefix + prefix[-1]
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)  # what lies between is half a sign


def in_area(column: Any, prefix: str) -> ColumnElement[bool]:
    """The index range of codes that start with *prefix*."""
    return and_(column >= prefix, column < after(prefix))
