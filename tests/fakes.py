"""A small deterministic encoder for tests that are about something else than encoding.

Sparse side: one term per distinct word (its hash), weight ``1 + log(count)``; a passage also gets
the term of each word's entry in ``synonyms``, with weight 0.5, as a model would add it. Dense
side: the normalised sum of one random direction per word. Texts that share words are near.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from knowledge.encode.encoder import EncoderSpec
from knowledge.types import Encoding, Span, SparseVector, TermOrigin

_WORD = re.compile(r"\w+")
_ADDED = 0.5


class HashingEncoder:
    """Implements ``knowledge.encode.encoder.Encoder``."""

    def __init__(
        self,
        dense_size: int = 32,
        uses_idf: bool = True,
        max_tokens: int = 256,
        synonyms: Mapping[str, str] | None = None,
        id: str = "hashing-1",
        sparse: bool = True,
    ) -> None:
        self._spec = EncoderSpec(
            id=id,
            dense_size=dense_size,
            sparse=sparse,
            uses_idf=uses_idf,
            max_tokens=max_tokens,
            languages=("en",),
        )
        self._synonyms = dict(synonyms or {})

    @property
    def spec(self) -> EncoderSpec:
        return self._spec

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        return [self._encode(text, self._synonyms) for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> list[Encoding]:
        return [self._encode(text, {}) for text in texts]

    def trace_passage(self, text: str) -> list[TermOrigin]:
        return self._trace(text, self._synonyms)

    def trace_query(self, text: str) -> list[TermOrigin]:
        return self._trace(text, {})

    def written(self, text: str) -> Mapping[int, tuple[Span, ...]]:
        return {origin.term: origin.spans for origin in self._trace(text, {})}

    def words(self, terms: Sequence[int], *texts: str) -> Mapping[int, str]:
        known = {_term(word): word for word in self._synonyms.values()}
        for text in texts:
            known |= {_term(word): word for word, _, _ in self._read(text)}
        return {term: known.get(term, f"#{term}") for term in terms}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_WORD.findall(text)) for text in texts]

    def token_spans(self, text: str) -> list[Span]:
        return [match.span() for match in _WORD.finditer(text)]

    def _read(self, text: str) -> list[tuple[str, int, int]]:
        matches = list(_WORD.finditer(text))[: self._spec.max_tokens]
        return [(match.group().lower(), *match.span()) for match in matches]

    def _trace(self, text: str, synonyms: Mapping[str, str]) -> list[TermOrigin]:
        words = self._read(text)
        spans: dict[str, list[Span]] = {}
        for word, start, end in words:
            spans.setdefault(word, []).append((start, end))
        origins = {
            word: TermOrigin(_term(word), _weight(len(places)), True, tuple(places))
            for word, places in spans.items()
        }
        for word, places in spans.items():
            added = synonyms.get(word)
            if added and added not in origins:
                origins[added] = TermOrigin(_term(added), _ADDED, False, (places[0],))
        return sorted(origins.values(), key=lambda origin: (-origin.weight, origin.term))

    def _encode(self, text: str, synonyms: Mapping[str, str]) -> Encoding:
        # Two words may share a hash.
        by_term = {origin.term: origin for origin in self._trace(text, synonyms)}
        origins = [by_term[term] for term in sorted(by_term)]
        sparse = SparseVector(
            np.array([origin.term for origin in origins], dtype=np.uint32),
            np.array([origin.weight for origin in origins], dtype=np.float32),
        )
        return Encoding(
            dense=self._dense(text) if self._spec.dense_size else None,
            sparse=sparse if self._spec.sparse else None,
        )

    def _dense(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        total = np.zeros(self._spec.dense_size, dtype=np.float32)
        for word, count in Counter(word for word, _, _ in self._read(text)).items():
            direction = np.random.default_rng(_term(word)).standard_normal(self._spec.dense_size)
            total += (count * direction).astype(np.float32)
        length = float(np.linalg.norm(total))
        if length == 0:
            total[0] = length = 1.0
        return (total / length).astype(np.float32)


def _term(word: str) -> int:
    return zlib.crc32(word.encode())


def _weight(count: int) -> float:
    return float(np.float32(1 + math.log(count)))
