"""Commands about sessions: who is signed in, and ending it."""

from __future__ import annotations

import click
from sqlalchemy import select

from models import audit, realtime
from models.base import db
from models.signin import BY_ADMIN, SignIn, end_all, live
from models.words import N_
from portal.cli import main
from portal.commands import json_option, known_user, office, refusing, show, tell


@main.group(invoke_without_command=True)
@json_option
@click.pass_context
@refusing
def sessions(context: click.Context, as_json: bool) -> None:
    """Who is signed in now."""
    if context.invoked_subcommand is not None:
        return
    with office():
        rows = db.session.scalars(select(SignIn).where(*live(realtime.now())).order_by(SignIn.seen_at.desc())).all()
        listed = [{"user": row.user.username, "name": row.user.name, "since": row.began_at, "seen": row.seen_at,
                   "address": row.address, "browser": row.browser} for row in rows if row.user.active]
    if as_json:
        show({"sessions": listed})
        return
    for row in listed:
        click.echo("\t".join(str(value) for value in row.values()))
    tell(N_("{count} people are signed in."), count=len(listed))


@sessions.command("end")
@click.argument("username")
@refusing
def end(username: str) -> None:
    """End the session of a person."""
    with office():
        user = known_user(username)
        end_all(user.id, BY_ADMIN, realtime.now())
        audit.record("end_sessions", "portal_user", user.area_code, row_id=user.id)
        db.session.commit()
    tell(N_("{name} is signed out."), name=username)
