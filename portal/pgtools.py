"""PostgreSQL's own tools: pg_dump and pg_restore, the newest there are; and databases emptied and made for a while."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from models.words import N_, Refusal
from portal.lifeline import die_with

PACKAGE = "sudo apt-get install postgresql-client"
# Rows of every area are asked for, where the database itself limits them.
_SCOPE = "-c portal.scope=* -c portal.business=*"
_COPY = re.compile(rb'COPY (?:\w+\.)?"?(\w+)"? \(')


def found(tool: str) -> str:
    """The newest of a tool. Raises Refusal with the line that installs it."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), key=lambda path: float(path.parts[-3]))
    there = str(versions[-1]) if versions else shutil.which(tool)
    if there is None:
        raise Refusal(N_("{tool} is missing, which copies a PostgreSQL database. Install: {line}"), tool=tool, line=PACKAGE)
    return there


def dump(connection: Connection, out: Path, rows: dict[str, int]) -> None:
    """Dump the database as the transaction of *connection* sees it. Raises Refusal unless there are so many *rows* of each
    table in the dump."""
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    out.touch(0o600)
    _run(found("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", "--enable-row-security", f"--snapshot={snapshot}",
         f"--file={out}", url=connection.engine.url)
    counted = _rows(out)
    for table, count in rows.items():
        if counted[table] != count:
            raise Refusal(N_("pg_dump wrote {found} rows of table {table}, and there are {count}."), table=table,
                          found=counted[table], count=count)


def _rows(copy: Path) -> Counter[str]:
    """How many rows of each table a dump holds, read back from it."""
    rows, table = Counter(), None
    with subprocess.Popen([found("pg_restore"), "--data-only", "--file=-", str(copy)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as reading:
        for line in reading.stdout:
            if table is None:
                begun = _COPY.match(line)
                table = begun and begun[1].decode()
            elif line == b"\\.\n":
                table = None
            else:
                rows[table] += 1
    return rows


def load(copy: Path, url: str) -> None:
    """Put a dump into an empty database, all of it or nothing."""
    _run(found("pg_restore"), "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(copy), url=url)


def _run(tool: str, *words: str, url: str | URL) -> None:
    url, parent = make_url(url), os.getpid()
    variables = os.environ | {"PGPASSWORD": url.password or "", "PGOPTIONS": _SCOPE}
    ran = subprocess.run([tool, f"--dbname={_where(url)}", *words], env=variables, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, errors="replace",
                         preexec_fn=lambda: die_with(parent), check=False)
    if ran.returncode:
        raise Refusal(N_("{tool} ended with: {why}"), tool=Path(tool).name,
                      why=(ran.stderr.strip().splitlines() or [str(ran.returncode)])[0])


def _where(url: URL) -> str:
    """A connection string without the password, which others could read in the list of processes."""
    named = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    return make_conninfo(**{key: value for key, value in named.items() if value}, **url.query)


@contextmanager
def _administering(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    with engine.connect() as connection:
        yield connection


def is_empty(url: str) -> bool:
    with _administering(url) as connection:
        return not inspect(connection).get_table_names()


def emptied(url: str) -> None:
    """Take out every table and function that a restore has put in."""
    with _administering(url) as connection:
        quote = connection.dialect.identifier_preparer.quote
        for table in inspect(connection).get_table_names():
            connection.execute(text(f"DROP TABLE {quote(table)} CASCADE"))
        for routine in connection.scalars(text(
                "SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS "
                "(SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')")).all():
            connection.execute(text(f"DROP ROUTINE {routine} CASCADE"))


@contextmanager
def for_a_while(url: str) -> Iterator[str]:
    """The URL of a database beside the one named, which is there inside and gone afterwards."""
    other = make_url(url).set(database=f"{make_url(url).database}_drill")
    name = f'"{other.database}"'
    try:
        with _administering(url) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    except DBAPIError:
        raise Refusal(N_("A drill needs a database for a while, and this account may make none. Run as the administrator of "
                         "PostgreSQL: ALTER ROLE {role} CREATEDB"), role=make_url(url).username or "portal") from None
    try:
        yield other.render_as_string(hide_password=False)
    finally:
        with _administering(url) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
