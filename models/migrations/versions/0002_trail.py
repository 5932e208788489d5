"""The trail tells one act an entry, with who, from where, the result and the changed rows; its head is sealed."""

import sqlalchemy as sa
from alembic import op

import models.base

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# Plain ADD COLUMN: a batch rebuild of a guarded table would drop its triggers.
COLUMNS = (
    ('role', sa.String(length=32)), ('address', sa.String(length=64)), ('session_id', models.base.BigId),
    ('result', sa.String(length=8)), ('why', sa.Text()), ('rows', sa.JSON(none_as_null=True)))


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column('audit_entry', sa.Column(name, kind, nullable=True))
    op.add_column('audit_head', sa.Column('seal', sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column('audit_head', 'seal')
    for name, _ in COLUMNS:
        op.drop_column('audit_entry', name)
