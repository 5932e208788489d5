"""Addresses that no page of the portal has: answered 400 before anything else looks at them."""

from __future__ import annotations

from flask import Flask, abort, request

# What Flask's url_for and the framework's redirects would read out of an address; no link of ours holds one.
FOREIGN = {"endpoint", "url", "_method", "_external", "_anchor", "_scheme"}


def init_app(app: Flask) -> None:
    app.before_request(_check)


def _check() -> None:
    """No foreign argument, no NUL, which no browser sends and a database may choke on, and no field without a name."""
    given = [text for pair in request.args.items(multi=True) for text in pair]
    if FOREIGN & set(request.args) or any("\0" in text for text in given) or None in request.form or None in request.files:
        abort(400)
