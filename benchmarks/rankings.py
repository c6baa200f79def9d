"""Rankings to compare with: BM25, and two rankings fused as the product fuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import bm25s
import numpy as np
import Stemmer

from backend.search.fuse import fuse
from backend.search.request import SearchSettings
from knowledge.evaluation.exact import DEPTH, Ranking, best
from knowledge.index.search_index import RankedPoint


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


def fused_ranking(left: Ranking, right: Ranking, settings: Mapping[str, Any]) -> Ranking:
    """Two rankings through the product's fusion, as its sparse and its dense arm."""
    chosen = SearchSettings(**settings)
    fused: Ranking = []
    for sparse, dense in zip(left, right, strict=True):
        points = fuse({"sparse": _points(sparse), "dense": _points(dense)}, chosen)
        fused.append([(point.id.int, point.score) for point in points[:DEPTH]])
    return fused


def _points(row: Sequence[tuple[int, float]]) -> list[RankedPoint]:
    return [RankedPoint(id=UUID(int=place), score=score) for place, score in row]
