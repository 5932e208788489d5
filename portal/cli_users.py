"""Commands for people who sign in."""

from __future__ import annotations

import click
from sqlalchemy import select

from models import audit, grants, realtime, secondfactor
from models.area import Township
from models.base import db
from models.campaign import Campaign
from models.signin import BY_ADMIN, end_all
from models.user import User, new_user
from models.words import N_, Refusal
from portal import clock
from portal.cli import main
from portal.commands import found_user, known_user, office, password_from, refusing, tell

one_time = click.option("--one-time", is_flag=True, help="Print a code that signs in once within 24 hours; the person then "
                                                         "chooses a password.")


@main.group()
def user() -> None:
    """People who sign in."""


@user.command("add")
@click.argument("username")
@click.option("--role", required=True)
@click.option("--area", required=True, help="Division code: 6 digits for county posts, 9 for a township.")
@click.option("--name", help="The person's name; the user name if not given.")
@click.option("--namesake", is_flag=True, help="Somebody else of this name holds another post, and is another person.")
@one_time
@refusing
def add(username: str, role: str, area: str, name: str | None, namesake: bool, one_time: bool) -> None:
    """Add a user, the post granted at once; the password is prompted for or comes from PORTAL_USER_PASSWORD."""
    with office():
        if found_user(username):
            raise Refusal(N_("There already is a user “{name}”."), name=username)
        _known_area(area)
        password = None if one_time else password_from("PORTAL_USER_PASSWORD")
        user = new_user(username, name or username, role, area, password)
        code = _code(user, one_time)
        grants.install(user, clock.now(), namesake=namesake)
        db.session.commit()
    _tell(username, code)


@user.command("password")
@click.argument("username")
@one_time
@refusing
def password(username: str, one_time: bool) -> None:
    """Give a user another password, prompted for or from PORTAL_USER_PASSWORD; their sessions end."""
    with office():
        user = known_user(username)
        if not one_time:
            user.set_password(password_from("PORTAL_USER_PASSWORD"))
            user.failures, user.locked_until = 0, None
        code = _code(user, one_time)
        audit.record("one_time_code" if one_time else "password_change", "portal_user", user.area_code, row_id=user.id)
        db.session.commit()
    _tell(username, code)


@user.command("reset-code")
@click.argument("username")
@refusing
def reset_code(username: str) -> None:
    """For a lost phone: the user's next sign-in sets up a code generator anew; their sessions end."""
    with office():
        user = known_user(username)
        secondfactor.reset(user)
        end_all(user.id, BY_ADMIN, realtime.now())
        audit.record("generator_reset", "portal_user", user.area_code, row_id=user.id)
        db.session.commit()
    tell(N_("{name} sets up a code generator at the next sign-in."), name=username)


def _code(user: User, one_time: bool) -> str | None:
    return user.give_code() if one_time else None


def _tell(username: str, code: str | None) -> None:
    if code:
        tell(N_("User {name} signs in once within 24 hours with {code}, then chooses a password."), name=username, code=code)
    else:
        tell(N_("User {name} can sign in now."), name=username)


def _known_area(code: str) -> None:
    township = db.session.scalar(select(Township).where(Township.area_code == code))
    if township is None and db.session.scalar(select(Campaign).where(Campaign.county_code == code)) is None:
        raise Refusal(N_("There is no county and no township with code {code} here."), code=code)
    if township is not None and not township.ranked:
        raise Refusal(N_("{name} is a statistical unit without a government: it gets no login."), name=township.name)
