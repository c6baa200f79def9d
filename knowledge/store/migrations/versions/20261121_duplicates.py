"""Near duplicates: what documents that may say the same have in common."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '20261121_duplicates'
down_revision = '20261121_visitors'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'document_bands',
        sa.Column('document_id', sa.Uuid(), nullable=False),
        sa.Column('value', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('knowledge_base_id', sa.Uuid(), nullable=False),
        sa.Column('exact', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_document_bands_document_id_documents'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['knowledge_base_id'], ['knowledge_bases.id'], name=op.f('fk_document_bands_knowledge_base_id_knowledge_bases'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('document_id', 'value', name=op.f('pk_document_bands')),
    )
    op.create_index('ix_document_bands_value', 'document_bands', ['knowledge_base_id', 'value'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_document_bands_value', table_name='document_bands')
    op.drop_table('document_bands')
