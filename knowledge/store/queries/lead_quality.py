"""What insights are told of leads: how each came, what it had, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from knowledge.store.database import ReadSession
from knowledge.store.tables import Lead, LeadRating, LeadState, LeadTrigger


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """One lead without anything that tells whose it is.

    ``reachable``: it has an e-mail address or a phone number. ``asked``: it has a note.
    """

    trigger: LeadTrigger
    state: LeadState
    rating: LeadRating
    reachable: bool
    asked: bool
    conversation_id: UUID | None
    created_at: datetime
    contacted_at: datetime | None


async def read_lead_facts(
    session: ReadSession,
    workspace_id: UUID,
    begins: datetime,
    ends: datetime,
    assistant_id: UUID | None = None,
) -> list[LeadFacts]:
    """The leads that were left in a time."""
    query = select(
        Lead.trigger,
        Lead.state,
        Lead.rating,
        Lead.email,
        Lead.phone,
        Lead.note,
        Lead.conversation_id,
        Lead.created_at,
        Lead.contacted_at,
    ).where(Lead.workspace_id == workspace_id, Lead.created_at >= begins, Lead.created_at < ends)
    if assistant_id:
        query = query.where(Lead.assistant_id == assistant_id)
    return [
        LeadFacts(
            LeadTrigger(row.trigger),
            LeadState(row.state),
            LeadRating(row.rating),
            bool(row.email or row.phone),
            bool(row.note.strip()),
            row.conversation_id,
            row.created_at,
            row.contacted_at,
        )
        for row in await session.execute(query)
    ]
