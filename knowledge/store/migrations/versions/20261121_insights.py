"""Questions as they were answered, their vectors, and the use of documents by day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from knowledge.store.tables.base import UtcDateTime

revision = '20261121_insights'
down_revision = '20261121_duplicates'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'asked_questions',
        sa.Column('message_id', sa.Uuid(), nullable=False),
        sa.Column('workspace_id', sa.Uuid(), nullable=False),
        sa.Column('conversation_id', sa.Uuid(), nullable=False),
        sa.Column('assistant_id', sa.Uuid(), nullable=True),
        sa.Column('asked_at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('text_key', sa.String(length=32), nullable=False),
        sa.Column('outcome', sa.String(length=16), nullable=False),
        sa.Column('confidence', sa.Double(), nullable=True),
        sa.Column('took_ms', sa.Double(), nullable=False),
        sa.Column('model', sa.String(length=200), nullable=False),
        sa.Column('reformulated', sa.Boolean(), nullable=False),
        _belongs('asked_questions', 'message_id', 'messages.id'),
        _belongs('asked_questions', 'workspace_id', 'workspaces.id'),
        _belongs('asked_questions', 'conversation_id', 'conversations.id'),
        _belongs('asked_questions', 'assistant_id', 'assistants.id', 'SET NULL'),
        sa.PrimaryKeyConstraint('message_id', name=op.f('pk_asked_questions')),
    )
    op.create_index('ix_asked_questions_day', 'asked_questions', ['workspace_id', 'day'])
    for column in ('conversation_id', 'assistant_id', 'asked_at'):
        op.create_index(f'ix_asked_questions_{column}', 'asked_questions', [column])
    op.create_table(
        'question_vectors',
        sa.Column('message_id', sa.Uuid(), nullable=False),
        sa.Column('encoder', sa.String(length=200), nullable=False),
        sa.Column('vector', sa.LargeBinary(), nullable=False),
        _belongs('question_vectors', 'message_id', 'asked_questions.message_id'),
        sa.PrimaryKeyConstraint('message_id', name=op.f('pk_question_vectors')),
    )
    op.create_table(
        'document_use',
        sa.Column('document_id', sa.Uuid(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('shown', sa.Integer(), nullable=False),
        sa.Column('cited', sa.Integer(), nullable=False),
        _belongs('document_use', 'document_id', 'documents.id'),
        sa.PrimaryKeyConstraint('document_id', 'day', name=op.f('pk_document_use')),
    )


def _belongs(
    table: str, column: str, other: str, ondelete: str = 'CASCADE'
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [other],
        name=op.f(f'fk_{table}_{column}_{other.split(".")[0]}'),
        ondelete=ondelete,
    )


def downgrade() -> None:
    for table in ('document_use', 'question_vectors', 'asked_questions'):
        op.drop_table(table)
