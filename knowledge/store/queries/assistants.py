"""Assistants: what a workspace shows to visitors."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import Select, select

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import Assistant, Feedback, KnowledgeBase, Message


def assistants(workspace_id: UUID) -> Select[Assistant]:
    """The assistants of a workspace."""
    return select(Assistant).where(Assistant.workspace_id == workspace_id)


async def find_assistant(session: ReadSession, workspace_id: UUID, assistant_id: UUID) -> Assistant:
    """An assistant by id. Raises :class:`NotFound`."""
    found = await session.scalar(assistants(workspace_id).where(Assistant.id == assistant_id))
    if found is None:
        raise NotFound(f"There is no assistant {assistant_id}.")
    return found


async def every_assistant(session: ReadSession, workspace_id: UUID) -> list[Assistant]:
    """All assistants of a workspace, oldest first."""
    query = assistants(workspace_id).order_by(Assistant.created_at, Assistant.id)
    return list(await session.scalars(query))


async def find_assistant_named(session: ReadSession, workspace_id: UUID, name: str) -> Assistant:
    """An assistant by its name, its id, or its public key.

    Raises :class:`NotFound`, and :class:`Conflict` where several share the name.
    """
    found = [
        one
        for one in await every_assistant(session, workspace_id)
        if name in (one.name, str(one.id), one.public_key)
    ]
    if not found:
        raise NotFound(f"There is no assistant {name}.", "`GET /v1/models` lists them.")
    if len(found) > 1:
        raise Conflict(f"{len(found)} assistants are named {name}.", "Use the id of one of them.")
    return found[0]


async def find_public_assistant(session: ReadSession, public_key: str) -> Assistant:
    """An assistant by its public key, in whichever workspace. Raises :class:`NotFound`."""
    found = await session.scalar(select(Assistant).where(Assistant.public_key == public_key))
    if found is None:
        raise NotFound("There is no assistant with this key.", "Check the key in the page.")
    return found


async def front_page_assistant(session: ReadSession) -> Assistant | None:
    """The assistant that the address ``/`` shows: the first that is not the sample, else that."""
    return await session.scalar(
        select(Assistant).order_by(Assistant.sample, Assistant.created_at, Assistant.id).limit(1)
    )


async def known_knowledge_bases(
    session: ReadSession, workspace_id: UUID, ids: list[UUID]
) -> list[str]:
    """The ids as an assistant keeps them. Raises :class:`NotFound` for one of another workspace."""
    found = set(
        await session.scalars(
            select(KnowledgeBase.id).where(
                KnowledgeBase.workspace_id == workspace_id, KnowledgeBase.id.in_(ids)
            )
        )
    )
    for wanted in ids:
        if wanted not in found:
            raise NotFound(f"There is no knowledge base {wanted}.")
    return [str(wanted) for wanted in dict.fromkeys(ids)]


def new_public_key() -> str:
    """A key that names an assistant on websites. It is no secret, only unguessable."""
    return f"pk_{secrets.token_urlsafe(18)}"


async def give_feedback(
    session: WriteSession, message: Message, helpful: bool, reason: str, comment: str
) -> None:
    """Keep what a reader thinks of an answer; the last word counts."""
    found = await session.scalar(select(Feedback).where(Feedback.message_id == message.id))
    if found is None:
        session.add(
            Feedback(message_id=message.id, helpful=helpful, reason=reason, comment=comment)
        )
        return
    found.helpful, found.reason, found.comment = helpful, reason, comment
