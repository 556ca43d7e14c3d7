"""how letters came in: entered by staff, drafts, mails

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('case_intakes',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('entered_by', sa.Integer(), nullable=True),
    sa.Column('read_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_back_by', sa.Integer(), nullable=True),
    sa.Column('agency', sa.String(length=120), nullable=False),
    sa.Column('agency_number', sa.String(length=80), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('message_id', sa.String(length=998), nullable=False),
    sa.Column('attachments', sa.Integer(), nullable=False),
    sa.Column('refers_to', sa.Integer(), nullable=True),
    sa.CheckConstraint('(read_back_at IS NULL) = (read_back_by IS NULL)', name=op.f('ck_case_intakes_read_back_by_somebody')),
    sa.CheckConstraint("agency_number = '' OR agency <> ''", name=op.f('ck_case_intakes_number_of_an_agency')),
    sa.CheckConstraint('refers_to <> case_id', name=op.f('ck_case_intakes_refers_to_another_letter')),
    sa.CheckConstraint('attachments >= 0', name=op.f('ck_case_intakes_attachments_counted')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_intakes_case_id_cases')),
    sa.ForeignKeyConstraint(['entered_by'], ['users.id'], name=op.f('fk_case_intakes_entered_by_users')),
    sa.ForeignKeyConstraint(['read_back_by'], ['users.id'], name=op.f('fk_case_intakes_read_back_by_users')),
    sa.ForeignKeyConstraint(['refers_to'], ['cases.id'], name=op.f('fk_case_intakes_refers_to_cases')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_case_intakes'))
    )
    with op.batch_alter_table('case_intakes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_intakes_refers_to'), ['refers_to'], unique=False)

    op.create_table('intake_drafts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('saved_by', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['saved_by'], ['users.id'], name=op.f('fk_intake_drafts_saved_by_users')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_intake_drafts_unit_id_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_drafts'))
    )
    with op.batch_alter_table('intake_drafts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_intake_drafts_saved_at'), ['saved_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_intake_drafts_unit_id'), ['unit_id'], unique=False)

    op.create_table('mail_seen',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('content', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(reason = '') = (case_id IS NOT NULL)", name=op.f('ck_mail_seen_letter_or_reason')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_mail_seen_case_id_cases')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_mail_seen'))
    )
    op.create_table('secret_links',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_secret_links_case_id_cases')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_secret_links'))
    )
    with op.batch_alter_table('secret_links', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_secret_links_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_secret_links_expires_at'), ['expires_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('secret_links', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_secret_links_expires_at'))
        batch_op.drop_index(batch_op.f('ix_secret_links_case_id'))

    op.drop_table('secret_links')
    op.drop_table('mail_seen')
    with op.batch_alter_table('intake_drafts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_intake_drafts_unit_id'))
        batch_op.drop_index(batch_op.f('ix_intake_drafts_saved_at'))

    op.drop_table('intake_drafts')
    with op.batch_alter_table('case_intakes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_intakes_refers_to'))

    op.drop_table('case_intakes')
