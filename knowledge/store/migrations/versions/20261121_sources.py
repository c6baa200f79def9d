"""Pushed documents, webhook secrets, sitemap times, what a run changed

Columns are added in place: Alembic's batch mode would drop and refill the tables, and SQLite then
deletes whatever refers to them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261121_sources'
down_revision = '20261121_first'
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql')
    op.add_column('documents', sa.Column('given', json, nullable=False, server_default='{}'))
    op.add_column('documents', sa.Column('listed_modified', sa.String(length=40), nullable=False, server_default=''))
    op.add_column('sources', sa.Column('webhook_secret', sa.String(length=200), nullable=False, server_default=''))
    op.add_column('run_items', sa.Column('change', sa.String(length=16), nullable=False, server_default=''))
    op.create_index('ix_documents_external_id', 'documents', ['source_id', 'external_id'], unique=True)


def downgrade() -> None:
    op.drop_index('ix_documents_external_id', table_name='documents')
    op.drop_column('run_items', 'change')
    op.drop_column('sources', 'webhook_secret')
    op.drop_column('documents', 'listed_modified')
    op.drop_column('documents', 'given')
