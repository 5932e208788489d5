"""A copy of the database as it was at one moment, taken beside those who write; and such a copy put back.

SQLite: its backup API, in one step, which holds up nobody. PostgreSQL: pg_dump of the snapshot of the very transaction
that hashes the tables. What the tables hold is hashed from the copy or the snapshot, so it is what is kept.
"""

from __future__ import annotations

import errno
import gzip
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, NullPool, create_engine

from models import chain, rowwalls, scope
from models.schema import writing
from models.tablehash import table_hashes
from models.words import N_, Refusal, as_json
from portal import pgtools
from portal.archive import DUMP, SQLITE, private

_BLOCK = 2 ** 20
DAMAGED = N_("The database file is damaged inside: stop the portal, look at the disk, and restore the newest backup.")


def taken(engine: Engine, key: str, work: Path, contents: bool = True) -> tuple[str, dict[str, Any]]:
    """Copy the database into *work*: the name of the file there, and what it holds: {"revision", "tables", "chain",
    "database_bytes"}.

    Without *contents* rows are only counted and the trail is not verified. Raises Refusal where the copy is not whole.
    """
    with _reading():
        return (_of_sqlite if engine.dialect.name == "sqlite" else _of_postgres)(engine, key, work, contents)


@contextmanager
def _reading() -> Iterator[None]:
    token = writing.set(False)
    try:
        with scope.everything("backup"):
            yield
    finally:
        writing.reset(token)


def _of_sqlite(engine: Engine, key: str, work: Path, contents: bool) -> tuple[str, dict[str, Any]]:
    copy = work / "copy.sqlite"
    copy.touch(0o600)
    try:
        with closing(sqlite3.connect(engine.url.database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    except sqlite3.DatabaseError as error:
        raise (OSError(errno.ENOSPC, str(error), str(work)) if error.sqlite_errorcode == sqlite3.SQLITE_FULL else
               Refusal(DAMAGED)) from None
    _whole(copy)
    with opened(f"sqlite:///{copy}", key) as connection:
        found = described(connection, contents) | {"database_bytes": copy.stat().st_size}
    with copy.open("rb") as source, gzip.open(work / SQLITE, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, _BLOCK)
    copy.unlink()
    return SQLITE, found


def _unpacked(copy: Path, database: Path) -> None:
    try:
        with gzip.open(copy) as source, open(database, "xb", opener=private) as target:
            shutil.copyfileobj(source, target, _BLOCK)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Refusal(DAMAGED) from None
    _whole(database)


def _whole(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        try:
            sound = connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
            sound = sound and not connection.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError:
            sound = False
    if not sound:
        raise Refusal(DAMAGED)


def _of_postgres(engine: Engine, key: str, work: Path, contents: bool) -> tuple[str, dict[str, Any]]:
    options = {"isolation_level": "REPEATABLE READ", "trail_key": key, **scope.PAST_THE_WALLS}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        found = described(connection, contents) | {"database_bytes": 0}  # it lies on another disk
        pgtools.dump(connection, work / DUMP, {table: each["rows"] for table, each in found["tables"].items()})
    return DUMP, found


@contextmanager
def opened(url: str, key: str) -> Iterator[Connection]:
    """A plain connection to a database, whose trail is sealed by *key*."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    chain.use_key(engine, key)
    if engine.dialect.name == "postgresql":
        rowwalls.tell(engine)
    try:
        with engine.connect().execution_options(**scope.PAST_THE_WALLS) as connection:
            yield connection
    finally:
        engine.dispose()


def described(connection: Connection, contents: bool) -> dict[str, Any]:
    """{"revision", "tables": {name: {"rows", "sha256"}}, "chain": {"entries", "head", "verified", "broken": message or None}}."""
    entries, head = chain.head(connection)
    return {"revision": MigrationContext.configure(connection).get_current_revision(),
            "tables": table_hashes(connection, contents),
            "chain": {"entries": entries, "head": head, "verified": contents,
                      "broken": _broken(connection) if contents else None}}


def _broken(connection: Connection) -> dict[str, Any] | None:
    """What is wrong with the trail. A broken one is backed up all the same, as it is."""
    try:
        chain.verify(connection=connection)
    except chain.Broken as broken:
        return as_json(broken.message)
    return None


def put_back(copy: Path, url: str, tables: dict[str, Any]) -> None:
    """Put a copy where *url* names an empty database, and compare every table with the hashes of its manifest.

    Raises Refusal naming the first table that differs.
    """
    if copy.name == DUMP:
        pgtools.load(copy, url)
    else:
        _unpacked(copy, Path(url.removeprefix("sqlite:///")))
    with _reading(), opened(url, "") as connection:
        found = table_hashes(connection, all(table["sha256"] for table in tables.values()))
    for table in sorted({*found, *tables}):
        if found.get(table) != tables.get(table):
            raise Refusal(N_("The rows of table {table} are not those the backup names: it was changed. Take another one."),
                          table=table)
