"""The portal looking after itself: what is due once a day, and what the page about the machine shows."""

from __future__ import annotations

import logging
import platform
import shutil
import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Flask, current_app

from models import audit, chain, machinecheck, realtime, scope
from models.base import db
from models.words import Refusal, as_json
from portal import backup, clock, health, passphrase, shelf
from portal.drawing import reading
from portal.machine_faults import note
from portal.settings import Settings

log = logging.getLogger("portal.machine")

CHAIN_EVERY = timedelta(hours=24)
AGAIN_AFTER = timedelta(hours=1)  # a backup that failed is not tried every minute
SHOWN = 8


class Chores:
    """What the schedule has to do once a day, done in a thread beside its sweeps, which must not wait for it."""

    def __init__(self, app: Flask):
        self.app = app
        self._thread: threading.Thread | None = None

    def look(self) -> bool:
        """Begin what is due, unless the last is not finished; whether something was begun."""
        if self._thread and self._thread.is_alive():
            return False
        due = self._next() is not None
        if due:
            by_the_same_clock = copy_context().run
            self._thread = threading.Thread(target=by_the_same_clock, args=(self._do,), name="chores", daemon=True)
            self._thread.start()
        return due

    def join(self) -> None:
        if self._thread:
            self._thread.join()

    def _next(self, *tried: Callable) -> Callable | None:
        """What is due now and was not *tried*; a backup verifies the trail as well, which then is due no more."""
        with self.app.app_context(), scope.everything("chores"), reading():
            found, now = machinecheck.latest(), realtime.now()
            due = (daily_backup, _backup_due(found, now)), (check_chain, _chain_due(found, now))
            return next((chore for chore, is_due in due if is_due and chore not in tried), None)

    def _do(self) -> None:
        tried: list[Callable] = []
        while (chore := self._next(*tried)) is not None:
            tried.append(chore)
            try:
                with (self.app.app_context(), scope.everything("chores"),
                      audit.acting_as("system", "job", clock.now, act="backup")):
                    chore()
            except Refusal as refusal:  # which the page about the machine tells as well
                log.error("%s: %s", chore.__name__, refusal)
            except Exception as error:
                note(log, error, "%s failed", chore.__name__)


def _backup_due(found: dict, now: datetime) -> bool:
    last = found.get(machinecheck.BACKUP)
    just_failed = last is not None and not last.ok and realtime.within(last.at, now, AGAIN_AFTER)
    return shelf.is_due(current_app.config["PORTAL"].backups, now) and not just_failed


def _chain_due(found: dict, now: datetime) -> bool:
    last = found.get(machinecheck.CHAIN)
    return last is None or not realtime.within(last.at, now, CHAIN_EVERY)


def daily_backup() -> None:
    made = backup.noted(shelf.DAILY)
    log.info("the daily backup is made: %s", made.path)


def check_chain() -> int:
    """Verify the trail beside those who write, and note how it is: the number of entries. Raises Broken."""
    broken = count = None
    with reading():
        try:
            count = chain.verify()
        except chain.Broken as found:
            broken = found
    told = as_json(broken.message) if broken else {"entries": count}
    machinecheck.note(machinecheck.CHAIN, broken is None, realtime.now(), told)
    db.session.commit()
    if broken:
        raise broken
    return count


def state() -> dict[str, Any]:
    """What the page about the machine shows beside what the portal found when it looked after itself."""
    settings: Settings = current_app.config["PORTAL"]
    kept = shelf.kept(settings.backups)[::-1]
    last = shelf.last_due(realtime.now())
    return {
        "health": health.examined(), "folder": settings.backups, "same_disk": _same_disk(settings),
        "backups": [{"name": one.path.name, "made_at": one.made_at, "kind": one.kind, "mb": one.path.stat().st_size / 1e6}
                    for one in kept[:SHOWN]], "count": len(kept), "next": last + timedelta(days=1),
        "passphrase_file": None if passphrase.given() else passphrase.kept(settings),
        "total_bytes": shutil.disk_usage(settings.data_dir).total, "versions": _versions()}


def _same_disk(settings: Settings) -> bool:
    return not settings.backups.exists() or settings.backups.stat().st_dev == settings.data_dir.stat().st_dev


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), db.engine.dialect.name: ".".join(map(str, _database_version()))}
    for package in ("portal", "flask", "sqlalchemy", "weasyprint"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a checkout that was not installed
            continue
    return found


def _database_version() -> tuple[int, ...]:
    if db.engine.dialect.name == "sqlite":
        return db.engine.dialect.dbapi.sqlite_version_info
    return db.engine.dialect.server_version_info or ()
