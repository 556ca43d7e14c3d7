"""office calendar

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('calendar_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('source', sa.Enum('csv', 'manual', name='source', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('is_working', sa.Boolean(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('changed_by', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("source <> 'manual' OR name <> ''", name=op.f('ck_calendar_days_entered_day_has_reason')),
    sa.CheckConstraint("source <> 'manual' OR changed_by IS NOT NULL", name=op.f('ck_calendar_days_entered_day_has_person')),
    sa.ForeignKeyConstraint(['changed_by'], ['users.id'], name=op.f('fk_calendar_days_changed_by_users')),
    sa.PrimaryKeyConstraint('day', 'source', name=op.f('pk_calendar_days'))
    )


def downgrade() -> None:
    op.drop_table('calendar_days')
