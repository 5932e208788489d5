"""On PostgreSQL: texts that are sorted, or searched by their beginning, go by the order of bytes, as SQLite's do; the guards
of posts see past the walls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.postguards import RULES, _function, _trigger

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (
    ("person", "id_number", 18), ("person", "id_tail", 4), ("person", "name", 60), ("person", "name_key", 200),
    ("person", "phone", 40), ("township", "name_key", 200), ("village", "name_key", 200), ("portal_user", "username", 64),
    ("document", "kind", 32), ("document", "number", 60), ("bulletin", "kind", 32), ("bulletin", "number", 60),
    ("seek", "text", 60))


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _sort("C")
        for rule in RULES:
            op.execute(_function(rule))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _sort("default")


def _sort(collation: str) -> None:
    naming = next(rule for rule in RULES if rule.name == "user_keeps_name")  # its trigger hangs on the column
    ((name, event),) = naming.triggers()
    op.execute(f"DROP TRIGGER {name} ON {naming.table}")
    for table, column, length in COLUMNS:
        op.alter_column(table, column, type_=sa.String(length, collation=collation))
    op.execute(_trigger("postgresql", naming, name, event))
