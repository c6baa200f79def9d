"""Everything that is known about why one passage stands where it does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.explain.dense import DenseExplanation
from backend.explain.ledger import Ledger
from backend.explain.terms import TermsExplanation

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HitExplanation:
    """Why a passage stands where it does for a query.

    ``terms`` and ``dense`` are ``None`` where that arm was not asked; ``ledger`` where no arm
    returned the passage.
    """

    chunk_id: UUID
    document_id: UUID
    title: str
    address: str
    heading: tuple[str, ...]
    text: str
    version: int
    fetched_at: datetime | None
    terms: TermsExplanation | None
    dense: DenseExplanation | None
    ledger: Ledger | None

    def to_json(self) -> JsonObject:
        """The same as plain values, UUIDs and times as strings."""
        plain = asdict(self)
        plain["chunk_id"] = str(self.chunk_id)
        plain["document_id"] = str(self.document_id)
        plain["fetched_at"] = self.fetched_at.isoformat() if self.fetched_at else None
        return plain
