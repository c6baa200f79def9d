"""An encoder that costs nothing: for measuring everything around an encoder."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from knowledge.encode.encoder import EncoderSpec
from knowledge.types import Encoding, Span, SparseVector, TermOrigin

_WORD = re.compile(r"\w+|[^\w\s]")
_DENSE = 64
_TERMS = 1 << 16


class LightEncoder:
    """Implements ``Encoder``: a term per word by its CRC, a dense vector by the text's CRC.

    The same text always gets the same vectors, in every process. ``pace``: texts a second to take
    as long as a real encoder does, or 0 to take no time.
    """

    spec = EncoderSpec(id="light-1", dense_size=_DENSE, sparse=True, uses_idf=False, max_tokens=256)

    def __init__(self, pace: float = 0.0) -> None:
        self._pace = pace

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        """A vector pair for each text."""
        if self._pace:
            time.sleep(len(texts) / self._pace)
        return [self._encode(text) for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> list[Encoding]:
        """The same as for passages."""
        return self.encode_passages(texts)

    def trace_passage(self, text: str) -> list[TermOrigin]:
        """Nothing: speed is all that is measured."""
        return []

    def trace_query(self, text: str) -> list[TermOrigin]:
        """Nothing: speed is all that is measured."""
        return []

    def written(self, text: str) -> Mapping[int, tuple[Span, ...]]:
        """Nothing: speed is all that is measured."""
        return {}

    def words(self, terms: Sequence[int], *texts: str) -> Mapping[int, str]:
        """Nothing: speed is all that is measured."""
        return {}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and signs."""
        return [len(_WORD.findall(text)) for text in texts]

    def token_spans(self, text: str) -> list[Span]:
        """The places of words and signs."""
        return [match.span() for match in _WORD.finditer(text)]

    def _encode(self, text: str) -> Encoding:
        terms = {zlib.crc32(word.encode()) % _TERMS for word in text.lower().split()}
        indices = np.array(sorted(terms), dtype=np.uint32)
        place = zlib.crc32(text.encode()) % _DENSE
        dense = np.zeros(_DENSE, dtype=np.float32)
        dense[place] = 1.0
        values = np.ones(indices.size, dtype=np.float32)
        return Encoding(dense=dense, sparse=SparseVector(indices, values))
