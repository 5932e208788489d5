"""What the portal found when it looked after itself: the last backup, the last check of the trail.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "machine_check",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", models.base.Instant(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("good_at", models.base.Instant(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_check")),
        sa.UniqueConstraint("kind", name=op.f("uq_machine_check_kind")),
        sqlite_autoincrement=True)


def downgrade() -> None:
    op.drop_table("machine_check")
