"""Places by name, read once a request."""

from __future__ import annotations

from flask import g

from models.area import Names


def names() -> Names:
    """Townships and villages by code."""
    if "names" not in g:
        g.names = Names()
    return g.names
