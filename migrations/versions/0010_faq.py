"""published answers

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('faq_entries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('topic', sa.String(length=32), nullable=True),
    sa.Column('question', sa.String(length=200), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'published', 'withdrawn', name='faqstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.Integer(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_by', sa.Integer(), nullable=True),
    sa.CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name=op.f('ck_faq_entries_published_at_a_time')),
    sa.CheckConstraint('length(question) > 0 AND length(answer) > 0', name=op.f('ck_faq_entries_has_words')),
    sa.ForeignKeyConstraint(['changed_by'], ['users.id'], name=op.f('fk_faq_entries_changed_by_users')),
    sa.ForeignKeyConstraint(['published_by'], ['users.id'], name=op.f('fk_faq_entries_published_by_users')),
    sa.ForeignKeyConstraint(['source_id'], ['cases.id'], name=op.f('fk_faq_entries_source_id_cases')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_faq_entries_unit_id_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_faq_entries'))
    )
    with op.batch_alter_table('faq_entries', schema=None) as batch_op:
        batch_op.create_index('ix_faq_entries_public', ['state', 'topic'], unique=False)
        batch_op.create_index(batch_op.f('ix_faq_entries_unit_id'), ['unit_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('faq_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_faq_entries_unit_id'))
        batch_op.drop_index('ix_faq_entries_public')

    op.drop_table('faq_entries')
