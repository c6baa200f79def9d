"""The contract between Candor and whatever turns text into vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from knowledge.passage_text import PassageContext
from knowledge.types import Encoding, Span, TermOrigin

USUAL_SPREAD = (10.0, 0.4)
"""``EncoderSpec.score_spread`` of the bundled encoder, and of those tuned from it."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What an index must know about the encoder that fills it.

    ``id`` changes whenever the same text would get other vectors (name, version, settings): an
    index records it and refuses another. ``dense_size`` is 0 and ``sparse`` false where that side
    is missing. ``uses_idf`` says that query weights are multiplied by the collection's inverse
    document frequency before they meet the index. ``counted_weight``: the weight from which a term
    counts in that frequency (``knowledge.encode.idf.counted_terms``). ``languages`` are ISO 639-1
    codes the encoder was trained on; empty means unknown. ``max_tokens`` is the longest text that
    is read whole. ``context``: what stands in front of a passage when it is encoded.
    ``score_spread``: how far the first and the hundredth score of the sparse and of the dense arm
    usually lie apart; ``None`` where nobody measured it.
    """

    id: str
    dense_size: int
    sparse: bool
    uses_idf: bool
    max_tokens: int
    languages: tuple[str, ...] = ()
    counted_weight: float = 0.0
    context: PassageContext = "title+headings"
    score_spread: tuple[float, float] | None = None

    def with_context(self, context: PassageContext) -> EncoderSpec:
        """The same encoder, given another text in front of a passage: another index."""
        if context == self.context:
            return self
        return replace(self, id=f"{self.id}.context-{context}", context=context)


class Encoder(Protocol):
    """Text to a dense and a sparse vector. Passages and queries are encoded by separate methods.

    Implementations are safe to call from several threads and sort by length inside a call.
    """

    @property
    def spec(self) -> EncoderSpec:
        """What an index must know about this encoder."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        """Encode passages, in the order given. Text past ``max_tokens`` is not read."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> list[Encoding]:
        """Encode queries, in the order given, before any collection IDF is applied."""
        ...

    def trace_passage(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a passage with the words that produced it, heaviest first."""
        ...

    def trace_query(self, text: str) -> list[TermOrigin]:
        """Every sparse term of a query with the words that produced it, heaviest first."""
        ...

    def written(self, text: str) -> Mapping[int, tuple[Span, ...]]:
        """Where each sparse term is written in ``text``, in order, found without the model."""
        ...

    def words(self, terms: Sequence[int], *texts: str) -> Mapping[int, str]:
        """The readable word of each term id.

        A term that stands for a whole word outside the vocabulary is read back from ``texts``,
        where it must be written. Pieces of a word carry no marks of the tokenizer.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in the encoder's tokens, without special tokens."""
        ...

    def token_spans(self, text: str) -> list[Span]:
        """The character span of each token of a text of any length, in order."""
        ...
