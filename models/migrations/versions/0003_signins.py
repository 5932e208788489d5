"""Sessions kept on the server, forms kept for who was signed out, tries per address."""

import sqlalchemy as sa
from alembic import op
import models.base

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

AREA = sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql')
ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('sign_in',
    sa.Column('user_id', ID, nullable=False),
    sa.Column('area_code', AREA, nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('began_at', models.base.Instant(), nullable=False),
    sa.Column('seen_at', models.base.Instant(), nullable=False),
    sa.Column('proved_at', models.base.Instant(), nullable=True),
    sa.Column('ended_at', models.base.Instant(), nullable=True),
    sa.Column('ended_why', sa.String(length=12), nullable=True),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('browser', sa.String(length=200), nullable=False),
    sa.Column('id', ID, nullable=False),
    sa.CheckConstraint('(ended_at IS NULL) = (ended_why IS NULL)', name=op.f('ck_sign_in_ended_for_a_reason')),
    sa.ForeignKeyConstraint(['user_id'], ['portal_user.id'], name=op.f('fk_sign_in_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_sign_in_key_hash')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_sign_in_user_id', 'sign_in', ['user_id'])
    op.create_index('ix_sign_in_area_code', 'sign_in', ['area_code'])
    op.create_index('ix_sign_in_live', 'sign_in', ['user_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'),
                    postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('draft',
    sa.Column('user_id', ID, nullable=False),
    sa.Column('area_code', AREA, nullable=False),
    sa.Column('kept_at', models.base.Instant(), nullable=False),
    sa.Column('address', sa.String(length=2000), nullable=False),
    sa.Column('page', sa.String(length=2000), nullable=True),
    sa.Column('fields', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('files', sa.Boolean(), nullable=False),
    sa.Column('id', ID, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['portal_user.id'], name=op.f('fk_draft_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft')),
    sa.UniqueConstraint('user_id', name=op.f('uq_draft_user_id')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_draft_area_code', 'draft', ['area_code'])
    op.create_table('address_try',
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('tried_at', models.base.Instant(), nullable=False),
    sa.Column('blocked_until', models.base.Instant(), nullable=True),
    sa.Column('id', ID, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_try')),
    sa.UniqueConstraint('address', name=op.f('uq_address_try_address')),
    sqlite_autoincrement=True
    )
    # A plain ALTER on both databases: rebuilding the table would drop its triggers.
    op.execute('ALTER TABLE portal_user DROP COLUMN session_key')


def downgrade() -> None:
    op.execute("ALTER TABLE portal_user ADD COLUMN session_key VARCHAR(64) NOT NULL DEFAULT ''")
    op.drop_table('address_try')
    op.drop_table('draft')
    op.drop_table('sign_in')
