"""Whether a passage supports a sentence that cites it, and where.

A citation is real if the passage has a place that speaks of what the sentence says:

1. half of the sentence's words (by stem, function words aside) stand in one or two neighbouring
   sentences of the passage; or
2. a quarter of them do, and the dense vectors of the sentence and of that place have a cosine of
   at least 0.5; or
3. that cosine is at least 0.65, which covers paraphrases and, with a multilingual encoder, answers
   in another language than the passage.

Numbers are held to more: one that stands neither in the question nor in any passage that the
sentence cites makes all of the sentence's citations unreal. What fails is removed; no other
passage is put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backend.chat.evidence import stems_of
from backend.chat.passage import Kind, Piece, pieces
from knowledge.encode.dense import dense_vectors
from knowledge.encode.encoder import Encoder
from knowledge.encode.words import FUNCTION_WORDS, words
from knowledge.types import Hit, Span

_BY_WORDS = 0.5
_BY_BOTH = (0.25, 0.5)
_BY_MEANING = 0.65
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")


@dataclass(frozen=True, slots=True)
class Support:
    """The best place in a passage: its span, the share of words found there, and the cosine."""

    span: Span
    words: float
    meaning: float = 0.0

    @property
    def real(self) -> bool:
        """Whether this is enough; see the module."""
        least_words, least_meaning = _BY_BOTH
        return (
            self.words >= _BY_WORDS
            or (self.words >= least_words and self.meaning >= least_meaning)
            or self.meaning >= _BY_MEANING
        )


class SupportChecker:
    """Checks the citations of one answer. Blocking: it may call the encoder."""

    def __init__(self, encoder: Encoder, question: str) -> None:
        self._encoder = encoder
        self._question_numbers = set(_NUMBER.findall(question))

    def supported(self, sentence: str, cited: Sequence[Hit]) -> list[Span | None]:
        """For each cited passage the span that supports the sentence, or ``None``."""
        written = " ".join(hit.text for hit in cited)
        numbers = set(_NUMBER.findall(sentence)) - self._question_numbers
        if not numbers <= set(_NUMBER.findall(written)):
            return [None for _ in cited]
        return [self._place(sentence, hit) for hit in cited]

    def _place(self, sentence: str, hit: Hit) -> Span | None:
        found = best_place(self._encoder, sentence, hit)
        return found.span if found is not None and found.real else None


def best_place(encoder: Encoder, sentence: str, hit: Hit) -> Support | None:
    """Where the passage comes closest to the sentence; ``None`` where it has nothing to quote."""
    found = pieces(hit.text, hit.language)
    quotable = [piece for piece in found if piece.kind not in (Kind.HEADING, Kind.QUESTION)]
    if not quotable:
        return None
    literal = _by_words(sentence, quotable)
    if literal.words >= _BY_WORDS or not encoder.spec.dense_size:
        return literal
    texts = [sentence, hit.text[slice(*literal.span)], *(piece.text for piece in quotable)]
    said, here, *others = dense_vectors(encoder, texts)
    literal = Support(literal.span, literal.words, float(said @ here))
    cosines = [float(said @ other) for other in others]
    at = int(np.argmax(cosines))
    meant = Support(quotable[at].span, _share(sentence, [quotable[at]]), cosines[at])
    return literal if literal.real or not meant.real else meant


def _by_words(sentence: str, quotable: Sequence[Piece]) -> Support:
    """The one piece, or the two neighbours, with most of the sentence's words; shortest first."""
    windows = [[piece] for piece in quotable]
    windows += [[one, other] for one, other in pairwise(quotable)]
    shares = [_share(sentence, window) for window in windows]
    best = max(range(len(windows)), key=lambda i: (round(shares[i], 3), -len(windows[i]), -i))
    span = (windows[best][0].span[0], windows[best][-1].span[1])
    return Support(span, shares[best])


def _share(sentence: str, window: Sequence[Piece]) -> float:
    stems = {word.stem for word in words(sentence) if word.form not in FUNCTION_WORDS}
    if not stems:
        return 0.0
    written = frozenset[str]().union(*(stems_of(piece.text) for piece in window))
    return len(stems & written) / len(stems)
