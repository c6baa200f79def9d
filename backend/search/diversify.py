"""Keeping near-duplicates and one document's many chunks from filling the first page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Placed:
    """A chunk in the final order.

    ``score`` is what it had minus ``penalty``. ``pinned_by`` is the rule that put it in its place.
    """

    id: UUID
    score: float
    penalty: float = 0.0
    pinned_by: UUID | None = None


def marginal_relevance(
    scored: Sequence[tuple[UUID, float]],
    vectors: Mapping[UUID, NDArray[np.float32]],
    diversity: float,
) -> list[Placed]:
    """Take, again and again, the chunk with the highest score minus penalty.

    The penalty is ``diversity / (1 - diversity) * range * sim``: ``range`` is the highest score
    of all minus the lowest, ``sim`` the highest cosine (not below 0) to a chunk taken before.
    That is the order of ``lambda * rel - (1 - lambda) * sim`` with min-max-scaled scores as
    ``rel`` and ``lambda = 1 - diversity``: J. Carbonell and J. Goldstein, "The use of MMR,
    diversity-based reranking for reordering documents and producing summaries", SIGIR 1998.

    ``scored``: ids with scores, best first; ``vectors``: their unit vectors, ``float32[d]``.
    """
    if not scored:
        return []
    scores = np.array([score for _, score in scored], dtype=np.float64)
    units = np.stack([vectors[id] for id, _ in scored]).astype(np.float64)
    weight = diversity / (1 - diversity) * float(scores.max() - scores.min())
    nearest = np.zeros(scores.size)
    left = np.ones(scores.size, dtype=bool)
    placed = []
    for _ in scored:
        # Where scores are equal, argmax takes the first: the order that came in.
        at = int(np.argmax(np.where(left, scores - weight * nearest, -np.inf)))
        penalty = weight * float(nearest[at])
        placed.append(Placed(scored[at][0], float(scores[at]) - penalty, penalty))
        left[at] = False
        nearest = np.maximum(nearest, units @ units[at])
    return placed


def cap_documents(
    placed: Sequence[Placed], documents: Mapping[UUID, UUID], most: int
) -> tuple[list[Placed], list[Placed]]:
    """Split ``placed`` into the first ``most`` chunks of every document, and the others."""
    taken: dict[UUID, int] = {}
    kept: list[Placed] = []
    over: list[Placed] = []
    for one in placed:
        document = documents[one.id]
        taken[document] = taken.get(document, 0) + 1
        (kept if taken[document] <= most else over).append(one)
    return kept, over
