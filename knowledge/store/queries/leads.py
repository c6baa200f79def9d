"""Leads: listing, finding, changing and deleting what visitors left to be contacted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.paging import MAX_LIMIT, PageRequest, read_page
from knowledge.store.tables import Lead, LeadRating, LeadState, utc_now


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which are wanted. ``text``: in the name, an address, a number or the note."""

    assistant_id: UUID | None = None
    state: LeadState | None = None
    text: str = ""


def leads(workspace_id: UUID, wanted: LeadFilter | None = None) -> Select[Lead]:
    """The leads of a workspace that a filter lets through."""
    wanted = wanted or LeadFilter()
    query = select(Lead).where(Lead.workspace_id == workspace_id)
    if wanted.assistant_id is not None:
        query = query.where(Lead.assistant_id == wanted.assistant_id)
    if wanted.state is not None:
        query = query.where(Lead.state == wanted.state)
    if wanted.text:
        columns = (Lead.name, Lead.email, Lead.phone, Lead.note)
        query = query.where(
            or_(*(column.icontains(wanted.text, autoescape=True) for column in columns))
        )
    return query


async def every_lead(
    session: ReadSession, workspace_id: UUID, wanted: LeadFilter | None = None
) -> AsyncIterator[Lead]:
    """All of them, newest first, page by page."""
    request = PageRequest(MAX_LIMIT)
    while True:
        page = await read_page(
            session, leads(workspace_id, wanted), Lead, request, newest_first=True
        )
        for lead in page.items:
            yield lead
        if page.next_cursor is None:
            return
        request = PageRequest(MAX_LIMIT, page.next_cursor)


async def count_leads(session: ReadSession, workspace_id: UUID) -> dict[LeadState, int]:
    """How many leads of a workspace there are in each state."""
    rows = await session.execute(
        select(Lead.state, func.count())
        .where(Lead.workspace_id == workspace_id)
        .group_by(Lead.state)
    )
    found = {LeadState(state): int(count) for state, count in rows}
    return {state: found.get(state, 0) for state in LeadState}


async def find_lead(session: ReadSession, workspace_id: UUID, lead_id: UUID) -> Lead:
    """A lead by id. Raises :class:`NotFound`."""
    found = await session.scalar(leads(workspace_id).where(Lead.id == lead_id))
    if found is None:
        raise NotFound(f"There is no lead {lead_id}.")
    return found


async def change_lead(
    session: WriteSession,
    workspace_id: UUID,
    lead_id: UUID,
    state: LeadState | None = None,
    rating: LeadRating | None = None,
) -> Lead:
    """Say how far a lead has come, and whether it was worth it. Raises :class:`NotFound`."""
    found = await find_lead(session, workspace_id, lead_id)
    now = utc_now()
    if state is not None:
        found.state = state
        if state is not LeadState.NEW and found.contacted_at is None:
            found.contacted_at = now
    if rating is not None:
        found.rating = rating
    found.changed_at = now
    return found


async def delete_lead(session: WriteSession, workspace_id: UUID, lead_id: UUID) -> None:
    """Forget a lead for good. Raises :class:`NotFound`."""
    await session.delete(await find_lead(session, workspace_id, lead_id))
