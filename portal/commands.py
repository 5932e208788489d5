"""What every command shares: refusals as one sentence, JSON alone on standard output, scope and actor."""

from __future__ import annotations

import functools
import gzip
import io
import json
import logging
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from models import audit, scope
from models.base import db
from models.months import parse_date
from models.races import lost
from models.user import User
from models.words import N_, STALE, Message, Refusal
from portal import clock, language
from portal.machine_faults import AWAY, RUN, fault_of, sentence
from portal.settings import LOCALES, Settings

UNPACKED = 256 * 1024 * 1024  # the whole country's villages are 38 MB


class Day(click.ParamType):
    """A date written YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            day = value if isinstance(value, date) else parse_date(value)
        except Refusal as refusal:
            self.fail(say(refusal), param, ctx)
        if not 1900 <= day.year <= 2999:  # months end there too; a day before or after has to exist
            self.fail(say(Message(N_("“{text}” does not lie between 1900 and 2999."), {"text": value})), param, ctx)
        return day


def say(words: str | Message | Refusal) -> str:
    """A message in the language of PORTAL_LOCALE, whatever the other settings say."""
    locale = os.environ.get("PORTAL_LOCALE")
    translate = language.speaker(locale if locale in LOCALES else LOCALES[0])
    return words.say(translate) if isinstance(words, Message | Refusal) else translate(words)


def tell(message: str, **values: Any) -> None:
    """The one clear sentence of a command that succeeded."""
    click.echo(say(Message(message, values)))


def show(document: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def refusing(command: Callable) -> Callable:
    """Turn a refusal into one sentence and exit code 1 (with --json: {"refused": …} on standard output)."""
    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (Refusal, SQLAlchemyError, OSError) as error:
            if isinstance(error, OSError) and not error.filename:
                _no_output(error)
            refusal = _refusal_of(error)
            if kwargs.get("as_json"):
                show({"refused": say(refusal)})
            else:
                click.echo(say(refusal), err=True)
            sys.exit(1)
    return run


def _refusal_of(error: Refusal | SQLAlchemyError | OSError) -> Refusal:
    """A refusal as it is; a database or a folder that cannot be used, as one. Raises what is none of these."""
    match error:
        case Refusal():
            return error
        case SQLAlchemyError() if lost(error):
            return Refusal(STALE)
        case DBAPIError() | OSError() if (fault := fault_of(error)) not in (None, AWAY):
            return Refusal(sentence(fault, RUN))
        case DBAPIError() | ArgumentError():
            return Refusal(N_("The database cannot be used ({why}): check PORTAL_DATABASE_URL."),
                           why=_first_line(getattr(error, "orig", error)))
        case OSError():
            return Refusal(N_("{file} cannot be used: {why}."), file=error.filename, why=error.strerror)
    raise error


def _no_output(error: OSError) -> None:
    """Where no file is named it is standard output that takes no more: nothing else may go there. Whoever stops reading
    it knows, and is told nothing."""
    if isinstance(error, BrokenPipeError):
        raise error
    click.echo(say(Message(N_("The system refuses: {why}."), {"why": error.strerror})), err=True)
    sys.exit(1)


def _first_line(error: object) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def settings() -> Settings:
    return Settings.from_env()


def password_from(variable: str) -> str:
    """The password of the environment, or typed twice. Raises Refusal where nobody can be asked."""
    if os.environ.get(variable):
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise Refusal(N_("A password is needed: set {variable}, or run the command in a terminal."), variable=variable)
    return click.prompt(say(N_("Password")), hide_input=True, confirmation_prompt=True)


@contextmanager
def office(area: str = scope.EVERYWHERE, by: str = "system", *, fresh: bool = False) -> Iterator[Flask]:
    """The application with scope and actor of a command. Raises Refusal if the database is not set up."""
    from models import schema
    from portal import create_app
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_app(settings())
    with app.app_context(), scope.seeing(area), audit.acting_as(by, "command", clock.now, act=_command()):
        if not fresh and not schema.is_current(db.engine):
            raise Refusal(N_("The database is not set up or not up to date: run `portal init` first."))
        try:
            with _noting():
                yield app
        finally:
            db.session.remove()


def _command() -> str | None:
    """The command that runs, such as `import roster`: what the trail calls an act that nobody names."""
    context = click.get_current_context(silent=True)
    return context and context.command_path.partition(" ")[2]


@contextmanager
def _noting() -> Iterator[None]:
    """A refused command is told in the trail as well, where there is one."""
    try:
        yield
    except Refusal as refusal:
        db.session.rollback()
        if not isinstance(refusal, audit.Broken):
            _tell(refusal)
        raise


def _tell(refusal: Refusal) -> None:
    try:
        audit.record(None, "command", scope.current() or "", result=audit.REFUSED, why=refusal.message.id)
        db.session.commit()
    except DBAPIError as error:
        if fault_of(error) is None:
            raise
        db.session.rollback()  # the sentence is said all the same


@contextmanager
def desk_of(username: str) -> Iterator[User]:
    """The application as one user sees it. Raises Refusal if there is no such active user."""
    with office(by=username):
        user = db.session.scalar(select(User).where(User.username == username, User.active))
        if user is None:
            raise Refusal(N_("There is no active user “{name}”."), name=username)
        with user.sight():
            yield user


def found_user(username: str) -> User | None:
    return db.session.scalar(select(User).where(User.username == username))


def known_user(username: str) -> User:
    """Raises Refusal if there is no such user."""
    user = found_user(username)
    if user is None:
        raise Refusal(N_("There is no user “{name}”."), name=username)
    return user


def content(file: str) -> tuple[bytes, str]:
    """The bytes and the name of a file argument; - is standard input. Raises Refusal if it cannot be read."""
    if file == "-":
        if sys.stdin is None:
            raise Refusal(N_("{file} cannot be read: {why}."), file="-", why="closed")
        return sys.stdin.buffer.read(), "-"
    try:
        return Path(file).read_bytes(), Path(file).name
    except OSError as error:
        raise Refusal(N_("{file} cannot be read: {why}."), file=file, why=error.strerror) from None


def unpacked(data: bytes) -> bytes:
    """The national village table is handed round as .csv.gz; other files stay as they are."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            text = file.read(UNPACKED + 1)
    except (OSError, EOFError, zlib.error):
        raise Refusal(N_("The compressed file is damaged or was cut off.")) from None
    if len(text) > UNPACKED:
        raise Refusal(N_("The compressed file holds more than any table of areas."))
    return text


def text_of(data: bytes) -> str:
    """The text of a file from whatever program. Raises Refusal if it is none."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refusal(N_("The file is no text in UTF-8 or GB18030."))


def write_out(out: str, data: bytes) -> None:
    """Write a result file whole. Raises Refusal if the place cannot be written."""
    if out == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        Path(out).write_bytes(data)
    except OSError as error:
        raise Refusal(N_("{file} cannot be written: {why}."), file=out, why=error.strerror) from None
