"""Leads, hand-offs, search events, use of a day, and visitors who are known by a signed token"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from knowledge.store.tables.base import UtcDateTime

revision = '20261121_visitors'
down_revision = '20261121_accounts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (('identity_secret', 200), ('lead_webhook', 2000), ('lead_webhook_secret', 200)):
        op.add_column('assistants', sa.Column(name, sa.String(length=length), nullable=False, server_default=''))
    op.create_table(
        'leads',
        *_whose('leads', conversation='SET NULL'),
        sa.Column('name', sa.String(length=200), nullable=False),
        sa.Column('email', sa.String(length=320), nullable=False),
        sa.Column('phone', sa.String(length=60), nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('consent', sa.Text(), nullable=False),
        sa.Column('trigger', sa.String(length=16), nullable=False),
        sa.Column('page', sa.String(length=2000), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('changed_at', UtcDateTime(timezone=True), nullable=False),
    )
    op.create_table(
        'handoffs',
        *_whose('handoffs', conversation='CASCADE'),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('taken_by', sa.String(length=320), nullable=False),
        sa.Column('updated_at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('closed_at', UtcDateTime(timezone=True), nullable=True),
    )
    op.create_table(
        'handoff_messages',
        *_identified('handoff_messages'),
        sa.Column('handoff_id', sa.Uuid(), nullable=False),
        sa.Column('ordinal', sa.Integer(), nullable=False),
        sa.Column('sender', sa.String(length=16), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('author', sa.String(length=320), nullable=False),
        sa.Column('name', sa.String(length=200), nullable=False),
        _belongs('handoff_messages', 'handoff_id', 'handoffs', 'CASCADE'),
        sa.UniqueConstraint('handoff_id', 'ordinal', name=op.f('uq_handoff_messages_handoff_id')),
    )
    op.create_table(
        'staff_presence',
        sa.Column('workspace_id', sa.Uuid(), nullable=False),
        sa.Column('actor', sa.String(length=320), nullable=False),
        sa.Column('seen_at', UtcDateTime(timezone=True), nullable=False),
        _belongs('staff_presence', 'workspace_id', 'workspaces', 'CASCADE'),
        sa.PrimaryKeyConstraint('workspace_id', 'actor', name=op.f('pk_staff_presence')),
    )
    op.create_table(
        'search_events',
        *_whose('search_events'),
        sa.Column('message_id', sa.Uuid(), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('chunk_id', sa.Uuid(), nullable=True),
        sa.Column('rank', sa.Integer(), nullable=True),
        sa.Column('milliseconds', sa.Integer(), nullable=True),
        _belongs('search_events', 'message_id', 'messages', 'CASCADE'),
    )
    op.create_table(
        'assistant_use',
        sa.Column('assistant_id', sa.Uuid(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('questions', sa.Integer(), nullable=False),
        sa.Column('tokens', sa.BigInteger(), nullable=False),
        _belongs('assistant_use', 'assistant_id', 'assistants', 'CASCADE'),
        sa.PrimaryKeyConstraint('assistant_id', 'day', name=op.f('pk_assistant_use')),
    )
    op.create_table(
        'used_identity_tokens',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('assistant_id', sa.Uuid(), nullable=False),
        sa.Column('expires_at', UtcDateTime(timezone=True), nullable=False),
        _belongs('used_identity_tokens', 'assistant_id', 'assistants', 'CASCADE'),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_used_identity_tokens')),
    )
    for table, columns in _INDEXES.items():
        for column in columns:
            op.create_index(f'ix_{table}_{column}', table, [column])


_INDEXES = {
    'leads': ('created_at', 'workspace_id', 'assistant_id', 'conversation_id'),
    'handoffs': ('created_at', 'workspace_id', 'assistant_id', 'conversation_id', 'updated_at'),
    'handoff_messages': ('created_at',),
    'search_events': ('created_at', 'workspace_id', 'assistant_id', 'message_id'),
    'used_identity_tokens': ('expires_at',),
}


def _identified(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}')),
    ]


def _belongs(table: str, column: str, other: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}'), ondelete=ondelete
    )


def _whose(table: str, conversation: str = '') -> list[sa.schema.SchemaItem]:
    """The columns that say whose a record is, its id and its time."""
    items = [
        *_identified(table),
        sa.Column('workspace_id', sa.Uuid(), nullable=False),
        sa.Column('assistant_id', sa.Uuid(), nullable=True),
        _belongs(table, 'workspace_id', 'workspaces', 'CASCADE'),
        _belongs(table, 'assistant_id', 'assistants', 'SET NULL'),
    ]
    if conversation:
        items += [
            sa.Column('conversation_id', sa.Uuid(), nullable=conversation == 'SET NULL'),
            _belongs(table, 'conversation_id', 'conversations', conversation),
        ]
    return items


def downgrade() -> None:
    for table in (
        'used_identity_tokens', 'assistant_use', 'search_events', 'staff_presence',
        'handoff_messages', 'handoffs', 'leads',
    ):
        op.drop_table(table)
    for name in ('lead_webhook_secret', 'lead_webhook', 'identity_secret'):
        op.drop_column('assistants', name)
