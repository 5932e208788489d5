"""The schema: all tables, migrations run from code, and how connections of each database behave."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ExceptionContext, MetaData, event, inspect

from models import chain, rowwalls, scope
from models.base import Base, db

SAMPLED = 1000  # rows of an index that are looked at
PATIENCE = 20000  # milliseconds that a writer waits for others
WRITERS = 0x706F7274  # the number of PostgreSQL's lock that writers take
# GET requests set it to False: they need not wait for each other, and the database refuses whatever they would write.
writing: ContextVar[bool] = ContextVar("writing", default=True)


def metadata() -> MetaData:
    """The metadata with every table known."""
    from models import (  # noqa: F401, PLC0415
        addresstry,
        area,
        audit,
        campaign,
        case,
        certificate,
        document,
        draft,
        formkey,
        grants,
        imports,
        leaving,
        ledger,
        machinecheck,
        numberview,
        outbox,
        passwords,
        seek,
        signin,
        user,
    )
    return Base.metadata


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema; rows are kept. Where the trail's seal is new, it is set."""
    with scope.everything("a migration changes all rows"), engine.begin() as connection:
        sealable = _can_seal(connection)
        command.upgrade(_config(connection), "head")
        rowwalls.put_up(connection)
        if not sealable:
            chain.seal_first(connection)


def _can_seal(connection: Connection) -> bool:
    """Whether the head had a seal before: one that is missing later was taken away, and is not set again."""
    there = inspect(connection)
    return there.has_table("audit_head") and "seal" in {column["name"] for column in there.get_columns("audit_head")}


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest schema."""
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
        return at is not None and at == ScriptDirectory.from_config(_config(connection)).get_current_head()


def revise(engine: Engine, message: str) -> None:
    """Write the next migration from what differs (for developers)."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)
        rowwalls.put_up(connection)


def measure(engine: Engine) -> None:
    """Have SQLite note how much its tables hold, which PostgreSQL does by itself.

    Without that it takes every table for a large one, and looked through all cases to find those that changed this week.
    Connections know what was noted before they were opened.
    """
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA analysis_limit={SAMPLED}")
            connection.exec_driver_sql("ANALYZE")


def tune(engine: Engine, key: str | None = None) -> None:
    """The key that seals the trail; transactions begun while `writing` is False are read-only, whatever a screen tries.

    SQLite also gets WAL, full sync, foreign keys, and BEGIN IMMEDIATE for whoever writes (else writers meet "locked").
    """
    chain.use_key(engine, key)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "handle_error", _open_anew)
    else:
        rowwalls.tell(engine)
        event.listen(engine, "do_connect", _tune_elsewhere)
        event.listen(engine, "begin", _begin_elsewhere)


def _tune_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={PATIENCE}",
                   "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _tune_elsewhere(dialect: Any, record: Any, words: Any, settings: dict[str, Any]) -> None:
    """PostgreSQL compiles what it thinks will take long, which took longer than any statement of a page."""
    settings["options"] = f"{settings.get('options', '')} -c jit=off".strip()


def _begin_sqlite(connection: Connection) -> None:
    # Said each time: a pooled connection remembers what the last one to use it was.
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writing.get() else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")


def _open_anew(context: ExceptionContext) -> None:
    """A file that could not be written or read is closed: one opened while the disk was read-only stays so for good.

    By every connection: what SQLite has open of a file is shared by all that a process has to it.
    """
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR or (code == sqlite3.SQLITE_READONLY and writing.get()):
        context.is_disconnect = True
        cursor = getattr(context.execution_context, "cursor", None)
        if cursor is not None:  # SQLAlchemy leaves it to the collector, and the file open as long
            cursor.close()
        context.engine.dispose()


def _begin_elsewhere(connection: Connection) -> None:
    """Whoever writes waits here for whoever wrote before, as at SQLite's BEGIN IMMEDIATE: what is looked up first and written
    then (a name that is free, a limit that is not reached) holds on both databases. The trail's head would let only one
    through anyway, but later. A writer whose machine is gone holds nothing up for long.
    """
    if not writing.get():
        # Of one moment, as on SQLite: a page whose numbers agree, a form that was there or was not.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return
    wait = connection.get_execution_options().get("patience", PATIENCE)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {wait}; SET LOCAL idle_in_transaction_session_timeout = 600000; "
                               f"SELECT pg_advisory_xact_lock({WRITERS})")


def to_read() -> None:
    """From here on the request only reads, and nobody waits for it. What was read so far is read anew where it is used."""
    db.session.rollback()
    writing.set(False)


def to_write() -> None:
    """From here on it writes, if it did not before; what it read is read anew where it is used."""
    if not writing.get():
        db.session.rollback()
        writing.set(True)
        db.session.connection()  # its form's key comes first


@contextmanager
def hurried(engine: Engine) -> Iterator[Connection]:
    """A transaction of its own that writes, and rather fails than wait for others longer than a tenth of a second."""
    token = writing.set(True)
    try:
        with engine.connect().execution_options(patience=100) as connection:
            _patience(connection, 100)
            try:
                with connection.begin():
                    yield connection
            finally:
                _patience(connection, PATIENCE)
    finally:
        writing.reset(token)


def _patience(connection: Connection, milliseconds: int) -> None:
    if connection.dialect.name == "sqlite":  # by the driver: SQLAlchemy would begin the transaction first, and wait
        connection.connection.execute(f"PRAGMA busy_timeout={milliseconds}")
