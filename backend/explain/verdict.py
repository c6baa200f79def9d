"""What is said of something that is missed: the stage at which it left, and by how much."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID

from backend.explain.change import Counterfactual

STAGES = (
    "never seen",
    "excluded",
    "failed to parse",
    "duplicate",
    "gone",
    "empty",
    "not indexed",
    "hidden",
    "filtered",
    "cutoff",
    "fusion",
    "rerank",
    "diversity",
    "pinned",
    "budget",
    "found",
)
"""Where a passage can leave, in the order of the stages; ``pinned``: rules pin others to the places
before it; ``found`` is a hit."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A figure of the passage beside the one it would have needed.

    ``what``: an arm (its score), ``fused``, ``rerank``, ``diversity`` (the score less what it loses
    for resembling hits), ``document`` (which one of its document's passages it is), ``place``.
    ``own`` is ``None`` where the passage has no such figure. ``distance``: how much is missing, in
    places too; 0 or less where it suffices.
    """

    what: str
    own: float | None
    needed: float | None
    distance: float | None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a passage, or the best passage of a document, is not among the first ``limit`` hits.

    ``stage`` is one of :data:`STAGES`; ``detail`` and ``action`` are sentences. ``place`` is where
    it stands, if anywhere. ``changes``: what would bring it in.
    """

    stage: str
    detail: str
    action: str = ""
    chunk_id: UUID | None = None
    document_id: UUID | None = None
    place: int | None = None
    cutoffs: tuple[Cutoff, ...] = ()
    changes: Counterfactual | None = None

    def to_json(self) -> dict[str, object]:
        """The same as plain values, UUIDs as strings."""
        plain = asdict(self)
        for name in ("chunk_id", "document_id"):
            plain[name] = str(plain[name]) if plain[name] else None
        return plain
