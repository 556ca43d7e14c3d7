"""audit events become a hash chain that the database keeps from changing

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

GENESIS = '0' * 64
BATCH = 1000

# As the columns are while the chain is made. The form of what is hashed is repeated here on purpose: this
# step must give the same hashes for ever, and docs/audit.md describes it.
EVENTS = sa.table(
    'audit_events',
    sa.column('id', sa.Integer()),
    sa.column('at', sa.DateTime(timezone=True)),
    sa.column('actor_id', sa.Integer()),
    sa.column('action', sa.String()),
    sa.column('object_type', sa.String()),
    sa.column('object_id', sa.String()),
    sa.column('detail', sa.JSON()),
    sa.column('request_id', sa.String()),
    sa.column('previous', sa.String()),
    sa.column('hash', sa.String()),
)
HEAD = sa.table('audit_head', sa.column('id', sa.Integer()), sa.column('hash', sa.String()), sa.column('count', sa.Integer()))

REFUSAL = 'audit events cannot be changed'
SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER audit_events_no_{act.lower()} BEFORE {act} ON audit_events BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for act in ('UPDATE', 'DELETE')
)
POSTGRESQL_GUARDS = (
    "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    "CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()",
)


def upgrade() -> None:
    op.create_table('audit_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_audit_head_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.add_column('audit_events', sa.Column('previous', sa.String(length=64), nullable=True))
    op.add_column('audit_events', sa.Column('hash', sa.String(length=64), nullable=True))
    link_what_is_there()
    with op.batch_alter_table('audit_events', schema=None) as batch_op:
        batch_op.alter_column('previous', existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column('hash', existing_type=sa.String(length=64), nullable=False)
        batch_op.create_unique_constraint(batch_op.f('uq_audit_events_previous'), ['previous'])
        batch_op.drop_constraint(batch_op.f('fk_audit_events_actor_id_users'), type_='foreignkey')

    for guard in SQLITE_GUARDS if is_sqlite() else POSTGRESQL_GUARDS:
        op.execute(guard)


def link_what_is_there() -> None:
    """Make a chain of the rows that exist, in the order of their ids."""
    connection, columns = op.get_bind(), [column for column in EVENTS.c if column.name not in {'previous', 'hash'}]
    keep = (
        sa.update(EVENTS)
        .where(EVENTS.c.id == sa.bindparam('row'))
        .values(previous=sa.bindparam('before'), hash=sa.bindparam('own'))
    )
    last_id, last, count = 0, GENESIS, 0
    while rows := connection.execute(
        sa.select(*columns).where(EVENTS.c.id > last_id).order_by(EVENTS.c.id).limit(BATCH)
    ).all():
        links = []
        for row in rows:
            own = digest(row, last)
            links.append({'row': row.id, 'before': last, 'own': own})
            last = own
        connection.execute(keep, links)
        last_id, count = rows[-1].id, count + len(rows)
    connection.execute(sa.insert(HEAD).values(id=1, hash=last, count=count))


def digest(row: sa.Row, previous: str) -> str:
    at = row.at.astimezone(UTC) if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    facts = {
        'v': 1, 'at': at.isoformat(timespec='microseconds'), 'actor_id': row.actor_id, 'action': row.action,
        'object_type': row.object_type, 'object_id': row.object_id, 'detail': row.detail,
        'request_id': row.request_id, 'previous': previous,
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(',', ':'), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == 'sqlite'


def downgrade() -> None:
    if is_sqlite():
        op.execute('DROP TRIGGER audit_events_no_update')
        op.execute('DROP TRIGGER audit_events_no_delete')
    else:
        op.execute('DROP TRIGGER audit_events_no_change ON audit_events')
        op.execute('DROP FUNCTION audit_events_refuse()')
    with op.batch_alter_table('audit_events', schema=None) as batch_op:
        batch_op.create_foreign_key(batch_op.f('fk_audit_events_actor_id_users'), 'users', ['actor_id'], ['id'])
        batch_op.drop_constraint(batch_op.f('uq_audit_events_previous'), type_='unique')
        batch_op.drop_column('hash')
        batch_op.drop_column('previous')

    op.drop_table('audit_head')
