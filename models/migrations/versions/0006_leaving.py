"""What leaves and is looked for: whole numbers seen, searches kept on this side, lists that a second person allows.

Revision ID: 0006
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0006"
down_revision = '0005'
branch_labels = None
depends_on = None

CODE = sa.String(length=12).with_variant(sa.String(length=12, collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "number_view",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("area_code", CODE, nullable=False),
        sa.Column("seen_at", models.base.Instant(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_view")),
        sqlite_autoincrement=True)
    op.create_index("ix_number_view_username_seen_at", "number_view", ["username", "seen_at"])
    op.create_table(
        "seek",
        sa.Column("ticket", sa.String(length=32), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("area_code", CODE, nullable=False),
        sa.Column("text", models.base.Sensitive(length=60), nullable=False),
        sa.Column("kept_at", models.base.Instant(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seek")),
        sa.UniqueConstraint("ticket", name=op.f("uq_seek_ticket")),
        sqlite_autoincrement=True)
    op.create_index(op.f("ix_seek_username"), "seek", ["username"])
    op.create_table(
        "export_request",
        sa.Column("sheet", sa.String(length=32), nullable=False),
        sa.Column("area_code", CODE, nullable=False),
        sa.Column("reason", sa.String(length=240), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", models.base.Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", models.base.Instant(), nullable=True),
        sa.Column("open_until", models.base.Instant(), nullable=True),
        sa.Column("fetched_at", models.base.Instant(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f("ck_export_request_second_person")),
        sa.CheckConstraint("state IN ('asked', 'allowed', 'refused', 'fetched')", name=op.f("ck_export_request_state")),
        sa.CheckConstraint("state = 'asked' OR decided_by IS NOT NULL", name=op.f("ck_export_request_decided")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_request")),
        sqlite_autoincrement=True)


def downgrade() -> None:
    for table in ("export_request", "seek", "number_view"):
        op.drop_table(table)
