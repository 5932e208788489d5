"""When a password was chosen, one-time codes, the last five passwords, the code generator, the end of a login."""

import sqlalchemy as sa
from alembic import op

import models.base
from models import realtime

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
USER = lambda: (
    sa.Column('password_set_at', models.base.Instant(), nullable=True),
    sa.Column('code_until', models.base.Instant(), nullable=True),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('last_seen_on', sa.Date(), nullable=True),
    sa.Column('code_secret', sa.String(length=255), nullable=True),
    sa.Column('code_step', BIG, nullable=True),
)


def upgrade() -> None:
    for column in USER():
        op.add_column('portal_user', column)
    # Whoever has a password goes on with it for 90 days from the update.
    users = sa.table('portal_user', sa.column('password_set_at', models.base.Instant()))
    op.execute(users.update().values(password_set_at=realtime.now()))
    op.create_table(
        'old_password',
        sa.Column('user_id', BIG, nullable=False),
        sa.Column('password_hash', sa.String(length=200), nullable=False),
        sa.Column('id', BIG, nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['portal_user.id'], name=op.f('fk_old_password_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_old_password')),
        sqlite_autoincrement=True)
    op.create_index(op.f('ix_old_password_user_id'), 'old_password', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_old_password_user_id'), table_name='old_password')
    op.drop_table('old_password')
    for column in reversed(USER()):
        op.drop_column('portal_user', column.name)
