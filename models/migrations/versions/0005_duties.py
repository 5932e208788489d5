"""Posts are asked for and granted; who has one already keeps it."""

import sqlalchemy as sa
from alembic import op
import models.base
from models.postguards import guard_posts, unguard_posts

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

AREA = sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql')
ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('post_grant',
    sa.Column('user_id', ID, nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('area_code', AREA, nullable=False),
    sa.Column('asked_by', sa.String(length=64), nullable=False),
    sa.Column('asked_at', models.base.Instant(), nullable=False),
    sa.Column('basis', sa.String(length=200), nullable=False),
    sa.Column('namesake', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('decided_by', sa.String(length=64), nullable=True),
    sa.Column('decided_at', models.base.Instant(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=True),
    sa.Column('ended_at', models.base.Instant(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', ID, nullable=False),
    sa.CheckConstraint("(role = 'township') = (length(area_code) = 9)", name=op.f('ck_post_grant_role_fits_area')),
    sa.CheckConstraint("state IN ('asked', 'granted', 'refused', 'ended')", name=op.f('ck_post_grant_state')),
    sa.CheckConstraint("(state = 'asked') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
                       name=op.f('ck_post_grant_decided_as_stated')),
    sa.CheckConstraint("(state = 'ended') = (ended_by IS NOT NULL) AND (ended_by IS NULL) = (ended_at IS NULL)",
                       name=op.f('ck_post_grant_ended_as_stated')),
    sa.CheckConstraint("decided_by IS NULL OR (decided_by = 'system' AND asked_by = 'system') "
                       "OR (decided_by <> 'system' AND asked_by <> 'system' AND decided_by <> asked_by)",
                       name=op.f('ck_post_grant_two_people')),
    sa.CheckConstraint("length(trim(basis)) > 0", name=op.f('ck_post_grant_has_a_basis')),
    sa.ForeignKeyConstraint(['user_id'], ['portal_user.id'], name=op.f('fk_post_grant_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_post_grant')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_post_grant_user_id', 'post_grant', ['user_id'])
    op.create_index('ix_post_grant_area_code', 'post_grant', ['area_code'])
    for name, state in (('in_force', 'granted'), ('open', 'asked')):
        op.create_index(f'ix_post_grant_{name}', 'post_grant', ['user_id'], unique=True,
                        sqlite_where=sa.text(f"state = '{state}'"), postgresql_where=sa.text(f"state = '{state}'"))
    op.execute(_held_already())
    guard_posts(op)


def _held_already() -> sa.Insert:
    """A granted post for everybody who has a login, by the machine's own authority."""
    # Instants are kept in UTC, which is what SQLite's own clock gives.
    now = sa.text("timezone('utc', now())") if op.get_bind().dialect.name == 'postgresql' else sa.func.current_timestamp()
    user = sa.table('portal_user', sa.column('id'), sa.column('role'), sa.column('area_code'))
    values = {'user_id': user.c.id, 'role': user.c.role, 'area_code': user.c.area_code, 'asked_by': sa.literal('system'),
              'asked_at': now, 'basis': sa.literal('Held before posts were granted here'), 'namesake': sa.true(),
              'state': sa.literal('granted'), 'decided_by': sa.literal('system'), 'decided_at': now, 'version': sa.literal(1)}
    post = sa.table('post_grant', *(sa.column(name) for name in values))
    return sa.insert(post).from_select(list(values), sa.select(*values.values()).order_by(user.c.id))


def downgrade() -> None:
    unguard_posts(op)
    op.drop_table('post_grant')
