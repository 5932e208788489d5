"""Backups as tests make and unmake them: a portal with something of everything, its copies, and copies somebody changed."""

from __future__ import annotations

import io
import json
import os
import secrets
import signal
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from factories import a_user
from flask import Flask
from running import NOW, TOWNSHIP, acting, office, order_documents, settings
from sqlalchemy import select

from exports import notices
from models import audit, outbox, realtime, scope, signin
from models.base import db
from models.case import Person
from models.tablehash import table_hashes
from models.user import Role
from portal import archive, backup, passphrase, restore, shelf, snapshot
from portal.agefile import Sealing


def furnished(folder: Path, **changes: object) -> Flask:
    """A portal with a case, two stored files, a task in hand and somebody signed in."""
    app = office(folder, **changes)
    app.extensions["store"].put(b"a paper")
    app.extensions["store"].put(b"a scan")
    task = order_documents(app, [notices.example("certification")])
    with acting(app), scope.everything("test"):
        user = a_user(Role.TOWNSHIP, TOWNSHIP)
        db.session.flush()
        signin.begin(user, "127.0.0.1", "Firefox", realtime.now())
        outbox.claim(task, realtime.now())
        db.session.commit()
    return app


@contextmanager
def inside(app: Flask) -> Iterator[None]:
    """As a command is."""
    with app.app_context(), scope.everything("test"), audit.acting_as("system", "command", lambda: NOW, act="backup"):
        yield
        db.session.remove()


def backed_up(app: Flask, kind: str = shelf.BY_HAND, to: Path | None = None) -> backup.Made:
    with inside(app):
        return backup.noted(kind, to)


def secret_of(app: Flask) -> str:
    return passphrase.known(app.config["PORTAL"])


def restored(path: Path, folder: Path, secret: str, **changes: object) -> restore.Restored:
    return restore.restore(settings(folder), path, secret, **changes)


def close(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def write(app: Flask, name: str) -> int:
    """A new person, told in the trail; the id, once it is committed."""
    with acting(app), scope.everything("test"):
        number = f"141120{secrets.randbelow(10 ** 12):012d}"
        person = Person(id_number=number, id_tail=number[-4:], name=name, name_key=name, sex="男", born=NOW.date())
        db.session.add(person)
        db.session.commit()
        found = person.id
        db.session.remove()
        return found


def tables_of(app: Flask) -> dict[str, dict[str, Any]]:
    with inside(app), snapshot.opened(app.config["PORTAL"].database_url, "") as connection:
        return table_hashes(connection)


def names_in(app: Flask) -> set[str]:
    with inside(app):
        return set(db.session.scalars(select(Person.name)))


def acts_in(app: Flask) -> list[str]:
    with inside(app):
        return list(db.session.scalars(select(audit.AuditEntry.act).order_by(audit.AuditEntry.id)))


class Opened:
    """A backup taken apart, to be put together otherwise with the right passphrase."""

    def __init__(self, made: backup.Made, secret: str, folder: Path):
        folder.mkdir()
        self.folder, self.secret = folder, secret
        self.manifest = archive.checked(made.path, secret, lambda _: folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def database(self) -> str:
        return next(name for name in (archive.SQLITE, archive.DUMP) if self.path(name).exists())

    def close(self, to: Path, extra: tuple[tarfile.TarInfo, bytes] | None = None, leave_out: str = "") -> Path:
        """Seal what lies here; the manifest is told nothing of it."""
        with to.open("wb") as out:
            sealing = Sealing(out, self.secret, passphrase.PLAIN)
            with tarfile.open(fileobj=sealing, mode="w|") as tar:
                content = json.dumps(self.manifest).encode()
                for info, data in filter(None, [(_info(archive.MANIFEST, content), content), extra]):
                    tar.addfile(info, io.BytesIO(data))
                for name in self.manifest["members"]:
                    if name != leave_out and self.path(name).exists():
                        data = self.path(name).read_bytes()
                        tar.addfile(_info(name, data), io.BytesIO(data))
            sealing.close()
        return to


def _info(name: str, data: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    info = _info(name, data if kind == tarfile.REGTYPE else b"")
    info.type, info.linkname = kind, target
    return info, data


def killed(act: Callable[[], object], owner: object, name: str, after: int = 0) -> None:
    """Carry out *act* in a process that kills itself with -9 when it comes to call *name* for the *after*th time."""
    child = os.fork()
    if not child:
        real, calls = getattr(owner, name), []

        def deadly(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) > after:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        setattr(owner, name, deadly)
        try:
            act()
        finally:
            os._exit(3)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


