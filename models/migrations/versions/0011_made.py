"""A task may make a file of its own, which is no paper of a case: its name and where it lies in the store. Of its tries
those are counted apart that failed; others were only cut off.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task", sa.Column("file_name", sa.String(length=200), nullable=True))
    op.add_column("task", sa.Column("sha256", sa.String(length=64), nullable=True))
    op.add_column("task", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("task", "failures")
    op.drop_column("task", "sha256")
    op.drop_column("task", "file_name")
