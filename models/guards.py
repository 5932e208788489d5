"""What the database itself refuses: changes to the trail and to signed figures; and the trail's first head."""

from __future__ import annotations

from typing import Any

from models.chain import GENESIS

# table -> columns that may not change ("" is: nothing may, and nothing may be deleted)
FROZEN = {
    "audit_entry": "",
    "settlement_line": "",
    "receipt": "",
    "settlement": "facts, result, back_pay, recover, offset, still_to_refund, refund_to_person, submitted_by, "
                  "submitted_at, case_id, as_of",
}


def guard(op: Any) -> None:
    """Create the triggers on the database at hand, and the row the chain starts from."""
    dialect = op.get_bind().dialect.name
    op.execute(f"INSERT INTO audit_head (id, entries, hash) VALUES (1, 0, '{GENESIS}')")
    if dialect == "postgresql":
        op.execute("CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN RAISE EXCEPTION 'this row is never changed'; END $$")
    for table, columns in FROZEN.items():
        for act in (f"UPDATE OF {_quoted(columns)}" if columns else "UPDATE", "DELETE"):
            op.execute(_trigger(dialect, table, act))


def _quoted(columns: str) -> str:
    return ", ".join(f'"{column.strip()}"' for column in columns.split(","))


def _trigger(dialect: str, table: str, act: str) -> str:
    name = f"{table}_no_{act.split()[0].lower()}"
    if dialect == "postgresql":
        return f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    return (f"CREATE TRIGGER {name} BEFORE {act} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'this row is never changed'); END")
