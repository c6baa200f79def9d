"""Messages about leads to the addresses of assistants' owners, and what became of them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, delete, select, update

from knowledge.store.database import WriteSession
from knowledge.store.tables import DeliveryState, LeadDelivery, utc_now

KEPT = 100
"""Deliveries that are kept of each assistant."""


def deliveries(assistant_id: UUID) -> Select[LeadDelivery]:
    """Those of one assistant. Whoever calls has checked whose the assistant is."""
    return select(LeadDelivery).where(LeadDelivery.assistant_id == assistant_id)


async def begin_delivery(
    session: WriteSession, assistant_id: UUID, kind: str, address: str, lead_id: UUID | None
) -> LeadDelivery:
    """Note that a message is on its way; the oldest beyond :data:`KEPT` are forgotten."""
    made = LeadDelivery(assistant_id=assistant_id, kind=kind, address=address, lead_id=lead_id)
    session.add(made)
    await session.flush()
    oldest = (
        select(LeadDelivery.id)
        .where(LeadDelivery.assistant_id == assistant_id)
        .order_by(LeadDelivery.created_at.desc(), LeadDelivery.id)
        .offset(KEPT)
    )
    gone = list(await session.scalars(oldest))
    if gone:
        await session.execute(delete(LeadDelivery).where(LeadDelivery.id.in_(gone)))
    return made


async def note_attempt(
    session: WriteSession, delivery_id: UUID, state: DeliveryState, attempts: int, detail: str
) -> None:
    """Say how a message went the last time. One whose assistant is gone is forgotten by now."""
    await session.execute(
        update(LeadDelivery)
        .where(LeadDelivery.id == delivery_id)
        .values(state=state, attempts=attempts, detail=detail[:1000], changed_at=utc_now())
    )
