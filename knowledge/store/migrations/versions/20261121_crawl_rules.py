"""How deep in its website a document lies, and by which rules its links were followed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '20261121_crawl_rules'
down_revision = '20261121_costs'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('documents', sa.Column('depth', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('documents', sa.Column('followed', sa.String(length=16), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('documents', 'followed')
    op.drop_column('documents', 'depth')
