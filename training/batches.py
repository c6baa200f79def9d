"""Which pairs stand in a batch together: each passage is a wrong answer to every other query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.trunk import Halves

Rows = NDArray[np.int64]


class Batches:
    """Draws ``size`` pairs at a time.

    ``sources``: the collection of each pair. ``queries``: ``float16[n, d]``, their dense vectors.
    ``one_source``: share of a batch that comes from one collection. ``topic``: how many times as
    many pairs of it this share is chosen from, as those nearest to one of them; 1 takes them as
    they come.
    """

    def __init__(
        self, sources: list[str], queries: Halves, size: int, one_source: float, topic: float
    ) -> None:
        self._groups, self._queries = _rows_by_source(sources), queries
        self._size, self._near, self._topic = size, int(size * one_source), topic

    def draw(self, chance: np.random.Generator) -> Rows:
        """Numbers of pairs, ascending, each once; larger collections are drawn more often."""
        groups = self._groups
        sizes = np.array([len(rows) for rows in groups]) ** 0.5
        share = sizes / sizes.sum()
        near = groups[chance.choice(len(groups), p=share)]
        count = min(self._near, len(near))
        near = self._alike(near, count, chance)
        others = [
            chance.choice(groups[source])
            for source in chance.choice(len(groups), self._size - count, p=share)
        ]
        return np.unique([*chance.choice(near, count, replace=False), *others])

    def _alike(self, rows: Rows, count: int, chance: np.random.Generator) -> Rows:
        """Rows whose queries are near each other's: their passages are hard to tell apart.

        Hofstätter et al., "Efficiently Teaching an Effective Dense Retriever with Balanced Topic
        Aware Sampling", arXiv 2104.06967, with a query's neighbours in place of clusters.
        """
        if self._topic <= 1:
            return rows
        pool = chance.choice(rows, min(len(rows), int(count * self._topic)), replace=False)
        vectors = self._queries[pool].astype(np.float32)
        nearest: Rows = pool[np.argsort(-(vectors @ vectors[0]), kind="stable")[:count]]
        return nearest


def _rows_by_source(sources: list[str]) -> list[Rows]:
    names = np.array(sources)
    return [np.flatnonzero(names == name) for name in sorted(set(sources))]
