"""A copy of the database as it was at one moment, taken beside those who write; and such a copy put back.

SQLite: its backup API, in one step, which holds up nobody. PostgreSQL: pg_dump of the snapshot of the very transaction
that hashes the tables. What the tables hold is hashed from the copy or the snapshot, so it is what is kept.
"""

from __future__ import annotations

import errno
import sqlite3
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
from portal.archive import DUMP, SQLITE

DAMAGED = N_("The database file is damaged inside: stop the portal, look at the disk, and restore the newest backup.")


def taken(engine: Engine, key: str, work: Path) -> tuple[str, dict[str, Any]]:
    """Copy the database into *work*: the name of the file there, and what it holds: {"revision", "tables", "chain"}.

    Raises Refusal where the copy is not whole.
    """
    with _reading():
        return (_of_sqlite if engine.dialect.name == "sqlite" else _of_postgres)(engine, key, work)


@contextmanager
def _reading() -> Iterator[None]:
    token = writing.set(False)
    try:
        with scope.everything("backup"):
            yield
    finally:
        writing.reset(token)


def _of_sqlite(engine: Engine, key: str, work: Path) -> tuple[str, dict[str, Any]]:
    copy = work / SQLITE
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
        return SQLITE, described(connection)


def _whole(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        try:
            sound = connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
            sound = sound and not connection.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError:
            sound = False
    if not sound:
        raise Refusal(DAMAGED)


def _of_postgres(engine: Engine, key: str, work: Path) -> tuple[str, dict[str, Any]]:
    options = {"isolation_level": "REPEATABLE READ", "trail_key": key, **scope.PAST_THE_WALLS}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        found = described(connection)
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


def described(connection: Connection) -> dict[str, Any]:
    """{"revision": …, "tables": {name: {"rows", "sha256"}}, "chain": {"entries", "head", "broken": message or None}}."""
    entries, head = chain.head(connection)
    return {"revision": MigrationContext.configure(connection).get_current_revision(), "tables": table_hashes(connection),
            "chain": {"entries": entries, "head": head, "broken": _broken(connection)}}


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
        _whole(copy)
        copy.rename(Path(url.removeprefix("sqlite:///")))
    with _reading(), opened(url, "") as connection:
        found = table_hashes(connection)
    for table in sorted({*found, *tables}):
        if found.get(table) != tables.get(table):
            raise Refusal(N_("The rows of table {table} are not those the backup names: it was changed. Take another one."),
                          table=table)
