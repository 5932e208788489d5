"""Putting a backup back: into an empty data folder and an empty database, everything checked before anything is in place.

All is unpacked and restored in a folder inside the data folder, hashes and trail are checked there, and only then do
the parts move up, the database last: until it lies there, no portal is set up. What a killed restore left is taken
away by the next one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import make_url

import models.migrations
from models import audit, outbox, realtime, schema, scope, signin
from models.base import db
from models.words import N_, Refusal
from portal import archive, clock, passphrase, pgtools, snapshot
from portal.backup import PATIENCE, alone, workplace
from portal.settings import Settings

# What may lie in a data folder that is empty otherwise.
OF_BACKUPS = {"backups", "backup-passphrase", "backup.lock", ".restoring", ".drill"}
_TOUCHED = "database-touched"  # a mark: what a PostgreSQL database holds was put there by us


@dataclass(frozen=True)
class Restored:
    """What was put back, or in a drill could have been. *upgraded*: from an older schema. *intact*: the trail holds."""

    manifest: dict[str, Any]
    sha256: str
    seconds: float
    intact: bool
    upgraded: bool
    sessions: int
    tasks: int

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        return self.manifest["tables"]


def restore(settings: Settings, file: Path, secret: str, files_from: Path | None = None, drill: bool = False) -> Restored:
    """Put *file* back. Raises Refusal, with folder and database as empty as before, for whatever is not as it should be."""
    began = time.monotonic()
    folder, lock = settings.data_dir, settings.data_dir / "backup.lock"
    ours, locked = not folder.exists(), lock.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with (alone(settings, PATIENCE), _target(settings, drill) as url,
              workplace(folder / (".drill" if drill else ".restoring")) as work):
            place = replace(settings, data_dir=work, database_url=url or f"sqlite:///{work / 'portal.sqlite'}")
            found = _checked(place, file, secret, files_from, drill)
            if not drill:
                _moved_up(work, settings, secret)
        return replace(found, seconds=time.monotonic() - began)
    finally:
        if not locked:
            lock.unlink(missing_ok=True)
        if ours and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _target(settings: Settings, drill: bool) -> Iterator[str | None]:
    """The PostgreSQL database to restore into, empty again if it goes wrong; None: an SQLite file in the data folder."""
    postgres = settings.database_url.startswith("postgresql")
    if drill:
        with pgtools.for_a_while(settings.database_url) if postgres else nullcontext() as url:
            yield url
        return
    _refuse_full(settings, postgres)
    try:
        yield settings.database_url if postgres else None
    except BaseException:
        if postgres:
            pgtools.emptied(settings.database_url)
        raise


def _refuse_full(settings: Settings, postgres: bool) -> None:
    folder, left = settings.data_dir, settings.data_dir / ".restoring"
    own = folder / "portal.sqlite"
    if not postgres and Path(make_url(settings.database_url).database) != own:
        raise Refusal(N_("A backup is restored into the data folder: leave PORTAL_DATABASE_URL out, or name a PostgreSQL "
                         "database."))
    if (left / _TOUCHED).exists() if postgres else left.exists() and not own.exists():
        _cleared(settings, postgres)
    others = sorted(path.name for path in folder.iterdir() if path.name not in OF_BACKUPS)
    if others:
        raise Refusal(N_("The data folder {folder} is not empty ({name} lies in it): a backup is restored into an empty one. Set "
                         "PORTAL_DATA_DIR to a new folder."), folder=str(folder), name=others[0])
    if postgres and not pgtools.is_empty(settings.database_url):
        raise Refusal(N_("The database is not empty: a backup is restored into an empty one. Make one (createdb NAME) and name "
                         "it in PORTAL_DATABASE_URL."))


def _cleared(settings: Settings, postgres: bool) -> None:
    """Take away what a restore left that was killed: all of it was put there by us."""
    if postgres:
        pgtools.emptied(settings.database_url)
    for name in (*archive.FOLDERS, archive.KEY):
        path = settings.data_dir / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _checked(place: Settings, file: Path, secret: str, files_from: Path | None, drill: bool) -> Restored:
    """Unpack and restore into *place* and check it all; the database is then as it is to be used."""
    work = place.data_dir
    manifest = archive.checked(file, secret, lambda manifest: _fits(manifest, place, files_from, drill))
    sum_of_file = archive.sum_of(file)["sha256"]
    _refuse_other_key((work / archive.KEY).read_text("utf-8"))
    if files_from:
        _fetched(files_from, manifest["needs"], work / "files")
    (work / _TOUCHED).touch()
    copy = next(work / name for name in (archive.DUMP, archive.SQLITE) if (work / name).exists())
    snapshot.put_back(copy, place.database_url, manifest["tables"])
    copy.unlink(missing_ok=True)
    broken, upgraded, sessions, tasks = _taken_over(place, manifest, file.name, sum_of_file)
    return Restored(manifest, sum_of_file, 0, not broken, upgraded, sessions, tasks)


def _fits(manifest: dict[str, Any], place: Settings, files_from: Path | None, drill: bool) -> Path:
    """Refuse, before anything is unpacked, what cannot be restored here; else the folder to unpack into."""
    kind = make_url(place.database_url).get_backend_name()
    if manifest["database"] != kind:
        raise Refusal(N_("The backup is of a database of {made}, and PORTAL_DATABASE_URL names one of {here}."),
                      made=manifest["database"], here=kind)
    known = {script.revision for script in _scripts().walk_revisions()}
    if manifest["revision"] not in known:
        raise Refusal(N_("The backup is of a newer version of the portal (schema {revision}): install that version first."),
                      revision=str(manifest["revision"]))
    if not manifest["files"] and not files_from and not drill and manifest["needs"]:
        raise Refusal(N_("This backup was made before an import and holds no files: say with --files-from where the {count} "
                         "files lie (the files folder of the data folder it was made of)."), count=len(manifest["needs"]))
    needed = sum(member["size"] for member in manifest["members"].values()) + manifest["database_bytes"]
    if shutil.disk_usage(place.data_dir).free < needed:
        raise Refusal(N_("The disk of {folder} has not the {size} MB that the restore needs."), folder=str(place.data_dir),
                      size=needed // 2 ** 20 + 1)
    return place.data_dir


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(models.migrations.__file__).parent))


def _refuse_other_key(key: str) -> None:
    if os.environ.get("PORTAL_SECRET_KEY") not in (None, "", key):
        raise Refusal(N_("PORTAL_SECRET_KEY is another key than the one in the backup, and with it the trail does not verify: "
                         "leave it out, or set the one the backup was made with."))


def _fetched(source: Path, names: list[str], target: Path) -> None:
    """Copy the files a backup without files needs. Raises Refusal if one is missing or is not what its name says."""
    for name in names:
        path = next((path for path in (source / name[:2] / name, source / "files" / name[:2] / name) if path.is_file()), None)
        if path is None or archive.sum_of(path)["sha256"] != name:
            raise Refusal(N_("The file {name} that the backup needs does not lie in {folder}, or is damaged there."), name=name,
                          folder=str(source))
        (target / name[:2]).mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, target / name[:2] / name)


def _taken_over(place: Settings, manifest: dict[str, Any], name: str, sum_of_file: str) -> tuple[bool, bool, int, int]:
    """Check the trail and bring the database up to now: (trail broken, upgraded, sessions ended, tasks freed)."""
    from portal import create_app
    app = create_app(place)
    with app.app_context(), scope.everything("restore"), audit.acting_as("system", "command", clock.now, act="restore"):
        try:
            upgraded = not schema.is_current(db.engine)
            if upgraded:
                schema.upgrade(db.engine)
            broken = _trail_of(manifest["chain"])
            ended = signin.end_every(signin.RESTORED, realtime.now())
            freed = outbox.free_all()
            audit.record("restore", "backup", scope.EVERYWHERE, file=name, sha256=sum_of_file)
            db.session.commit()
        finally:
            _let_go(app)
    return broken, upgraded, ended, freed


def _trail_of(kept: dict[str, Any]) -> bool:
    """Whether the trail is broken. Raises Refusal if it held when it was backed up; else it is put back as it was, and told."""
    try:
        audit.verify(kept["head"] if kept["entries"] else None)
    except audit.Broken:
        if kept["verified"] and not kept["broken"]:
            raise
        return True
    return False


def _let_go(app: Flask) -> None:
    db.session.remove()
    db.engine.dispose()  # the last connection to close writes SQLite's log back


def _moved_up(work: Path, settings: Settings, secret: str) -> None:
    """Everything into place, the database last; then nothing is debris any more."""
    os.sync()
    passphrase.keep(settings, secret)  # the one written down goes on
    (work / _TOUCHED).unlink()
    for name in (*archive.FOLDERS, archive.KEY, "portal.sqlite"):
        if (work / name).exists():
            os.rename(work / name, settings.data_dir / name)
    os.sync()
