"""The first schema."""

import sqlalchemy as sa
from alembic import op
import models.base
from models.guards import guard

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('at', models.base.Instant(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('origin', sa.String(length=16), nullable=False),
    sa.Column('act', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.String(length=32), nullable=False),
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('changes', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('previous', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry')),
    sa.UniqueConstraint('hash', name=op.f('uq_audit_entry_hash')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entry_actor'), ['actor'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_entry_area_code'), ['area_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_entry_case_id'), ['case_id'], unique=False)

    op.create_table('audit_head',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('entries', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.create_table('campaign',
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('document_no', sa.String(length=60), nullable=False),
    sa.Column('county_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('county_name', sa.String(length=60), nullable=False),
    sa.Column('cutoff', models.base.MonthText(length=7), nullable=False),
    sa.Column('verify_by', sa.Date(), nullable=False),
    sa.Column('clear_by', sa.Date(), nullable=False),
    sa.Column('handed_out_at', models.base.Instant(), nullable=True),
    sa.Column('bureau', sa.String(length=80), nullable=False),
    sa.Column('office', sa.String(length=80), nullable=False),
    sa.Column('address', sa.String(length=120), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('bank_account', sa.String(length=120), nullable=True),
    sa.Column('refund_days', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign')),
    sa.UniqueConstraint('key', name=op.f('uq_campaign_key')),
    sqlite_autoincrement=True
    )
    op.create_table('import_run',
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('counts', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('imported_at', models.base.Instant(), nullable=False),
    sa.Column('imported_by', sa.String(length=64), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_run')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('import_run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_run_area_code'), ['area_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_import_run_sha256'), ['sha256'], unique=False)

    op.create_table('person',
    sa.Column('id_number', models.base.Sensitive(length=18), nullable=False),
    sa.Column('id_tail', sa.String(length=4), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.Column('sex', sa.String(length=1), nullable=False),
    sa.Column('born', sa.Date(), nullable=False),
    sa.Column('phone', models.base.Sensitive(length=40), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('id_number', name=op.f('uq_person_id_number')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_id_tail'), ['id_tail'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_name'), ['name'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_name_key'), ['name_key'], unique=False)

    op.create_table('portal_user',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('session_key', sa.String(length=64), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('locked_until', models.base.Instant(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("(role = 'township') = (length(area_code) = 9)", name=op.f('ck_portal_user_role_fits_area')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_portal_user')),
    sa.UniqueConstraint('username', name=op.f('uq_portal_user_username')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('portal_user', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_portal_user_area_code'), ['area_code'], unique=False)

    op.create_table('rate',
    sa.Column('item', sa.String(length=20), nullable=False),
    sa.Column('from_month', models.base.MonthText(length=7), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('min_age', sa.Integer(), nullable=False),
    sa.Column('basis', sa.String(length=300), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("item IN ('basic', 'age', 'years', 'supplement')", name=op.f('ck_rate_item')),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_rate_amount')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rate')),
    sa.UniqueConstraint('item', 'from_month', 'min_age', name=op.f('uq_rate_item_from_month_min_age')),
    sqlite_autoincrement=True
    )
    op.create_table('series',
    sa.Column('prefix', sa.String(length=40), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_series')),
    sa.UniqueConstraint('prefix', 'year', name=op.f('uq_series_prefix_year')),
    sqlite_autoincrement=True
    )
    op.create_table('task',
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('args', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('dedupe_key', sa.String(length=120), nullable=True),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('ordered_by', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('lease_until', models.base.Instant(), nullable=True),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('finished', sa.Integer(), nullable=False),
    sa.Column('error', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', models.base.Instant(), nullable=False),
    sa.Column('ended_at', models.base.Instant(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task')),
    sa.UniqueConstraint('dedupe_key', name=op.f('uq_task_dedupe_key')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_task_area_code'), ['area_code'], unique=False)
        batch_op.create_index('ix_task_state_lease', ['state', 'lease_until'], unique=False)

    op.create_table('township',
    sa.Column('code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.Column('ranked', sa.Boolean(), nullable=False),
    sa.Column('contact', sa.String(length=60), nullable=True),
    sa.Column('phone', sa.String(length=40), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_township')),
    sa.UniqueConstraint('code', name=op.f('uq_township_code')),
    sqlite_autoincrement=True
    )
    op.create_table('benefit',
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('basic_from', models.base.MonthText(length=7), nullable=False),
    sa.Column('supplement_from', models.base.MonthText(length=7), nullable=True),
    sa.Column('years_paid', sa.Integer(), nullable=False),
    sa.Column('account_pension', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_balance', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('government_subsidy', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('supplement_account_pension', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('supplement_account_balance', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entered_by', sa.String(length=64), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_benefit_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_benefit')),
    sa.UniqueConstraint('person_id', name=op.f('uq_benefit_person_id')),
    sqlite_autoincrement=True
    )
    op.create_table('bulletin',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('task_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=True),
    sa.Column('facts', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('error', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('ordered_by', sa.String(length=64), nullable=False),
    sa.Column('ordered_at', models.base.Instant(), nullable=False),
    sa.Column('drawn_at', models.base.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_bulletin_campaign_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_bulletin_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bulletin')),
    sa.UniqueConstraint('campaign_id', 'as_of', name=op.f('uq_bulletin_campaign_id_as_of')),
    sqlite_autoincrement=True
    )
    op.create_table('handout',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('handed_at', models.base.Instant(), nullable=False),
    sa.Column('handed_by', sa.String(length=64), nullable=False),
    sa.Column('received_at', models.base.Instant(), nullable=True),
    sa.Column('received_by', sa.String(length=60), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_handout_campaign_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handout')),
    sa.UniqueConstraint('campaign_id', 'area_code', name=op.f('uq_handout_campaign_id_area_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('handout', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handout_area_code'), ['area_code'], unique=False)

    op.create_table('pension_case',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('paused_from', models.base.MonthText(length=7), nullable=False),
    sa.Column('household', sa.String(length=20), nullable=False),
    sa.Column('pause_reason', sa.String(length=200), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('listed_at', models.base.Instant(), nullable=False),
    sa.Column('listed_township', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('stock_township', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=True),
    sa.Column('proposed', sa.String(length=20), nullable=False),
    sa.Column('category', sa.String(length=20), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('next_step', sa.String(length=24), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.Column('corrected', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_pension_case_campaign_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_pension_case_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pension_case')),
    sa.UniqueConstraint('campaign_id', 'person_id', 'paused_from', name=op.f('uq_pension_case_campaign_id_person_id_paused_from')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('pension_case', schema=None) as batch_op:
        batch_op.create_index('ix_pension_case_area_code_id', ['area_code', 'id'], unique=False)
        batch_op.create_index('ix_pension_case_area_state', ['area_code', 'state', 'stock_township'], unique=False)
        batch_op.create_index('ix_pension_case_category_step', ['category', 'next_step', 'area_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_pension_case_next_step'), ['next_step'], unique=False)
        batch_op.create_index(batch_op.f('ix_pension_case_outcome'), ['outcome'], unique=False)
        batch_op.create_index('ix_pension_case_person_area', ['person_id', 'area_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_pension_case_stock_township'), ['stock_township'], unique=False)

    op.create_table('preparation',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('leader', sa.String(length=60), nullable=False),
    sa.Column('members', sa.Text(), nullable=False),
    sa.Column('plan_name', sa.String(length=200), nullable=False),
    sa.Column('plan_sha256', sa.String(length=64), nullable=False),
    sa.Column('recorded_at', models.base.Instant(), nullable=False),
    sa.Column('recorded_by', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_preparation_campaign_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_preparation')),
    sa.UniqueConstraint('campaign_id', 'area_code', name=op.f('uq_preparation_campaign_id_area_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('preparation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_preparation_area_code'), ['area_code'], unique=False)

    op.create_table('village',
    sa.Column('code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.Column('township_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact', sa.String(length=60), nullable=True),
    sa.Column('phone', sa.String(length=40), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['township_id'], ['township.id'], name=op.f('fk_village_township_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_village')),
    sa.UniqueConstraint('code', name=op.f('uq_village_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('village', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_village_township_id'), ['township_id'], unique=False)

    op.create_table('certificate',
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('media_type', sa.String(length=60), nullable=False),
    sa.Column('stated_on', sa.Date(), nullable=True),
    sa.Column('seals', sa.String(length=12), nullable=True),
    sa.Column('attached_at', models.base.Instant(), nullable=False),
    sa.Column('attached_by', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['pension_case.id'], name=op.f('fk_certificate_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.create_index('ix_certificate_area_attached', ['area_code', 'attached_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_certificate_case_id'), ['case_id'], unique=False)

    op.create_table('document',
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('task_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=True),
    sa.Column('facts', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('error', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('ordered_by', sa.String(length=64), nullable=False),
    sa.Column('ordered_at', models.base.Instant(), nullable=False),
    sa.Column('drawn_at', models.base.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['pension_case.id'], name=op.f('fk_document_case_id')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_document_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_document_area_code'), ['area_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_document_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_document_task_id'), ['task_id'], unique=False)

    op.create_table('milestone',
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.Column('reached_at', models.base.Instant(), nullable=False),
    sa.Column('lost_at', models.base.Instant(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['pension_case.id'], name=op.f('fk_milestone_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_milestone')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('milestone', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_milestone_case_id'), ['case_id'], unique=False)
        batch_op.create_index('ix_milestone_kind_reached', ['kind', 'reached_at', 'lost_at', 'case_id'], unique=False)

    op.create_table('settlement',
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('area_code', sa.String(length=12).with_variant(sa.String(length=12, collation='C'), 'postgresql'), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('as_of', models.base.MonthText(length=7), nullable=False),
    sa.Column('facts', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('result', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('back_pay', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recover', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('offset', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('still_to_refund', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('refund_to_person', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('submitted_by', sa.String(length=64), nullable=False),
    sa.Column('submitted_at', models.base.Instant(), nullable=False),
    sa.Column('reviewed_by', sa.String(length=64), nullable=True),
    sa.Column('reviewed_at', models.base.Instant(), nullable=True),
    sa.Column('approved_by', sa.String(length=64), nullable=True),
    sa.Column('approved_at', models.base.Instant(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=True),
    sa.Column('ended_at', models.base.Instant(), nullable=True),
    sa.Column('ended_why', sa.String(length=200), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("(state NOT IN ('reviewed', 'approved') OR reviewed_by IS NOT NULL) AND (state <> 'approved' OR approved_by IS NOT NULL)", name=op.f('ck_settlement_signed_as_stated')),
    sa.CheckConstraint('approved_by IS NULL OR (approved_by <> submitted_by AND approved_by <> reviewed_by AND reviewed_by IS NOT NULL)', name=op.f('ck_settlement_approver_is_a_third')),
    sa.CheckConstraint('reviewed_by IS NULL OR reviewed_by <> submitted_by', name=op.f('ck_settlement_reviewer_is_another')),
    sa.ForeignKeyConstraint(['case_id'], ['pension_case.id'], name=op.f('fk_settlement_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('settlement', schema=None) as batch_op:
        batch_op.create_index('ix_settlement_area_submitted', ['area_code', 'submitted_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_settlement_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_settlement_state'), ['state'], unique=False)

    op.create_table('step_done',
    sa.Column('case_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('category', sa.String(length=20), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(length=24), nullable=False),
    sa.Column('taken_on', sa.Date(), nullable=False),
    sa.Column('recorded_at', models.base.Instant(), nullable=False),
    sa.Column('recorded_by', sa.String(length=64), nullable=False),
    sa.Column('facts', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('undone_at', models.base.Instant(), nullable=True),
    sa.Column('undone_by', sa.String(length=64), nullable=True),
    sa.Column('undone_why', sa.String(length=200), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['pension_case.id'], name=op.f('fk_step_done_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step_done')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('step_done', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_step_done_case_id'), ['case_id'], unique=False)

    op.create_table('receipt',
    sa.Column('settlement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('voucher_no', sa.String(length=60), nullable=False),
    sa.Column('recorded_by', sa.String(length=64), nullable=False),
    sa.Column('recorded_at', models.base.Instant(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_receipt_amount')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_receipt_settlement_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_receipt_settlement_id'), ['settlement_id'], unique=False)

    op.create_table('settlement_line',
    sa.Column('settlement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('month', models.base.MonthText(length=7), nullable=False),
    sa.Column('party', sa.String(length=12), nullable=False),
    sa.Column('item', sa.String(length=20), nullable=False),
    sa.Column('entitled', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('paid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('difference', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('basis', sa.String(length=300), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_settlement_line_settlement_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_line')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('settlement_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_settlement_line_settlement_id'), ['settlement_id'], unique=False)

    guard(op)


def downgrade() -> None:
    with op.batch_alter_table('settlement_line', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_settlement_line_settlement_id'))

    op.drop_table('settlement_line')
    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_receipt_settlement_id'))

    op.drop_table('receipt')
    with op.batch_alter_table('step_done', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_step_done_case_id'))

    op.drop_table('step_done')
    with op.batch_alter_table('settlement', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_settlement_state'))
        batch_op.drop_index(batch_op.f('ix_settlement_case_id'))
        batch_op.drop_index('ix_settlement_area_submitted')

    op.drop_table('settlement')
    with op.batch_alter_table('milestone', schema=None) as batch_op:
        batch_op.drop_index('ix_milestone_kind_reached')
        batch_op.drop_index(batch_op.f('ix_milestone_case_id'))

    op.drop_table('milestone')
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_document_task_id'))
        batch_op.drop_index(batch_op.f('ix_document_case_id'))
        batch_op.drop_index(batch_op.f('ix_document_area_code'))

    op.drop_table('document')
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_case_id'))
        batch_op.drop_index('ix_certificate_area_attached')

    op.drop_table('certificate')
    with op.batch_alter_table('village', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_village_township_id'))

    op.drop_table('village')
    with op.batch_alter_table('preparation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_preparation_area_code'))

    op.drop_table('preparation')
    with op.batch_alter_table('pension_case', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_pension_case_stock_township'))
        batch_op.drop_index('ix_pension_case_person_area')
        batch_op.drop_index(batch_op.f('ix_pension_case_outcome'))
        batch_op.drop_index(batch_op.f('ix_pension_case_next_step'))
        batch_op.drop_index('ix_pension_case_category_step')
        batch_op.drop_index('ix_pension_case_area_state')
        batch_op.drop_index('ix_pension_case_area_code_id')

    op.drop_table('pension_case')
    with op.batch_alter_table('handout', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handout_area_code'))

    op.drop_table('handout')
    op.drop_table('bulletin')
    op.drop_table('benefit')
    op.drop_table('township')
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_index('ix_task_state_lease')
        batch_op.drop_index(batch_op.f('ix_task_area_code'))

    op.drop_table('task')
    op.drop_table('series')
    op.drop_table('rate')
    with op.batch_alter_table('portal_user', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_portal_user_area_code'))

    op.drop_table('portal_user')
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_name_key'))
        batch_op.drop_index(batch_op.f('ix_person_name'))
        batch_op.drop_index(batch_op.f('ix_person_id_tail'))

    op.drop_table('person')
    with op.batch_alter_table('import_run', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_import_run_sha256'))
        batch_op.drop_index(batch_op.f('ix_import_run_area_code'))

    op.drop_table('import_run')
    op.drop_table('campaign')
    op.drop_table('audit_head')
    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_entry_case_id'))
        batch_op.drop_index(batch_op.f('ix_audit_entry_area_code'))
        batch_op.drop_index(batch_op.f('ix_audit_entry_actor'))

    op.drop_table('audit_entry')
