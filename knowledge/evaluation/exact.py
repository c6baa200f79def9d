"""Exact rankings of a whole collection in memory, by sparse and by dense vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from knowledge.encode.idf import counted_terms, idf
from knowledge.types import Encoding, SparseVector

DEPTH = 100
Ranking = list[list[tuple[int, float]]]
"""For each query the places of its best passages in the corpus, with their scores, best first."""


class SparseArm:
    """The sparse vectors of a collection, searched exactly with the collection's IDF.

    ``counted_weight``: the encoder's, the weight from which a term counts in that IDF.
    """

    def __init__(self, passages: Sequence[SparseVector], counted_weight: float) -> None:
        self._terms = {
            int(term): column
            for column, term in enumerate(np.unique(np.concatenate([p.indices for p in passages])))
        }
        self._matrix = self._stack(passages)
        counted = np.concatenate([counted_terms(p, counted_weight) for p in passages])
        columns = [self._terms[term] for term in counted.tolist()]
        frequency = np.bincount(np.array(columns, np.int64), minlength=len(self._terms))
        self._idf = idf(frequency, len(passages))
        self.mean_terms = float(np.mean([len(p) for p in passages]))

    def rank(self, queries: Sequence[SparseVector]) -> Ranking:
        """The best passages of each query."""
        asked = self._stack(queries)
        asked.data *= self._idf[asked.indices]
        scores = asked @ self._matrix.T
        return [best(scores[[row]].toarray()[0]) for row in range(len(queries))]

    def _stack(self, vectors: Sequence[SparseVector]) -> Any:
        columns, values, ends = list[int](), list[float](), [0]
        for vector in vectors:
            for term, value in zip(vector.indices.tolist(), vector.values.tolist(), strict=True):
                if term in self._terms:
                    columns.append(self._terms[term])
                    values.append(value)
            ends.append(len(columns))
        shape = (len(vectors), len(self._terms))
        return csr_matrix((np.array(values, np.float32), columns, ends), shape=shape)


def dense_ranking(queries: Sequence[Encoding], passages: Sequence[Encoding]) -> Ranking:
    """Cosine similarity of the dense vectors."""
    matrix = np.stack([p.dense for p in passages if p.dense is not None])
    return [best(matrix @ query.dense) for query in queries if query.dense is not None]


def best(scores: NDArray[np.floating]) -> list[tuple[int, float]]:
    """The first :data:`DEPTH` places with a score above 0, best first, equal ones in order."""
    places = np.argsort(-scores, kind="stable")[:DEPTH]
    return [(int(place), float(scores[place])) for place in places if scores[place] > 0]
