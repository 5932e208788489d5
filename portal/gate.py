"""The one gate for what a person owes: a password of their own, a code generator. Until then only its page is open."""

from __future__ import annotations

from flask import current_app, g, redirect, request, url_for
from flask_login import current_user

from models import secondfactor

# What is open to whoever owes something, beside signing out and the language.
OPEN = {"logout", "stay"}
PAID = {
    secondfactor.PASSWORD: {"account.index", "account.password"},
    secondfactor.SECOND_FACTOR: {"account.index", "account.generator", "account.confirm"},
}


def owed() -> str | None:
    """What the person signed in owes; nothing in the demo, where a password alone signs in."""
    if current_app.config["PORTAL"].demo:
        return None
    # By when the session began: a password that grows too old meanwhile is asked for at the next sign-in.
    return secondfactor.owed(current_user, g.signin.began_at, current_app.config["SECOND_FACTOR"])


def stop():
    """The way to the page of what is owed, unless the request goes there or nothing is."""
    debt = owed()
    if debt is None or request.endpoint in OPEN | PAID[debt]:
        return None
    return redirect(url_for("account.index"))
