"""What tables hold, as hashes: one for each table, over its rows in the order of their key.

Equal hashes are equal rows; a hash compares databases of one kind only, since each driver writes values its own way.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, inspect, text

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode
_AT_ONCE = 2000


def table_hashes(connection: Connection, contents: bool = True) -> dict[str, dict[str, Any]]:
    """{table: {"rows": number, "sha256": hash}} of every table there is, also of those no model knows.

    Without *contents* the hash is None: counting is a hundred times as quick.
    """
    there, look = inspect(connection), _hashed if contents else _counted
    return {table: look(connection, table, there) for table in sorted(there.get_table_names())}


def _counted(connection: Connection, table: str, there: Any) -> dict[str, Any]:
    quote = connection.dialect.identifier_preparer.quote
    return {"rows": connection.execute(text(f"SELECT count(*) FROM {quote(table)}")).scalar_one(), "sha256": None}


def _hashed(connection: Connection, table: str, there: Any) -> dict[str, Any]:
    columns = [column["name"] for column in there.get_columns(table)]
    key = there.get_pk_constraint(table)["constrained_columns"] or columns
    quote = connection.dialect.identifier_preparer.quote
    listed = lambda names: ", ".join(map(quote, names))
    found = connection.execute(text(f"SELECT {listed(columns)} FROM {quote(table)} ORDER BY {listed(key)}"),
                               execution_options={"yield_per": _AT_ONCE})
    digest, rows = hashlib.sha256(_canonical(columns).encode()), 0
    for part in found.partitions(_AT_ONCE):  # without a number psycopg would fetch them all
        digest.update("\n".join(["", *(_canonical(list(row)) for row in part)]).encode())
        rows += len(part)
    return {"rows": rows, "sha256": digest.hexdigest()}
