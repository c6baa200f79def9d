"""The terms that a passage is found by most easily: the largest weights of its sparse vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from knowledge.encode.encoder import Encoder
from knowledge.types import SparseVector

WRITTEN, ADDED = 10, 6
"""How many terms of each kind are shown."""


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
) -> dict[UUID, list[StrongTerm]]:
    """The heaviest terms of each passage that the index has, heaviest first, written ones first.

    ``texts``: each passage as it was encoded, with its title and headings.
    """
    return {
        id: _strongest(encoder, texts[id], vector)
        for id, vector in vectors.items()
        if vector is not None and id in texts
    }


def _strongest(encoder: Encoder, text: str, vector: SparseVector) -> list[StrongTerm]:
    written = encoder.written(text)
    order = np.argsort(-vector.values, kind="stable")
    weights = dict(zip(vector.indices[order].tolist(), vector.values[order].tolist(), strict=True))
    literal = [term for term in weights if term in written][:WRITTEN]
    added = [term for term in weights if term not in written][:ADDED]
    words = encoder.words([*literal, *added], text)
    return [
        StrongTerm(words.get(term) or f"term {term}", weights[term], term in written)
        for term in (*literal, *added)
    ]
