"""Questions that ask the same in other words, put together.

Average-linkage agglomerative clustering (UPGMA; R. Sokal and C. Michener, "A statistical method for
evaluating systematic relationships", 1958) on the cosine distance of the questions' dense vectors,
cut at a fixed distance: nobody has to say how many clusters there are, a chain of questions each
like the next does not grow into one, and the same questions always give the same clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.insights.questions import unpacked
from knowledge.store.queries.question_groups import QuestionGroup

ALIKE = 0.45
"""The least mean cosine between the questions of two clusters that are one.

With the bundled encoder, on the questions of 28 kinds to a shop and to the administrator of a web
server in ``tests/backend/insights/alike.py``: some nine of ten pairs that it puts together ask the
same, and it puts together some six of ten that do.
"""

_LINKED = 1_000
"""Groups that are linked with each other; the rest, asked less often, join the nearest cluster."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that ask the same. ``main``: the one nearest to all, weighed by how often each was
    asked; ``groups``: all of them, in the order given.
    """

    main: QuestionGroup
    groups: tuple[QuestionGroup, ...]

    def total(self, name: str) -> int:
        """The sum of a count of its groups."""
        return sum(getattr(group, name) for group in self.groups)


def cluster(groups: Sequence[QuestionGroup], alike: float = ALIKE) -> list[Cluster]:
    """The clusters of questions, in the order of their first group.

    A question without a vector, or with one of another size, stands by itself.
    """
    size = max((len(group.vector) for group in groups), default=0)
    usable = [at for at, group in enumerate(groups) if size and len(group.vector) == size]
    labels = np.full(len(groups), -1, np.int64)
    if usable:
        vectors = unpacked([groups[at].vector for at in usable])
        labels[usable] = _labels(vectors, alike)
    members: dict[int, list[int]] = {}
    for at, label in enumerate(labels.tolist()):
        members.setdefault(label if label >= 0 else -1 - at, []).append(at)
    return [_cluster([groups[at] for at in places]) for places in members.values()]


def _labels(vectors: NDArray[np.float32], alike: float) -> NDArray[np.int64]:
    """``int64[n]``: a number for the cluster of each vector (``float32[n, d]``, unit length)."""
    # scipy takes half a second to import.
    from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]

    first = vectors[:_LINKED]
    if len(first) == 1:
        linked = np.zeros(1, np.int64)
    else:
        above = np.triu_indices(len(first), 1)
        distances = np.clip(1 - (first @ first.T)[above], 0, 2)
        tree = linkage(distances, method="average")
        linked = fcluster(tree, 1 - alike, criterion="distance").astype(np.int64) - 1
    rest = vectors[_LINKED:]
    if not len(rest):
        return linked
    count = int(linked.max()) + 1
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(sums, linked, first)
    # The product with a cluster's mean is the mean of the cosines with its members.
    near = rest @ (sums / np.bincount(linked, minlength=count)[:, None]).T
    best = near.argmax(axis=1)
    alone = count + np.arange(len(rest))
    joined = np.where(near[np.arange(len(rest)), best] >= alike, best, alone)
    return np.concatenate([linked, joined])


def _cluster(groups: Sequence[QuestionGroup]) -> Cluster:
    if len(groups) == 1:
        return Cluster(groups[0], tuple(groups))
    vectors = unpacked([group.vector for group in groups])
    weights = np.array([group.asked for group in groups], np.float32)
    centre = weights @ vectors
    return Cluster(groups[int((vectors @ centre).argmax())], tuple(groups))
