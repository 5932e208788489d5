"""People with a code generator on their phone: what tests of the second factor sign in with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
from factories import PASSWORD
from flask import Flask
from screening import Desk, looking
from sqlalchemy import select

from models import secondfactor
from models.base import db
from models.user import User

APPROVER = "county_approver"


class Phone:
    """A code generator, whose clock only a test moves on: a code is taken once, and half a minute is long."""

    def __init__(self, secret: str):
        self.codes, self.shows = pyotp.TOTP(secret), datetime.now(UTC)

    def code(self) -> str:
        return self.codes.at(self.shows)

    def next(self) -> str:
        """The code of the next half minute, which the portal takes as well."""
        self.shows += timedelta(seconds=30)
        return self.code()


def with_phone(app: Flask, username: str = APPROVER) -> Phone:
    secret = secondfactor.new_secret()
    with looking(app):
        secondfactor.keep(the_user(username), secret, 1, app.secret_key)
    return Phone(secret)


def the_user(username: str) -> User:
    return db.session.scalars(select(User).where(User.username == username)).one()


def half(app: Flask, username: str = APPROVER) -> Desk:
    """Somebody who gave the right password and is asked for the code."""
    desk = Desk(app)
    desk.get("/login")
    assert desk.post("/login", username=username, password=PASSWORD).location == "/login/code"
    desk.get("/login/code")
    return desk


def entered(app: Flask, phone: Phone, username: str = APPROVER) -> Desk:
    desk = half(app, username)
    assert desk.post("/login/code", code=phone.code()).location == "/admin/"
    desk.get("/admin/")
    return desk
