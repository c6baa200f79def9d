"""Lists of conversations. Reading one and adding to it: ``knowledge/store/conversations.py``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, delete, select

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Conversation, Message


def conversations(workspace_id: UUID, assistant_id: UUID | None = None) -> Select[Conversation]:
    """The conversations of a workspace, or those of one of its assistants."""
    query = select(Conversation).where(Conversation.workspace_id == workspace_id)
    return query.where(Conversation.assistant_id == assistant_id) if assistant_id else query


async def find_answer(session: ReadSession, conversation_id: UUID, message_id: UUID) -> Message:
    """An answer of a conversation. Raises :class:`NotFound`."""
    found = await session.scalar(
        select(Message).where(
            Message.id == message_id,
            Message.conversation_id == conversation_id,
            Message.role == "assistant",
        )
    )
    if found is None:
        raise NotFound(f"There is no answer {message_id} in this conversation.")
    return found


async def remove_conversation(session: WriteSession, conversation_id: UUID) -> None:
    """Remove a conversation with its messages."""
    await session.execute(delete(Conversation).where(Conversation.id == conversation_id))
