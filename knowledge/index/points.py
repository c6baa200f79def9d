"""What both engines' answers have in common: order among equals, and order of terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.index.search_index import RankedPoint
from knowledge.types import SparseVector

TIE_MARGIN = 16
"""Results to fetch beyond a limit, so that equal scores at its end are cut by id, not by chance."""


def ranked(points: list[RankedPoint], limit: int) -> list[RankedPoint]:
    """The best ``limit`` of ``points``: highest score first, equal scores by id."""
    return sorted(points, key=lambda point: (-point.score, point.id.int))[:limit]


def sparse_vector(indices: Sequence[int], values: Sequence[float]) -> SparseVector:
    """A sparse vector as an engine returned it, its terms in ascending order."""
    terms = np.asarray(indices, dtype=np.uint32)
    order = np.argsort(terms)
    return SparseVector(terms[order], np.asarray(values, dtype=np.float32)[order])
