"""Indexes for a hundred thousand cases and a million entries of the trail: counts and orders that need no look at the rows.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NEW = {
    "ix_pension_case_area_state": ("pension_case", ["area_code", "state", "stock_township", "campaign_id"]),
    "ix_pension_case_category_step": (
        "pension_case", ["category", "next_step", "area_code", "stock_township", "state", "paused_from"]),
    "ix_pension_case_standing": (
        "pension_case", ["campaign_id", "stock_township", "state", "listed_at", "listed_township", "area_code"]),
    "ix_milestone_reached": ("milestone", ["reached_at", "case_id"]),
    "ix_settlement_state_area": ("settlement", ["state", "area_code", "submitted_by", "reviewed_by", "submitted_at"]),
    "ix_audit_entry_at_area": ("audit_entry", ["at", "area_code"]),
    "ix_audit_entry_act_area": ("audit_entry", ["act", "area_code"]),
    "ix_audit_entry_actor_area": ("audit_entry", ["actor", "area_code"]),
}
OLD = {
    "ix_pension_case_area_state": ("pension_case", ["area_code", "state", "stock_township"]),
    "ix_pension_case_category_step": ("pension_case", ["category", "next_step", "area_code"]),
    "ix_pension_case_stock_township": ("pension_case", ["stock_township"]),
    "ix_milestone_kind_reached": ("milestone", ["kind", "reached_at", "lost_at", "case_id"]),
    "ix_settlement_state": ("settlement", ["state"]),
    "ix_audit_entry_actor": ("audit_entry", ["actor"]),
}
LOST = sa.text("lost_at IS NOT NULL")


def _exchange(old: dict, new: dict) -> None:
    for name, (table, _columns) in old.items():
        op.drop_index(name, table)
    for name, (table, columns) in new.items():
        op.create_index(name, table, columns)


def upgrade() -> None:
    _exchange(OLD, NEW)
    op.create_index("ix_milestone_lost", "milestone", ["lost_at", "case_id"], sqlite_where=LOST, postgresql_where=LOST)


def downgrade() -> None:
    op.drop_index("ix_milestone_lost", "milestone")
    _exchange(NEW, OLD)
