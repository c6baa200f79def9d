"""Hand-offs: asking for a person, what is written then, and whether anybody is there."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, exists, func, select

from knowledge.errors import Conflict, NotFound
from knowledge.store.conversations import Reader, find_conversation
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import (
    Conversation,
    Handoff,
    HandoffMessage,
    HandoffState,
    Sender,
    StaffPresence,
    utc_now,
)

PRESENT_FOR = timedelta(minutes=2)
"""After this long without a sign, somebody of the staff counts as gone."""


def handoffs(
    workspace_id: UUID, state: HandoffState | None = None, assistant_id: UUID | None = None
) -> Select[Handoff]:
    """The hand-offs of a workspace, or those in one state or of one assistant."""
    query = select(Handoff).where(Handoff.workspace_id == workspace_id)
    if state is not None:
        query = query.where(Handoff.state == state)
    return query.where(Handoff.assistant_id == assistant_id) if assistant_id else query


async def count_handoffs(session: ReadSession, workspace_id: UUID) -> dict[HandoffState, int]:
    """How many hand-offs of a workspace there are in each state."""
    rows = await session.execute(
        select(Handoff.state, func.count())
        .where(Handoff.workspace_id == workspace_id)
        .group_by(Handoff.state)
    )
    found = {HandoffState(state): int(count) for state, count in rows}
    return {state: found.get(state, 0) for state in HandoffState}


async def find_handoff(session: ReadSession, workspace_id: UUID, handoff_id: UUID) -> Handoff:
    """A hand-off by id, for staff. Raises :class:`NotFound`."""
    found = await session.scalar(handoffs(workspace_id).where(Handoff.id == handoff_id))
    if found is None:
        raise NotFound(f"There is no hand-off {handoff_id}.")
    return found


async def find_own_handoff(session: ReadSession, reader: Reader, handoff_id: UUID) -> Handoff:
    """A hand-off of a visitor's own conversation. Raises :class:`NotFound`."""
    found = await session.scalar(
        handoffs(reader.workspace_id)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(
            Handoff.id == handoff_id,
            Conversation.assistant_id == reader.assistant_id,
            Conversation.visitor == reader.visitor_name,
            Conversation.visitor != "",
        )
    )
    if found is None:
        raise NotFound(f"There is no hand-off {handoff_id}.")
    return found


async def begin_handoff(
    session: WriteSession, reader: Reader, conversation_id: UUID | None, title: str
) -> Handoff:
    """The open hand-off of a visitor's conversation, begun where there is none.

    Without a conversation one is begun with ``title``. Raises :class:`NotFound` where it is not
    this visitor's.
    """
    if conversation_id is None:
        conversation = Conversation(
            id=uuid4(),
            workspace_id=reader.workspace_id,
            assistant_id=reader.assistant_id,
            visitor=reader.visitor_name,
            title=title[:120],
        )
        session.add(conversation)
        await session.flush()
    else:
        conversation = await find_conversation(session, reader, conversation_id)
        found = await open_handoff(session, conversation.id)
        if found is not None:
            return found
    begun = Handoff(
        workspace_id=reader.workspace_id,
        assistant_id=reader.assistant_id,
        conversation_id=conversation.id,
    )
    session.add(begun)
    await session.flush()
    return begun


async def open_handoff(session: ReadSession, conversation_id: UUID) -> Handoff | None:
    """The hand-off of a conversation that is not closed."""
    return await session.scalar(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id, Handoff.state != HandoffState.CLOSED)
        .order_by(Handoff.created_at.desc())
        .limit(1)
    )


async def handoffs_of(session: ReadSession, conversation_id: UUID) -> list[Handoff]:
    """The hand-offs of a conversation, oldest first."""
    rows = await session.scalars(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id)
        .order_by(Handoff.created_at, Handoff.id)
    )
    return list(rows)


async def handoff_messages(
    session: ReadSession, handoff_id: UUID, after: int = 0
) -> list[HandoffMessage]:
    """What was written in a hand-off after message number ``after``, in order."""
    rows = await session.scalars(
        select(HandoffMessage)
        .where(HandoffMessage.handoff_id == handoff_id, HandoffMessage.ordinal > after)
        .order_by(HandoffMessage.ordinal)
    )
    return list(rows)


async def handoff_state(session: ReadSession, handoff_id: UUID) -> HandoffState | None:
    """The state of a hand-off; ``None`` where it is gone."""
    state = await session.scalar(select(Handoff.state).where(Handoff.id == handoff_id))
    return None if state is None else HandoffState(state)


async def add_handoff_message(
    session: WriteSession,
    handoff: Handoff,
    sender: Sender,
    text: str,
    author: str = "",
    name: str = "",
) -> HandoffMessage:
    """Add what one side wrote; the first reply of staff makes a hand-off active.

    Raises :class:`Conflict` where the hand-off is closed.
    """
    locked = await session.scalar(
        select(Handoff)
        .where(Handoff.id == handoff.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if locked is None or locked.state == HandoffState.CLOSED:
        raise Conflict("This hand-off is closed.", "The visitor can ask for a person again.")
    last = await session.scalar(
        select(func.max(HandoffMessage.ordinal)).where(HandoffMessage.handoff_id == locked.id)
    )
    message = HandoffMessage(
        handoff_id=locked.id,
        ordinal=(last or 0) + 1,
        sender=sender,
        text=text,
        author=author,
        name=name,
    )
    session.add(message)
    locked.updated_at = utc_now()
    if sender is Sender.STAFF and locked.state == HandoffState.WAITING:
        locked.state, locked.taken_by = HandoffState.ACTIVE, author
    await session.flush()
    return message


async def close_handoff(session: WriteSession, handoff: Handoff) -> None:
    """End a hand-off; the assistant answers again."""
    if handoff.state != HandoffState.CLOSED:
        handoff.state = HandoffState.CLOSED
        handoff.updated_at = handoff.closed_at = utc_now()
        await session.flush()


async def be_present(session: WriteSession, workspace_id: UUID, actor: str) -> None:
    """Note that somebody of the staff is there for visitors, for the next two minutes."""
    now = utc_now()
    statement = insert_for(session, StaffPresence).values(
        workspace_id=workspace_id, actor=actor, seen_at=now
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "actor"], set_={"seen_at": now}
        )
    )


async def be_absent(session: WriteSession, workspace_id: UUID, actor: str) -> None:
    """Note that somebody of the staff is there no more."""
    await session.execute(
        delete(StaffPresence).where(
            StaffPresence.workspace_id == workspace_id, StaffPresence.actor == actor
        )
    )


async def is_present(session: ReadSession, workspace_id: UUID, actor: str) -> bool:
    """Whether one of the staff is there for visitors."""
    present = exists().where(
        StaffPresence.workspace_id == workspace_id,
        StaffPresence.actor == actor,
        StaffPresence.seen_at > utc_now() - PRESENT_FOR,
    )
    return bool(await session.scalar(select(present)))


async def is_anyone_present(session: ReadSession, workspace_id: UUID) -> bool:
    """Whether somebody of the staff is there for visitors."""
    present = exists().where(
        StaffPresence.workspace_id == workspace_id,
        StaffPresence.seen_at > utc_now() - PRESENT_FOR,
    )
    return bool(await session.scalar(select(present)))
