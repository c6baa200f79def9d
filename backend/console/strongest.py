"""The terms that a passage is found by most easily: the largest weights of its sparse vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from knowledge.encode.encoder import Encoder
from knowledge.types import SparseVector

_TOP = 14


@dataclass(frozen=True, slots=True)
class StrongTerm:
    """A term as a word. ``written``: it stands in the text; otherwise the encoder added it."""

    word: str
    weight: float
    written: bool


def strongest_terms(
    encoder: Encoder,
    texts: Mapping[UUID, str],
    vectors: Mapping[UUID, SparseVector | None],
    top: int = _TOP,
) -> dict[UUID, list[StrongTerm]]:
    """The ``top`` heaviest terms of each passage that the index has, heaviest first.

    ``texts``: each passage as it was encoded, with its title and headings.
    """
    return {
        id: _strongest(encoder, texts[id], vector, top)
        for id, vector in vectors.items()
        if vector is not None and id in texts
    }


def _strongest(encoder: Encoder, text: str, vector: SparseVector, top: int) -> list[StrongTerm]:
    order = np.argsort(-vector.values, kind="stable")[:top]
    terms = vector.indices[order].tolist()
    words = encoder.words(terms, text)
    written = encoder.written(text)
    return [
        StrongTerm(words.get(term) or f"term {term}", weight, term in written)
        for term, weight in zip(terms, vector.values[order].tolist(), strict=True)
    ]
