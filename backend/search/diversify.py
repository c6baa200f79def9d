"""Keeping near-duplicates and one document's many chunks from filling the first page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.search.request import SearchSettings
from knowledge.index.search_index import SearchIndex

_POOL = 3
"""Hits looked at for each one returned where near-duplicates are moved down or capped."""

Vectors = Mapping[UUID, NDArray[np.float32]]
"""Unit vectors by chunk."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A chunk in the final order.

    ``score`` is what it had minus ``penalty``. ``pinned_by`` is the rule that put it in its place.
    """

    id: UUID
    score: float
    penalty: float = 0.0
    pinned_by: UUID | None = None


def pool_size(limit: int, settings: SearchSettings) -> int:
    """How many of the fused points are looked at."""
    spread = settings.diversity or settings.per_document
    return max(
        limit * (_POOL if spread else 1), settings.rerank_candidates if settings.rerank else 0
    )


async def dense_vectors(
    index: SearchIndex, ids: Sequence[UUID], settings: SearchSettings
) -> Vectors | None:
    """The vectors that near-duplicates are told by; ``None`` where none are needed, or known."""
    if not settings.diversity or not index.spec.dense_size:
        return None
    points = await index.retrieve(list(ids))
    return {
        id: point.encoding.dense for id, point in points.items() if point.encoding.dense is not None
    }


def final_order(
    points: Sequence[tuple[UUID, float]],
    reranked: Mapping[UUID, float],
    documents: Mapping[UUID, UUID],
    vectors: Vectors | None,
    settings: SearchSettings,
) -> tuple[list[Placed], list[Placed]]:
    """The order after fusion, and those that lost their place to the cap on one document's chunks.

    Reranked chunks first, near-duplicates moved down, documents capped. ``points``: ids with fused
    scores, best first; ``documents``: the document of each; ``vectors``: ``None`` where there are
    none to compare chunks by, otherwise a chunk without one is left out.
    """
    placed: list[Placed] = []
    for group in groups(points, reranked):
        if not settings.diversity or vectors is None:
            placed += [Placed(id, score) for id, score in group]
            continue
        known = [(id, score) for id, score in group if id in vectors]
        placed += marginal_relevance(known, vectors, settings.diversity)
    if not settings.per_document:
        return placed, []
    return cap_documents(placed, documents, settings.per_document)


def groups(
    points: Sequence[tuple[UUID, float]], reranked: Mapping[UUID, float]
) -> tuple[list[tuple[UUID, float]], list[tuple[UUID, float]]]:
    """The chunks that a cross-encoder scored, best first, and the others as they came. The scores
    of the two are of different kinds, so neither is ever compared with the other.
    """
    first = [(id, reranked[id]) for id, _ in points if id in reranked]
    first.sort(key=lambda scored: (-scored[1], scored[0].int))
    return first, [(id, score) for id, score in points if id not in reranked]


def likeness_weight(scores: NDArray[np.float64], diversity: float) -> float:
    """What a cosine of 1 costs among chunks of these scores."""
    return diversity / (1 - diversity) * float(scores.max() - scores.min())


def marginal_relevance(
    scored: Sequence[tuple[UUID, float]], vectors: Vectors, diversity: float
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
    weight = likeness_weight(scores, diversity)
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
