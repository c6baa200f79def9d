"""Exact rankings of whole collections in memory: lexical, sparse, dense and fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from backend.search.fuse import fuse
from backend.search.request import SearchSettings
from knowledge.encode.idf import idf
from knowledge.index.search_index import RankedPoint
from knowledge.types import Encoding, SparseVector

DEPTH = 100
Ranking = list[list[tuple[int, float]]]
"""For each query the places of its best passages in the corpus, with their scores, best first."""


class SparseArm:
    """The sparse vectors of a collection, searched exactly with the collection's IDF."""

    def __init__(self, passages: Sequence[SparseVector]) -> None:
        self._terms = {
            int(term): column
            for column, term in enumerate(np.unique(np.concatenate([p.indices for p in passages])))
        }
        self._matrix = self._stack(passages)
        frequency = np.bincount(self._matrix.indices, minlength=len(self._terms))
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


def bm25_ranking(passages: Sequence[str], queries: Sequence[str]) -> Ranking:
    """BM25 as bm25s computes it: Lucene's form, English stop words and stemming."""
    stemmer = Stemmer.Stemmer("english")

    def cut(texts: Sequence[str], **options: Any) -> Any:
        return bm25s.tokenize(
            list(texts), stopwords="en", stemmer=stemmer, show_progress=False, **options
        )

    index = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    index.index(cut(passages), show_progress=False)
    nothing = np.zeros(len(passages), np.float32)
    return [
        best(index.get_scores(tokens) if tokens else nothing)
        for tokens in cut(queries, return_ids=False)
    ]


def dense_ranking(queries: Sequence[Encoding], passages: Sequence[Encoding]) -> Ranking:
    """Cosine similarity of the dense vectors."""
    matrix = np.stack([p.dense for p in passages if p.dense is not None])
    return [best(matrix @ query.dense) for query in queries if query.dense is not None]


def fused_ranking(left: Ranking, right: Ranking, settings: Mapping[str, Any]) -> Ranking:
    """Two rankings through the product's fusion, as its sparse and its dense arm."""
    chosen = SearchSettings(**settings)
    fused: Ranking = []
    for sparse, dense in zip(left, right, strict=True):
        points = fuse({"sparse": _points(sparse), "dense": _points(dense)}, chosen)
        fused.append([(point.id.int, point.score) for point in points[:DEPTH]])
    return fused


def best(scores: NDArray[np.floating]) -> list[tuple[int, float]]:
    """The first :data:`DEPTH` places with a score above 0, best first, equal ones in order."""
    places = np.argsort(-scores, kind="stable")[:DEPTH]
    return [(int(place), float(scores[place])) for place in places if scores[place] > 0]


def _points(row: Sequence[tuple[int, float]]) -> list[RankedPoint]:
    return [RankedPoint(id=UUID(int=place), score=score) for place, score in row]
