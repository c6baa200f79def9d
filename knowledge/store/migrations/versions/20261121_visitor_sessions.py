"""Limits of visitors that processes count together, sessions, public keys for identity tokens"""

from __future__ import annotations

from secrets import token_urlsafe

import sqlalchemy as sa
from alembic import op

revision = '20261121_visitor_sessions'
down_revision = '20261121_crawl_limits'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'limit_uses',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('amount', sa.Double(), nullable=False),
        sa.Column('ends_at', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_limit_uses')),
    )
    op.create_index(op.f('ix_limit_uses_ends_at'), 'limit_uses', ['ends_at'])
    op.add_column('assistants', sa.Column('identity_public_key', sa.String(length=4000), nullable=False, server_default=''))
    op.add_column('assistants', sa.Column('session_secret', sa.String(length=64), nullable=False, server_default=''))
    assistants = sa.table('assistants', sa.column('id'), sa.column('session_secret'))
    connection = op.get_bind()
    for (each,) in connection.execute(sa.select(assistants.c.id)).all():
        made = assistants.update().where(assistants.c.id == each).values(session_secret=token_urlsafe())
        connection.execute(made)


def downgrade() -> None:
    op.drop_column('assistants', 'session_secret')
    op.drop_column('assistants', 'identity_public_key')
    op.drop_index(op.f('ix_limit_uses_ends_at'), table_name='limit_uses')
    op.drop_table('limit_uses')
