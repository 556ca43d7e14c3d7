"""casework: states, clocks, transfers, co-handling, sign-off

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def _among(column, values) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


OLD_EVENTS = ('received', 'suggested', 'topic_confirmed', 'transferred', 'assigned', 'answered', 'closed', 'rated')
EVENTS = (
    'received', 'suggested', 'suggestion_declined', 'topic_confirmed', 'voice_set', 'dispatched',
    'transfer_proposed', 'transferred', 'transfer_refused', 'transfer_cancelled', 'assigned',
    'consulted', 'consultation_dropped', 'opinion_given', 'asked_citizen', 'supplemented',
    'waiting_ended', 'interim', 'extended', 'rescheduled', 'submitted', 'recalled', 'returned',
    'approved', 'answered', 'closed', 'rated', 'reopened', 'declined', 'referred', 'merged',
    'separated', 'withdrawn', 'escalated', 'identity_opened',
)
STATES = (
    'draft', 'awaiting_email', 'received', 'dispatched', 'transferring', 'in_progress',
    'awaiting_citizen', 'in_review', 'approved', 'answered', 'reopened', 'closed', 'declined',
    'referred', 'merged', 'withdrawn',
)
SETTLED = ('answered', 'closed', 'declined', 'referred', 'merged', 'withdrawn')
REPLY_CHECKS = {'body_not_empty': 'length(body) > 0'}
KEPT_CASE_CHECKS = {
    'closed_has_time': "(status = 'closed') = (closed_at IS NOT NULL)",
    'likely_topic_is_confirmed_one': 'topic IS NULL OR topic = likely_topic',
    'topic_is_confirmed': '(topic IS NULL) = (topic_confirmed_at IS NULL)',
    'body_not_empty': 'length(body) > 0',
}
OLD_CASE_CHECKS = KEPT_CASE_CHECKS | {
    'answered_has_time': "(status IN ('answered', 'closed')) = (answered_at IS NOT NULL)",
    'status': _among('status', ('received', 'in_progress', 'answered', 'closed')),
}
CASE_CHECKS = KEPT_CASE_CHECKS | {
    'status': _among('status', STATES),
    'petition': "petition IN ('suggestion', 'inquiry', 'misconduct', 'rights')",
    'ground': "ground IN ('1', '2', '3')",
    'is_registered': "NOT (status IN ('draft', 'awaiting_email'))",
    'settled_has_time': f"({_among('status', SETTLED)}) = (settled_at IS NOT NULL)",
    'answered_has_time': "status NOT IN ('answered', 'closed', 'reopened') OR answered_at IS NOT NULL",
    'left_without_answer': "status NOT IN ('declined', 'referred', 'merged', 'withdrawn') OR answered_at IS NULL",
    'answer_is_late_or_not': '(answered_at IS NULL) = (answered_late IS NULL)',
    'declined_has_ground': "(status = 'declined') = (ground IS NOT NULL)",
    'merged_has_main': "(status = 'merged') = (merged_into_id IS NOT NULL)",
    'merged_into_another': 'merged_into_id <> id',
    'voice_is_said': '(voice IS NULL) = (voice_set_at IS NULL)',
}


def upgrade() -> None:
    op.create_table('case_consultations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('question', sa.String(length=1000), nullable=False),
    sa.Column('shown', sa.Text(), nullable=True),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opinion', sa.Text(), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(answered_at IS NULL) = (opinion IS NULL)', name=op.f('ck_case_consultations_answer_has_opinion')),
    sa.CheckConstraint('answered_at IS NULL OR dropped_at IS NULL', name=op.f('ck_case_consultations_answered_or_dropped')),
    sa.CheckConstraint('length(question) > 0', name=op.f('ck_case_consultations_has_question')),
    sa.ForeignKeyConstraint(['answered_by'], ['users.id'], name=op.f('fk_case_consultations_answered_by_users')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_case_consultations_asked_by_users')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_consultations_case_id_cases')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_case_consultations_unit_id_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_consultations'))
    )
    with op.batch_alter_table('case_consultations', schema=None) as batch_op:
        batch_op.create_index('ix_case_consultations_unit', ['unit_id', 'id'], unique=False)
        batch_op.create_index('uq_case_consultations_open', ['case_id', 'unit_id'], unique=True, sqlite_where=sa.text('answered_at IS NULL AND dropped_at IS NULL'), postgresql_where=sa.text('answered_at IS NULL AND dropped_at IS NULL'))

    op.create_table('case_extensions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('basis', sa.String(length=8), nullable=False),
    sa.Column('reason', sa.String(length=1000), nullable=False),
    sa.Column('granted_by', sa.Integer(), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('days > 0', name=op.f('ck_case_extensions_days_are_positive')),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_case_extensions_has_reason')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_extensions_case_id_cases')),
    sa.ForeignKeyConstraint(['granted_by'], ['users.id'], name=op.f('fk_case_extensions_granted_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_extensions'))
    )
    with op.batch_alter_table('case_extensions', schema=None) as batch_op:
        batch_op.create_index('ix_case_extensions_case', ['case_id', 'id'], unique=False)

    op.create_table('case_messages',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('asked', 'supplement', 'interim', 'extension', 'declined', 'referred', 'merged', 'second_reply', name='messagekind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'supplement') = (author_id IS NULL)", name=op.f('ck_case_messages_citizen_has_no_account')),
    sa.CheckConstraint('length(body) > 0', name=op.f('ck_case_messages_body_not_empty')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_case_messages_author_id_users')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_messages_case_id_cases')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_messages'))
    )
    with op.batch_alter_table('case_messages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_messages_case_id'), ['case_id'], unique=False)

    op.create_table('case_pauses',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ended_at IS NULL OR ended_at >= began_at', name=op.f('ck_case_pauses_ends_after_it_began')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_pauses_case_id_cases')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_pauses'))
    )
    with op.batch_alter_table('case_pauses', schema=None) as batch_op:
        batch_op.create_index('ix_case_pauses_case', ['case_id', 'id'], unique=False)
        batch_op.create_index('uq_case_pauses_running', ['case_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('case_presences',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_presences_case_id_cases')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_case_presences_user_id_users')),
    sa.PrimaryKeyConstraint('case_id', 'user_id', name=op.f('pk_case_presences'))
    )
    op.create_table('case_referrals',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('agency', sa.String(length=80), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('reason', sa.String(length=1000), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('referred_by', sa.Integer(), nullable=False),
    sa.Column('referred_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('length(agency) > 0', name=op.f('ck_case_referrals_has_agency')),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_case_referrals_has_reason')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_referrals_case_id_cases')),
    sa.ForeignKeyConstraint(['referred_by'], ['users.id'], name=op.f('fk_case_referrals_referred_by_users')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_case_referrals'))
    )
    op.create_table('case_transfers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('from_unit_id', sa.Integer(), nullable=False),
    sa.Column('to_unit_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('proposed_by', sa.Integer(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Enum('pending', 'accepted', 'refused', 'cancelled', name='outcome', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('answer', sa.String(length=500), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name=op.f('ck_case_transfers_decision_has_time')),
    sa.CheckConstraint("outcome <> 'refused' OR length(answer) > 0", name=op.f('ck_case_transfers_refusal_has_reason')),
    sa.CheckConstraint('from_unit_id <> to_unit_id', name=op.f('ck_case_transfers_to_another_unit')),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_case_transfers_has_reason')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_transfers_case_id_cases')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_case_transfers_decided_by_users')),
    sa.ForeignKeyConstraint(['from_unit_id'], ['units.id'], name=op.f('fk_case_transfers_from_unit_id_units')),
    sa.ForeignKeyConstraint(['proposed_by'], ['users.id'], name=op.f('fk_case_transfers_proposed_by_users')),
    sa.ForeignKeyConstraint(['to_unit_id'], ['units.id'], name=op.f('fk_case_transfers_to_unit_id_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_transfers'))
    )
    with op.batch_alter_table('case_transfers', schema=None) as batch_op:
        batch_op.create_index('ix_case_transfers_case', ['case_id', 'id'], unique=False)
        batch_op.create_index('ix_case_transfers_incoming', ['to_unit_id', 'id'], unique=False, sqlite_where=sa.text("outcome = 'pending'"), postgresql_where=sa.text("outcome = 'pending'"))
        batch_op.create_index('uq_case_transfers_pending', ['case_id'], unique=True, sqlite_where=sa.text("outcome = 'pending'"), postgresql_where=sa.text("outcome = 'pending'"))

    op.create_table('reply_drafts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('method', sa.Enum('written', 'phone', 'face', name='method', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('working', 'submitted', 'approved', 'returned', 'recalled', 'sent', 'dropped', name='draftstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('comment', sa.String(length=1000), nullable=False),
    sa.CheckConstraint("state NOT IN ('approved', 'returned', 'sent') OR decided_at IS NOT NULL", name=op.f('ck_reply_drafts_decision_has_time')),
    sa.CheckConstraint('length(body) > 0', name=op.f('ck_reply_drafts_body_not_empty')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_reply_drafts_author_id_users')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_reply_drafts_case_id_cases')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_reply_drafts_decided_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reply_drafts')),
    sa.UniqueConstraint('case_id', 'version', name=op.f('uq_reply_drafts_case_id_version'))
    )
    with op.batch_alter_table('reply_drafts', schema=None) as batch_op:
        batch_op.create_index('uq_reply_drafts_current', ['case_id'], unique=True, sqlite_where=sa.text("state IN ('working', 'submitted', 'approved')"), postgresql_where=sa.text("state IN ('working', 'submitted', 'approved')"))

    op.create_table('case_reminders',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('soon', 'late', 'ignored', name='reminderkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_reminders_case_id_cases')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_reminders')),
    sa.UniqueConstraint('case_id', 'kind', 'due_at', name=op.f('uq_case_reminders_case_id_kind_due_at'))
    )
    with op.batch_alter_table('case_replies', schema=None) as batch_op:
        batch_op.add_column(sa.Column('approved_by', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('method', sa.String(length=32), nullable=False, server_default='written'))
    for kind, mail in (('soon', 'case.due_soon'), ('late', 'case.overdue')):
        op.execute('INSERT INTO case_reminders (case_id, kind, due_at, told_at)'
                   f" SELECT cases.id, '{kind}', cases.due_at, outbox_messages.created_at FROM cases"
                   f" JOIN outbox_messages ON outbox_messages.ref = cases.number AND outbox_messages.kind = '{mail}'")
    _rebuild('case_replies', REPLY_CHECKS, REPLY_CHECKS | {'method': "method IN ('written', 'phone', 'face')"},
             lambda batch_op: batch_op.create_foreign_key(
                 batch_op.f('fk_case_replies_approved_by_users'), 'users', ['approved_by'], ['id']))
    _rebuild('case_events', {'eventkind': _among('kind', OLD_EVENTS)}, {'eventkind': _among('kind', EVENTS)})
    _new_columns_of_cases()
    _drop_waiting_indexes('answered_at IS NULL')
    _rebuild('cases', OLD_CASE_CHECKS, CASE_CHECKS, lambda batch_op: batch_op.create_foreign_key(
        batch_op.f('fk_cases_merged_into_id_cases'), 'cases', ['merged_into_id'], ['id']))
    _create_waiting_indexes('settled_at IS NULL')
    op.create_index('ix_cases_merged_into', 'cases', ['merged_into_id'], unique=False, sqlite_where=sa.text('merged_into_id IS NOT NULL'), postgresql_where=sa.text('merged_into_id IS NOT NULL'))


def _new_columns_of_cases() -> None:
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.add_column(sa.Column('language', sa.String(length=8), nullable=False, server_default='zh'))
        batch_op.add_column(sa.Column('confidential', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('urgent_words', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('voice', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('voice_set_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('petition', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('ground', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('merged_into_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('answered_late', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True))
    op.execute('UPDATE cases SET settled_at = answered_at, answered_late = answered_at > due_at'
               ' WHERE answered_at IS NOT NULL')


def _rebuild(table, old, new, more=lambda batch_op: None) -> None:
    """Put new CHECKs in the place of old ones."""
    with op.batch_alter_table(table, schema=None) as batch_op:
        for name in old:
            batch_op.drop_constraint(batch_op.f(f'ck_{table}_{name}'), type_='check')
    with op.batch_alter_table(table, schema=None) as batch_op:
        for name, condition in new.items():
            batch_op.create_check_constraint(batch_op.f(f'ck_{table}_{name}'), sa.text(condition))
        more(batch_op)


def _drop_waiting_indexes(condition) -> None:
    for name in ('ix_cases_open_due', 'ix_cases_unit_open_due'):
        op.drop_index(name, 'cases', sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def _create_waiting_indexes(condition) -> None:
    counted = ['due_at', 'id', 'restricted', 'topic', 'urgent']
    for name, columns in (('ix_cases_open_due', counted), ('ix_cases_unit_open_due', ['unit_id', *counted])):
        op.create_index(name, 'cases', columns, unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def downgrade() -> None:
    _send_back_what_the_old_states_cannot_say()
    op.drop_index('ix_cases_merged_into', 'cases', sqlite_where=sa.text('merged_into_id IS NOT NULL'), postgresql_where=sa.text('merged_into_id IS NOT NULL'))
    _drop_waiting_indexes('settled_at IS NULL')
    _rebuild('cases', CASE_CHECKS, {}, lambda batch_op: batch_op.drop_constraint(
        batch_op.f('fk_cases_merged_into_id_cases'), type_='foreignkey'))
    with op.batch_alter_table('cases', schema=None) as batch_op:
        for name in ('settled_at', 'answered_late', 'merged_into_id', 'ground', 'petition', 'voice_set_at',
                     'voice', 'urgent_words', 'confidential', 'language'):
            batch_op.drop_column(name)
    _rebuild('cases', {}, OLD_CASE_CHECKS)
    _create_waiting_indexes('answered_at IS NULL')
    _rebuild('case_events', {'eventkind': _among('kind', EVENTS)}, {'eventkind': _among('kind', OLD_EVENTS)})
    _rebuild('case_replies', REPLY_CHECKS | {'method': ''}, {}, lambda batch_op: batch_op.drop_constraint(
        batch_op.f('fk_case_replies_approved_by_users'), type_='foreignkey'))
    with op.batch_alter_table('case_replies', schema=None) as batch_op:
        batch_op.drop_column('method')
        batch_op.drop_column('approved_by')
    _rebuild('case_replies', {}, REPLY_CHECKS)

    with op.batch_alter_table('reply_drafts', schema=None) as batch_op:
        batch_op.drop_index('uq_reply_drafts_current', sqlite_where=sa.text("state IN ('working', 'submitted', 'approved')"), postgresql_where=sa.text("state IN ('working', 'submitted', 'approved')"))

    op.drop_table('reply_drafts')
    with op.batch_alter_table('case_transfers', schema=None) as batch_op:
        batch_op.drop_index('uq_case_transfers_pending', sqlite_where=sa.text("outcome = 'pending'"), postgresql_where=sa.text("outcome = 'pending'"))
        batch_op.drop_index('ix_case_transfers_incoming', sqlite_where=sa.text("outcome = 'pending'"), postgresql_where=sa.text("outcome = 'pending'"))
        batch_op.drop_index('ix_case_transfers_case')

    op.drop_table('case_transfers')
    op.drop_table('case_reminders')
    op.drop_table('case_referrals')
    op.drop_table('case_presences')
    with op.batch_alter_table('case_pauses', schema=None) as batch_op:
        batch_op.drop_index('uq_case_pauses_running', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.drop_index('ix_case_pauses_case')

    op.drop_table('case_pauses')
    with op.batch_alter_table('case_messages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_messages_case_id'))

    op.drop_table('case_messages')
    with op.batch_alter_table('case_extensions', schema=None) as batch_op:
        batch_op.drop_index('ix_case_extensions_case')

    op.drop_table('case_extensions')
    with op.batch_alter_table('case_consultations', schema=None) as batch_op:
        batch_op.drop_index('uq_case_consultations_open', sqlite_where=sa.text('answered_at IS NULL AND dropped_at IS NULL'), postgresql_where=sa.text('answered_at IS NULL AND dropped_at IS NULL'))
        batch_op.drop_index('ix_case_consultations_unit')

    op.drop_table('case_consultations')


def _send_back_what_the_old_states_cannot_say() -> None:
    """Letters that left without an answer are open again; those at work are at work; events are forgotten."""
    op.execute("UPDATE cases SET status = 'received', settled_at = NULL, ground = NULL, merged_into_id = NULL"
               " WHERE status IN ('dispatched', 'transferring', 'declined', 'referred', 'merged', 'withdrawn')")
    op.execute("UPDATE cases SET status = 'answered', settled_at = answered_at"
               " WHERE answered_at IS NOT NULL AND status NOT IN ('answered', 'closed')")
    op.execute("UPDATE cases SET status = 'in_progress'"
               " WHERE status IN ('awaiting_citizen', 'in_review', 'approved')")
    kept = ', '.join(f"'{kind}'" for kind in OLD_EVENTS)
    op.execute(f'DELETE FROM case_events WHERE kind NOT IN ({kept})')
