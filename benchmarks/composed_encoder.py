"""The bundled encoder for many passages made of few sentences: each sentence is read once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.encode.bundled import BundledEncoder
from knowledge.types import Encoding, SparseVector

_KEPT = 104
"""Terms of a passage of the bundled encoder, on the mean over the documentation."""


class ComposedEncoder(BundledEncoder):
    """Passages are lines, one sentence each, and their vectors put together from the sentences'.

    Sparse: the highest weight of each term, the heaviest terms of all. Dense: the mean, of unit
    length. So a hundred thousand passages have vectors of the right size, density and distribution
    at the cost of encoding a thousand sentences. Queries are encoded as ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, Encoding] = {}

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each passage, in the order given."""
        lines = {line for text in texts for line in _lines(text)}
        new = sorted(lines - self._lines.keys())
        self._lines |= dict(zip(new, super().encode_passages(new), strict=True))
        return [_join([self._lines[line] for line in _lines(text)]) for text in texts]


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _join(parts: Sequence[Encoding]) -> Encoding:
    sparse = [part.sparse for part in parts if part.sparse is not None]
    dense = np.sum([part.dense for part in parts if part.dense is not None], axis=0)
    terms, places = np.unique(np.concatenate([one.indices for one in sparse]), return_inverse=True)
    weights = np.zeros(terms.size, dtype=np.float32)
    np.maximum.at(weights, places, np.concatenate([one.values for one in sparse]))
    kept = np.sort(np.argsort(-weights, kind="stable")[:_KEPT])
    return Encoding(
        dense=(dense / np.linalg.norm(dense)).astype(np.float32),
        sparse=SparseVector(terms[kept].astype(np.uint32), weights[kept]),
    )
