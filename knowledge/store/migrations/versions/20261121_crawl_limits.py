"""What a run tells of itself, how much it has received, and the one document that it is about"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261121_crawl_limits'
down_revision = '20261121_crawl_rules'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.add_column('runs', sa.Column('document_id', sa.Uuid(), nullable=True))
    op.add_column('runs', sa.Column('fetched_bytes', sa.BigInteger(), nullable=False, server_default='0'))
    op.add_column('runs', sa.Column('notes', JSON, nullable=False, server_default='[]'))


def downgrade() -> None:
    op.drop_column('runs', 'notes')
    op.drop_column('runs', 'fetched_bytes')
    op.drop_column('runs', 'document_id')
