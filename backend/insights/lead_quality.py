"""How good leads are: how each came about, whether it can be reached, and what staff made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from backend.insights.period import Period
from knowledge.store.database import Database
from knowledge.store.queries.lead_quality import LeadFacts, read_lead_facts
from knowledge.store.queries.usage import Scope, count_conversations
from knowledge.store.tables import LeadRating, LeadState, LeadTrigger


@dataclass(frozen=True, slots=True)
class LeadQuality:
    """Leads that came about in one way; ``trigger`` is ``None`` for all together.

    ``reachable``: with an e-mail address or a phone number. ``asked``: with a note. ``contacted``:
    taken up by staff, in the median after ``hours`` (``None`` where none was). ``good`` and
    ``poor``: as staff judged them; ``open``: still new.
    """

    trigger: LeadTrigger | None
    leads: int
    reachable: int
    asked: int
    contacted: int
    open: int
    good: int
    poor: int
    hours: float | None

    @property
    def worth(self) -> float | None:
        """The share of good leads among those that were judged."""
        judged = self.good + self.poor
        return self.good / judged if judged else None


@dataclass(frozen=True, slots=True)
class LeadsOfPeriod:
    """All leads of a period, those by each trigger, and out of how many conversations they came.

    ``from_conversations``: conversations that ended in a lead, of ``conversations``.
    """

    total: LeadQuality
    by_trigger: tuple[LeadQuality, ...]
    from_conversations: int
    conversations: int


async def lead_quality(
    database: Database, workspace_id: UUID, period: Period, assistant_id: UUID | None = None
) -> LeadsOfPeriod:
    """What came of the leads that were left in a period."""
    scope = Scope(workspace_id, period.first, period.last, assistant_id)
    async with database.reading() as session:
        facts = await read_lead_facts(
            session, workspace_id, period.begins, period.ends, assistant_id
        )
        conversations = await count_conversations(session, scope)
    kinds = [(trigger, [one for one in facts if one.trigger is trigger]) for trigger in LeadTrigger]
    return LeadsOfPeriod(
        total=_quality(None, facts),
        by_trigger=tuple(_quality(trigger, of) for trigger, of in kinds if of),
        from_conversations=len({one.conversation_id for one in facts if one.conversation_id}),
        conversations=conversations,
    )


def _quality(trigger: LeadTrigger | None, facts: Sequence[LeadFacts]) -> LeadQuality:
    waits = [
        (one.contacted_at - one.created_at).total_seconds() / 3600
        for one in facts
        if one.contacted_at is not None
    ]
    return LeadQuality(
        trigger=trigger,
        leads=len(facts),
        reachable=sum(one.reachable for one in facts),
        asked=sum(one.asked for one in facts),
        contacted=len(waits),
        open=sum(one.state is LeadState.NEW for one in facts),
        good=sum(one.rating is LeadRating.GOOD for one in facts),
        poor=sum(one.rating is LeadRating.POOR for one in facts),
        hours=float(np.median(waits)) if waits else None,
    )
