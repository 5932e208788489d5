"""What this machine lacks, each with the line that installs it (`portal doctor`)."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import models.migrations
from models import realtime
from models.words import N_, Message, Refusal
from portal import bell, embedded, pgtools, safety, shelf
from portal.settings import Settings

Finding = tuple[bool, Message]

APT = "sudo apt-get install"
# (library, package, what it is for)
LIBRARIES = (
    ("pango-1.0", "libpango-1.0-0", N_("Pango, which lays out paper")),
    ("pangoft2-1.0", "libpangoft2-1.0-0", N_("Pango’s part that finds fonts")),
    ("harfbuzz-subset", "libharfbuzz-subset0", N_("HarfBuzz, without which each paper takes seconds")),
)


def examine(settings: Settings) -> list[Finding]:
    """Every finding, good and bad, in the order in which things are needed. Nothing is changed."""
    return [*_python(), *_libraries(), *_paper(), *_data(settings), *_safety(settings), *_redis(settings), *_database(settings),
            *_backups(settings), *_browser()]


def well(findings: list[Finding]) -> bool:
    return all(ok for ok, _ in findings)


def _told(ok: bool, what: str, lack: str, **values: object) -> Iterator[Finding]:
    yield ok, Message(what if ok else lack, values)


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield from _told(sys.version_info >= (3, 11), N_("Python {version}."),
                     N_("Python {version} is too old: 3.11 or newer is needed. Install: {line}"),
                     version=version, line=f"{APT} python3.11 python3.11-venv")


def _libraries() -> Iterator[Finding]:
    for library, package, use in LIBRARIES:
        yield from _told(bool(ctypes.util.find_library(library)), N_("{use}: there."),
                         N_("{use}: missing. Install: {line}"), use=Message(use), line=f"{APT} {package}")


def _paper() -> Iterator[Finding]:
    """What the press says of fonts and of itself; the libraries were named above."""
    try:
        from exports import pdf
        lacks = [lack for lack in pdf.doctor() if "fonts-" in str(lack)]
    except (ImportError, OSError):
        lacks = [Message(N_("The press cannot be asked about fonts before the libraries above are there."))]
    yield from ((False, lack) for lack in lacks)
    if not lacks:
        yield True, Message(N_("Fonts with every character of GB 18030: there."))


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    yield from _told(os.access(nearest, os.W_OK | os.X_OK), N_("The data folder {folder} can be written."),
                     N_("The data folder {folder} cannot be written. Run: {line}"), folder=str(folder),
                     line=f"sudo install -d -m 0700 -o {os.environ.get('USER', 'portal')} {folder}")


def _safety(settings: Settings) -> Iterator[Finding]:
    try:
        safety.check(settings)
        yield True, Message(N_("Nobody else reads the data, and no queue stands open."))
    except Refusal as refusal:
        yield False, refusal.message


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        yield from _told(_asked(lambda: bell.connect(settings).ping()), N_("Redis answers."),
                         N_("The Redis of PORTAL_REDIS_URL does not answer. Install or start one: {line}"),
                         line=f"{APT} redis-server")
        return
    try:
        embedded.binary()
        yield True, Message(N_("The embedded Redis runs on this machine."))
    except Refusal as refusal:
        yield False, refusal.message


def _database(settings: Settings) -> Iterator[Finding]:
    yield from _told(_asked(lambda: at_head(settings)), N_("The database has the newest schema."),
                     N_("The database does not answer or has not the newest schema. Run: {line}"), line="portal init")


def _backups(settings: Settings) -> Iterator[Finding]:
    """The newest backup and, for PostgreSQL, the tool that makes one. A portal that has none yet lacks nothing."""
    kept = shelf.kept(settings.backups)
    if kept:
        hours = int((realtime.now() - kept[-1].made_at).total_seconds() // 3600)
        yield from _told(hours < 48, N_("The newest backup is {hours} hours old."),
                         N_("The newest backup is {hours} hours old: is the schedule running? Run: {line}"), hours=hours,
                         line="portal backup")
    if settings.database_url.startswith("postgresql"):
        try:
            yield True, Message(N_("{tool} is there, which copies the database."), {"tool": pgtools.found("pg_dump")})
        except Refusal as refusal:
            yield False, refusal.message


def at_head(settings: Settings) -> bool:
    """Whether the database has the newest schema. One that is not there is not made by asking."""
    path = settings.database_url.removeprefix("sqlite:///")
    if path != settings.database_url and not Path(path).exists():
        return False
    head = ScriptDirectory(str(Path(models.migrations.__file__).parent)).get_current_head()
    engine = create_engine(settings.database_url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head
    finally:
        engine.dispose()


def _browser() -> Iterator[Finding]:
    there = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    # Only the browser tests want one, so its absence is no lack.
    yield True, Message(N_("Chromium for the browser tests: there.") if there else
                        N_("Chromium is missing, which only the browser tests need. Install: {line}"),
                        {} if there else {"line": f"{APT} chromium"})


def _asked(question: Callable[[], object]) -> bool:
    try:
        return bool(question())
    except Exception:
        return False
