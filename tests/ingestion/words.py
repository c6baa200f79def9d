"""A tokenizer without a model: words in parts of six letters, every other sign on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.types import Span

_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")


class WordTokens:
    """Counts as a word-piece tokenizer does: a text's tokens are those of its words."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self.token_spans(text)) for text in texts]

    def token_spans(self, text: str) -> list[Span]:
        return [match.span() for match in _TOKEN.finditer(text)]
