"""Weights of the words that stand in a text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.encode.terms import TermTable
from knowledge.encode.words import words
from knowledge.types import Span


@dataclass(frozen=True, slots=True)
class Saturation:
    """BM25's term frequency: ``(k1 + 1) tf / (tf + k1 (1 - b + b length / typical_length))``.

    ``typical_length`` is fixed, in words, where BM25 takes the collection's mean: a passage's
    vector does not change when its neighbours do. Robertson and Zaragoza, "The Probabilistic
    Relevance Framework: BM25 and Beyond" (2009).
    """

    k1: float = 0.9
    b: float = 0.4
    typical_length: float = 70.0

    def weights(self, counts: NDArray[np.float32], length: float) -> NDArray[np.float32]:
        """Weights of ``counts`` occurrences each in a text of ``length`` words; same shape."""
        norm = self.k1 * (1 - self.b + self.b * length / self.typical_length)
        weights: NDArray[np.float32] = (counts * (self.k1 + 1) / (counts + norm)).astype(np.float32)
        return weights


def count_terms(text: str, table: TermTable) -> Counter[int]:
    """How often each term is written in ``text``."""
    return Counter(table.id(word) for word in words(text))


def written_spans(text: str, table: TermTable) -> dict[int, tuple[Span, ...]]:
    """Where each term is written in ``text``, in order."""
    found: dict[int, list[Span]] = {}
    for word in words(text):
        found.setdefault(table.id(word), []).append((word.start, word.end))
    return {term: tuple(spans) for term, spans in found.items()}
