"""Rules of search over the wire."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, Field

from backend.api.schemas.base import Body
from backend.search.rules import Rule
from knowledge.errors import InvalidInput
from knowledge.store.tables import RuleKind, RuleRecord


def end_of_day(text: str) -> datetime:
    """The last second, in UTC, of a day that somebody wrote as ``2027-01-31``. Raises
    :class:`InvalidInput`.
    """
    try:
        day = datetime.fromisoformat(text.strip()).date()
    except ValueError as error:
        raise InvalidInput(f"{text} is not a date.", "Write it as 2027-01-31.") from error
    return datetime.combine(day, time(23, 59, 59), UTC)


class RuleBody(Body):
    """One change to search; ``query``: the words that a query must hold, empty for every query."""

    kind: RuleKind = Field(examples=["pin"])
    query: str = Field(default="", max_length=500, examples=["refund"])
    chunk_id: UUID | None = None
    document_id: UUID | None = None
    source_id: UUID | None = None
    text: str = Field(default="", max_length=1000)
    factor: float = 1.0
    position: int = 1
    settings: dict[str, Any] = Field(default_factory=dict)

    def rule(self) -> Rule:
        """The rule. Raises :class:`InvalidInput` where its kind needs something else."""
        return Rule(id=uuid4(), **self.model_dump())


class NewRules(Body):
    """Rules to be saved, and why."""

    rules: list[RuleBody] = Field(min_length=1, max_length=50)
    reason: str = Field(min_length=1, max_length=1000)
    expires_at: AwareDatetime | None = None
    replaces: UUID | None = None
    despite_contradiction: bool = False


class RuleView(BaseModel):
    """A saved rule. ``effect`` says what it does, in words."""

    id: UUID
    kind: RuleKind
    query: str
    effect: str
    reason: str
    author: str
    replaces: UUID | None
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    ended_by: str

    @classmethod
    def of(cls, row: RuleRecord) -> RuleView:
        """The view of a record."""
        return cls(
            id=row.id,
            kind=RuleKind(row.kind),
            query=row.query,
            effect=Rule.of(row).effect(),
            reason=row.reason,
            author=row.author,
            replaces=row.replaces,
            created_at=row.created_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )
