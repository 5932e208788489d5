"""Where tests keep their databases: SQLite files, or databases of a PostgreSQL server. Both by the same words."""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine, create_engine, make_url, text

VARIABLE = "PORTAL_TEST_DATABASE_URL"  # a server, by an account that may create databases and is no superuser


class SqliteStage:
    """SQLite files: a template is a file, a test's database is a copy of it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}.db"

    def beside(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'portal.sqlite'}"

    def copy(self, template: str, name: str) -> None:
        self.drop(name)
        shutil.copyfile(self.folder / f"{template}.db", self.folder / f"{name}.db")

    def put(self, template: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / f"{template}.db", folder / "portal.sqlite")

    def lose(self, folder: Path) -> None:
        (folder / "portal.sqlite").unlink()

    def drop(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"{name}.db{suffix}").unlink(missing_ok=True)

    def tidy(self) -> None:
        """What lies in a test's own folder goes with it."""

    def close(self) -> None:
        shutil.rmtree(self.folder)


class PostgresStage:
    """Databases of one PostgreSQL server, whose URL names an account that may create some."""

    def __init__(self, url: str):
        self.server = make_url(url)
        self.admin = create_engine(self.server, isolation_level="AUTOCOMMIT")
        self.names: set[str] = set()
        self.lent: set[str] = set()
        self.prefix = f"portal_test_{os.getpid()}_"
        with self.admin.connect() as connection:
            # By files: the other way, through the log, takes five times as long. Older servers know no other.
            self.by_files = " STRATEGY FILE_COPY" if connection.dialect.server_version_info >= (15,) else ""

    def url(self, name: str) -> str:
        return self.server.set(database=self._known(name)).render_as_string(hide_password=False)

    def beside(self, folder: Path) -> str:
        """The database of a data folder, empty unless something was put there."""
        name = _named_for(folder)
        self.lent.add(name)
        return self.url(name)

    def copy(self, template: str, name: str) -> None:
        source, target = self._known(template), self.prefix + name
        self._drop(target)
        self._run(f"CREATE DATABASE {target} TEMPLATE {source}{self.by_files}")
        self.names.add(target)

    def put(self, template: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lent.add(_named_for(folder))
        self.copy(template, _named_for(folder))

    def lose(self, folder: Path) -> None:
        self.drop(_named_for(folder))

    def drop(self, name: str) -> None:
        self._drop(self.prefix + name)

    def tidy(self) -> None:
        """Drop the databases of data folders."""
        while self.lent:
            self.drop(self.lent.pop())

    def close(self) -> None:
        for name in set(self.names):
            self._drop(name)
        self.admin.dispose()

    def _known(self, name: str) -> str:
        target = self.prefix + name
        if target not in self.names:
            self._run(f"CREATE DATABASE {target} TEMPLATE template0{self.by_files}")
            self.names.add(target)
        return target

    def _drop(self, target: str) -> None:
        self.names.discard(target)
        self._run(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(text(statement))


def outsider(url: str) -> Engine:
    """An engine that is not the portal's: nothing tunes it, and no wall stands before it."""
    walls = {"options": "-c portal.scope=* -c portal.business=*"} if url.startswith("postgresql") else {}
    return create_engine(url, connect_args=walls)


def _named_for(folder: Path) -> str:
    return f"at_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


@cache
def the_stage() -> SqliteStage | PostgresStage:
    """The one of this process."""
    url = os.environ.get(VARIABLE)
    return PostgresStage(url) if url else SqliteStage(Path(mkdtemp(prefix="portal-tests-databases-")))


def beside(folder: Path) -> str:
    """The URL of the database that belongs to a data folder; a portal finds SQLite's there by itself."""
    return the_stage().beside(folder)
