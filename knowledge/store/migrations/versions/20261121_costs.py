"""Tokens by model, their prices, what came of leads, and what became of messages about them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from knowledge.store.tables.base import UtcDateTime

revision = '20261121_costs'
down_revision = '20261121_insights'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('leads', sa.Column('rating', sa.String(length=16), nullable=False, server_default=''))
    op.add_column('leads', sa.Column('contacted_at', UtcDateTime(timezone=True), nullable=True))
    op.execute("update leads set contacted_at = changed_at where state <> 'new'")
    op.create_table(
        'lead_deliveries',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('assistant_id', sa.Uuid(), nullable=False),
        sa.Column('lead_id', sa.Uuid(), nullable=True),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('address', sa.String(length=2000), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('detail', sa.String(length=1000), nullable=False),
        sa.Column('changed_at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lead_deliveries')),
        _belongs('lead_deliveries', 'assistant_id', 'assistants'),
        _belongs('lead_deliveries', 'lead_id', 'leads', 'SET NULL'),
    )
    for column in ('created_at', 'assistant_id', 'lead_id'):
        op.create_index(f'ix_lead_deliveries_{column}', 'lead_deliveries', [column])
    op.create_table(
        'model_use',
        sa.Column('assistant_id', sa.Uuid(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('model', sa.String(length=200), nullable=False),
        sa.Column('answers', sa.Integer(), nullable=False),
        sa.Column('input_tokens', sa.BigInteger(), nullable=False),
        sa.Column('output_tokens', sa.BigInteger(), nullable=False),
        _belongs('model_use', 'assistant_id', 'assistants'),
        sa.PrimaryKeyConstraint('assistant_id', 'day', 'model', name=op.f('pk_model_use')),
    )
    op.create_table(
        'model_prices',
        sa.Column('workspace_id', sa.Uuid(), nullable=False),
        sa.Column('model', sa.String(length=200), nullable=False),
        sa.Column('currency', sa.String(length=3), nullable=False),
        sa.Column('input_price', sa.Double(), nullable=False),
        sa.Column('output_price', sa.Double(), nullable=False),
        _belongs('model_prices', 'workspace_id', 'workspaces'),
        sa.PrimaryKeyConstraint('workspace_id', 'model', name=op.f('pk_model_prices')),
    )


def _belongs(table: str, column: str, other: str, ondelete: str = 'CASCADE') -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}'), ondelete=ondelete
    )


def downgrade() -> None:
    for table in ('model_prices', 'model_use', 'lead_deliveries'):
        op.drop_table(table)
    for name in ('contacted_at', 'rating'):
        op.drop_column('leads', name)
