"""What can be said about a dense match: how near, and which sentences are nearest.

A dense vector has no parts that mean something, so its score cannot be split. The sentences of the
passage are encoded one by one and compared with the query: an approximation, and marked as one.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sentencex import get_sentence_boundaries

from knowledge.encode.dense import dense_vectors
from knowledge.encode.encoder import Encoder
from knowledge.types import Span

NOTE = (
    "An approximation: the passage was encoded as a whole, and each of its sentences alone for "
    "this comparison."
)
_MOST_SENTENCES = 24


@dataclass(frozen=True, slots=True)
class NearSentence:
    """A sentence of the passage, where it stands, and its cosine to the query."""

    text: str
    span: Span
    cosine: float


@dataclass(frozen=True, slots=True)
class DenseExplanation:
    """``cosine``: of query and passage, as the engine scored it. ``sentences``: nearest first."""

    cosine: float
    sentences: tuple[NearSentence, ...]
    note: str = NOTE

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


async def nearest_sentences(
    encoder: Encoder, query: NDArray[np.float32], text: str, language: str, top: int = 3
) -> tuple[NearSentence, ...]:
    """The ``top`` sentences of ``text`` that are nearest to the query (``float32[d]``)."""
    spans = _sentences(text, language)
    if not spans:
        return ()
    vectors = await asyncio.to_thread(
        dense_vectors, encoder, [text[start:end] for start, end in spans]
    )
    near = [
        NearSentence(text[span[0] : span[1]], span, float(np.dot(query, vector)))
        for span, vector in zip(spans, vectors, strict=True)
        if vector.size
    ]
    return tuple(sorted(near, key=lambda one: (-one.cosine, one.span))[:top])


def _sentences(text: str, language: str) -> list[Span]:
    """The sentences that hold a letter or a digit, without space around them."""
    spans = []
    for boundary in get_sentence_boundaries(language or "en", text):
        start, end = int(boundary["start_index"]), int(boundary["end_index"])
        words = text[start:end]
        start += len(words) - len(words.lstrip())
        end = start + len(words.strip())
        if any(character.isalnum() for character in words):
            spans.append((start, end))
    return spans[:_MOST_SENTENCES]
