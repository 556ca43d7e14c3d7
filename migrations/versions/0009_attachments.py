"""files of letters

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('case_attachments',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=True),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('holder', sa.String(length=64), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('stored', sa.String(length=32), nullable=True),
    sa.Column('state', sa.Enum('ready', 'waiting', 'refused', name='filestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'refused') = (reason <> '')", name=op.f('ck_case_attachments_refused_for_a_reason')),
    sa.CheckConstraint("(state = 'refused') = (stored IS NULL)", name=op.f('ck_case_attachments_refused_is_not_stored')),
    sa.CheckConstraint('(case_id IS NULL) <> (holder IS NULL)', name=op.f('ck_case_attachments_of_a_letter_or_held')),
    sa.CheckConstraint('(holder IS NULL) = (held_until IS NULL)', name=op.f('ck_case_attachments_held_for_a_time')),
    sa.CheckConstraint('message_id IS NULL OR case_id IS NOT NULL', name=op.f('ck_case_attachments_message_of_a_letter')),
    sa.CheckConstraint('size >= 0', name=op.f('ck_case_attachments_size_counted')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_attachments_case_id_cases')),
    sa.ForeignKeyConstraint(['message_id'], ['case_messages.id'], name=op.f('fk_case_attachments_message_id_case_messages')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_attachments')),
    sa.UniqueConstraint('stored', name='uq_case_attachments_stored')
    )
    with op.batch_alter_table('case_attachments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_attachments_case_id'), ['case_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_case_attachments_held_until'), ['held_until'], unique=False)
        batch_op.create_index(batch_op.f('ix_case_attachments_holder'), ['holder'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('case_attachments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_attachments_holder'))
        batch_op.drop_index(batch_op.f('ix_case_attachments_held_until'))
        batch_op.drop_index(batch_op.f('ix_case_attachments_case_id'))

    op.drop_table('case_attachments')
