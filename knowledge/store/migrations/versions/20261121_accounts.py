"""Accounts at an OpenID provider, attempts to sign in, and edits of passages"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from knowledge.store.tables.base import UtcDateTime

revision = '20261121_accounts'
down_revision = '20261121_rankings'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'external_identities',
        sa.Column('user_id', sa.Uuid(), nullable=False),
        sa.Column('issuer', sa.String(length=500), nullable=False),
        sa.Column('subject', sa.String(length=255), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['user_id'], ['users.id'], name=op.f('fk_external_identities_user_id_users'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_external_identities')),
        sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_external_identities_issuer')),
    )
    op.create_index('ix_external_identities_created_at', 'external_identities', ['created_at'])
    op.create_index('ix_external_identities_user_id', 'external_identities', ['user_id'])
    op.create_table(
        'sign_in_attempts',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('last_at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_sign_in_attempts')),
    )
    op.create_index('ix_sign_in_attempts_last_at', 'sign_in_attempts', ['last_at'])
    op.create_table(
        'passage_edits',
        sa.Column('document_id', sa.Uuid(), nullable=False),
        sa.Column('original_hash', sa.String(length=64), nullable=False),
        sa.Column('original', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('hidden', sa.Boolean(), nullable=False),
        sa.Column('editor', sa.String(length=320), nullable=False),
        sa.Column('updated_at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['document_id'], ['documents.id'], name=op.f('fk_passage_edits_document_id_documents'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_passage_edits')),
        sa.UniqueConstraint('document_id', 'original_hash', name=op.f('uq_passage_edits_document_id')),
    )
    op.create_index('ix_passage_edits_created_at', 'passage_edits', ['created_at'])
    op.add_column('chunks', sa.Column('hidden', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('chunks', sa.Column('edit_id', sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column('chunks', 'edit_id')
    op.drop_column('chunks', 'hidden')
    op.drop_table('passage_edits')
    op.drop_table('sign_in_attempts')
    op.drop_table('external_identities')
