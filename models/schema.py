"""The schema: all tables, migrations run from code, and how connections of each database behave."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, event

from models.base import Base

# GET requests set it to False: they read and need not wait for each other.
writing: ContextVar[bool] = ContextVar("writing", default=True)


def metadata() -> MetaData:
    """The metadata with every table known."""
    from models import (  # noqa: F401, PLC0415
        area,
        audit,
        campaign,
        case,
        certificate,
        document,
        grants,
        imports,
        ledger,
        outbox,
        user,
    )
    return Base.metadata


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema; rows are kept."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest schema."""
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
        return at is not None and at == ScriptDirectory.from_config(_config(connection)).get_current_head()


def revise(engine: Engine, message: str) -> None:
    """Write the next migration from what differs (for developers)."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def tune(engine: Engine) -> None:
    """SQLite: WAL, full sync, foreign keys, and BEGIN IMMEDIATE for whoever writes (else writers meet "locked")."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _tune_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000",
                   "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")
