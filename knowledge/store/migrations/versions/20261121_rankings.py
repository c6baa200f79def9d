"""Rankings of evaluation runs, and where a judged query comes from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261121_rankings'
down_revision = '20261121_sources'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'judged_queries',
        sa.Column('origin', sa.String(length=16), nullable=False, server_default='typed'),
    )
    op.add_column(
        'evaluation_runs',
        sa.Column(
            'rankings',
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'),
            nullable=False,
            server_default='{}',
        ),
    )


def downgrade() -> None:
    op.drop_column('evaluation_runs', 'rankings')
    op.drop_column('judged_queries', 'origin')
