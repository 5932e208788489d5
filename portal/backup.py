"""Making a backup: a snapshot of the database, the secret key and the files, in one encrypted file that was read back.

It is written under another name and takes its own only when all of it was decrypted again and every hash compared; a
failure leaves nothing behind and says why. One at a time for a data folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from models import audit, formkey, machinecheck, realtime, scope
from models.base import db
from models.words import N_, Message, Refusal, as_json
from portal import archive, passphrase, shelf, snapshot
from portal.settings import Settings

PATIENCE = 60.0  # seconds to wait for another backup


@dataclass(frozen=True)
class Made:
    """A finished backup. *damaged*: files of the store that are not what their names say, left out of it."""

    path: Path
    kind: str
    sha256: str
    size: int
    manifest: dict[str, Any]
    damaged: list[str]

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.manifest["tables"].values())

    def told(self) -> dict[str, Any]:
        """What the page about the machine and `--json` say of it."""
        return {"file": str(self.path), "kind": self.kind, "sha256": self.sha256, "size": self.size, "rows": self.rows,
                "files": sum(name.startswith("files/") for name in self.manifest["members"]), "damaged": len(self.damaged),
                "tables": len(self.manifest["tables"]), "head": self.manifest["chain"]["head"],
                "intact": not self.manifest["chain"]["broken"]}


def make(kind: str, to: Path | None = None, patience: float = PATIENCE) -> Made:
    """Back the portal at hand up: into its folder of backups, or to the file or folder *to*.

    Before an import somebody waits: the files stay out, of which none can change by it, tables are counted and not hashed,
    and the trail is not verified. Raises Refusal if it could not be made whole.
    """
    settings: Settings = current_app.config["PORTAL"]
    try:
        with alone(settings, patience), workplace(settings.data_dir / ".backup") as work, _named(settings, kind, to) as names:
            made = _made(settings, kind, work, *names)
    except OSError as error:
        raise _no_room(error, to or settings.backups) from None
    if to is None:
        shelf.tidy(settings.backups, realtime.now())
    return made


def _made(settings: Settings, kind: str, work: Path, path: Path, part: Path) -> Made:
    """Write it as *part*, read it back, and give it its name."""
    secret, _ = passphrase.ensured(settings)
    members, manifest, damaged = _gathered(settings, kind, work)
    with open(part, "xb", opener=archive.private) as out:
        archive.sealed(out, secret, passphrase.work(secret), manifest, members)
        out.flush()
        os.fsync(out.fileno())
    archive.checked(part, secret, lambda manifest: None)
    found = archive.sum_of(part)
    os.replace(part, path)
    _synced(path.parent)
    return Made(path, kind, found["sha256"], found["size"], manifest, damaged)


def _gathered(settings: Settings, kind: str, work: Path) -> tuple[list[tuple[str, Path]], dict[str, Any], list[str]]:
    """(members, manifest, damaged files). The database first: a row names only files that were there before it."""
    whole = kind != shelf.IMPORT
    name, found = snapshot.taken(db.engine, settings.secret_key, work, whole)
    (work / archive.KEY).write_text(settings.secret_key)
    files, damaged = _files(settings.files, read=whole)
    fonts = {f"fonts/{path.name}": path for path in sorted(settings.fonts.glob("*")) if path.is_file()} if whole else {}
    members = [(archive.KEY, work / archive.KEY), *fonts.items(), (name, work / name), *(files if whole else ())]
    sums = {name: {"sha256": path.name, "size": path.stat().st_size} if name.startswith("files/") else archive.sum_of(path)
            for name, path in members}
    return members, {"format": archive.FORMAT, "made_at": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind,
                     "database": db.engine.dialect.name, **found, "files": whole, "members": sums,
                     "needs": [] if whole else [path.name for _, path in files]}, damaged


def _files(folder: Path, read: bool) -> tuple[list[tuple[str, Path]], list[str]]:
    """The files of the store, and the names of those whose content is another: these stay out, and are told."""
    there = sorted(path for path in folder.glob("??/*") if len(path.name) == 64)
    damaged = {path.name for path in there if read and archive.sum_of(path)["sha256"] != path.name}
    return [(f"files/{path.parent.name}/{path.name}", path) for path in there if path.name not in damaged], sorted(damaged)


@contextmanager
def alone(settings: Settings, patience: float) -> Iterator[None]:
    """One backup at a time for a data folder. Raises Refusal if another goes on for longer than the *patience*."""
    until = time.monotonic() + patience
    with (settings.data_dir / "backup.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise Refusal(N_("Another backup is being made at the moment: try again in a few minutes.")) from None
                time.sleep(0.1)
        yield


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """An empty folder that nobody else can enter, gone afterwards; what a killed one left there goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _named(settings: Settings, kind: str, to: Path | None) -> Iterator[tuple[Path, Path]]:
    """The name a backup will have and the one it is written under, which is gone afterwards."""
    place = to or settings.backups
    if to is None:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = shelf.free_name(place, kind, realtime.now()) if place.is_dir() else place
    if path.exists():
        raise Refusal(N_("{file} is there already: nothing is written over a backup."), file=str(path))
    part = path.with_name(f".{path.name}.part")
    for old in (part, *settings.backups.glob(f".portal-*{shelf.SUFFIX}.part")):  # of one that was killed: we are alone here
        old.unlink(missing_ok=True)
    try:
        yield path, part
    finally:
        part.unlink(missing_ok=True)


def _synced(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_room(error: OSError, folder: Path) -> Refusal:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refusal(N_("No backup was made: the disk of {folder} is full. Make room, or set PORTAL_BACKUPS to a folder on a "
                          "larger disk."), folder=str(folder))
    return Refusal(N_("No backup was made: {file} cannot be used ({why})."), file=str(error.filename or folder),
                   why=error.strerror)


def record(made: Made) -> None:
    """Tell of a backup in the trail and on the page about the machine. Does not commit."""
    with scope.everything("backup"):
        audit.record("backup", "backup", scope.EVERYWHERE, kind=made.kind, file=made.path.name, sha256=made.sha256)
        if made.kind != shelf.IMPORT:
            machinecheck.note(machinecheck.BACKUP, not made.damaged, realtime.now(),
                              as_json(damaged(made)) if made.damaged else made.told())
            broken = made.manifest["chain"]["broken"]
            machinecheck.note(machinecheck.CHAIN, not broken, realtime.now(), broken or {})


def damaged(made: Made) -> Message:
    """The sentence about files that had to stay out."""
    return Message(N_("{count} files of the store are damaged and stay out of the backup, first {name}: put them back from an "
                      "earlier backup."), {"count": len(made.damaged), "name": made.damaged[0]})


def noted(kind: str, to: Path | None = None) -> Made:
    """Make a backup and commit what is told of it; a failure is noted for the administrator before it goes on."""
    made = _or_noted(lambda: make(kind, to))
    record(made)
    db.session.commit()
    return made


def first() -> Made:
    """Back the database up before a list comes in; `record` tells of it in the transaction by which the list does.

    Raises Refusal if there can be no backup: then nothing comes in.
    """
    return _or_noted(lambda: make(shelf.IMPORT))


def _or_noted(act: Callable[[], Made]) -> Made:
    db.session.rollback()  # nothing is locked meanwhile: what others commit in these seconds is not in the backup
    try:
        return act()
    except Refusal as refusal:
        db.session.rollback()
        formkey.forgo()  # the form may be sent again as it is, once the backup can be made
        machinecheck.note(machinecheck.BACKUP, False, realtime.now(), as_json(refusal.message))
        db.session.commit()
        raise
