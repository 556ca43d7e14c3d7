"""full-text search

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

INDEXES = ('search_case', 'search_faq')


def upgrade() -> None:
    op.create_table('search_case_texts',
    sa.Column('key', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('folded', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_search_case_texts'))
    )
    op.create_table('indexed_cases',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('stale', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_indexed_cases_case_id_cases')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_indexed_cases'))
    )
    with op.batch_alter_table('indexed_cases', schema=None) as batch_op:
        batch_op.create_index('ix_indexed_cases_message', ['message_id'], unique=False)
        batch_op.create_index('ix_indexed_cases_replied', ['replied_at'], unique=False)
        batch_op.create_index('ix_indexed_cases_stale', ['case_id'], unique=False, sqlite_where=sa.text('stale'), postgresql_where=sa.text('stale'))

    op.create_table('search_faq_texts',
    sa.Column('key', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('folded', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_search_faq_texts'))
    )
    # Grams are words to the index: the tokenizer of ASCII takes every other character for a letter.
    # They are not kept beside the index (content), nor where they stand (detail) or how many (columnsize).
    for name in INDEXES:
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(
                f"CREATE VIRTUAL TABLE {name} USING fts5"
                "(grams, content='', detail=none, columnsize=0, tokenize='ascii')"
            )
        else:
            op.execute(f'CREATE TABLE {name} (rowid integer CONSTRAINT pk_{name} PRIMARY KEY, grams tsvector NOT NULL)')
            op.execute(f'CREATE INDEX ix_{name}_grams ON {name} USING gin (grams)')


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f'DROP TABLE {name}')
    op.drop_table('search_faq_texts')
    with op.batch_alter_table('indexed_cases', schema=None) as batch_op:
        batch_op.drop_index('ix_indexed_cases_stale', sqlite_where=sa.text('stale'), postgresql_where=sa.text('stale'))
        batch_op.drop_index('ix_indexed_cases_replied')
        batch_op.drop_index('ix_indexed_cases_message')

    op.drop_table('indexed_cases')
    op.drop_table('search_case_texts')
