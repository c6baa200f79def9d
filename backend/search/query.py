"""From a user's words to query vectors."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from knowledge.encode.encoder import Encoder
from knowledge.errors import InvalidQuery
from knowledge.types import Encoding

_REMEMBERED = 1024
_CHARACTERS_PER_TOKEN = 32
"""More than any tokenizer joins into one token, so that a long text is cut before it is read."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """The words that were encoded, their vectors as the encoder made them, and warnings."""

    text: str
    encoding: Encoding
    warnings: tuple[str, ...] = ()


class QueryEncoder:
    """Checks and encodes queries, and remembers the last ones."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._remembered: OrderedDict[str, EncodedQuery] = OrderedDict()

    async def encode(self, query: str) -> EncodedQuery:
        """Encode ``query``, cut to what the encoder reads.

        Raises :class:`InvalidQuery` where there is no letter and no digit in it.
        """
        known = self._remembered.get(query)
        if known is not None:
            self._remembered.move_to_end(query)
            return known
        encoded = await asyncio.to_thread(self._encode, query)
        # A very long query is not kept whole as a key.
        if len(query) <= 10_000:
            self._remembered[query] = encoded
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return encoded

    def _encode(self, query: str) -> EncodedQuery:
        text, warnings = self._fit(clean(query))
        return EncodedQuery(text, self._encoder.encode_queries([text])[0], warnings)

    def _fit(self, text: str) -> tuple[str, tuple[str, ...]]:
        limit = self._encoder.spec.max_tokens
        # No token is shorter than a character.
        if len(text) <= limit:
            return text, ()
        spans = self._encoder.token_spans(text[: limit * _CHARACTERS_PER_TOKEN])
        if len(spans) <= limit and len(text) <= limit * _CHARACTERS_PER_TOKEN:
            return text, ()
        cut = text[: spans[min(limit, len(spans)) - 1][1]] if spans else text[:limit]
        return cut, (
            f"The query is longer than the encoder reads: its first {len(cut):,} of "
            f"{len(text):,} characters were searched for.",
        )


def clean(query: str) -> str:
    """``query`` without what no text holds (lone surrogates, NUL) and without outer space.

    Raises :class:`InvalidQuery` where there is no letter and no digit in it.
    """
    text = query.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").strip()
    if not text:
        raise InvalidQuery("The query is empty.", "Write what you are looking for.")
    if not any(character.isalnum() for character in text):
        raise InvalidQuery(
            "The query holds no letter and no digit.", "Write what you are looking for in words."
        )
    return text
