"""Which terms made a passage match a query, and by how much.

The sparse score is the dot product of two vectors: a sum of query weight times passage weight over
the terms that both have. So a term's contribution is exact. Its meaning is less so where weights
are small: a learned encoder spreads a meaning over many faint terms, and they say something only
together. They are one bucket here, the tail.

T. Formal, B. Piwowarski, S. Clinchant, "SPLADE: Sparse Lexical and Expansion Model for First Stage
Ranking", SIGIR 2021, for vectors of this kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from backend.explain.words import Word, join_pieces, name_of, spelling
from knowledge.encode.encoder import Encoder
from knowledge.types import Span, SparseVector, TermOrigin

TOP_TERMS = 12
"""Words that are shown one by one."""

NOTE = (
    "Each contribution is exact: the query's weight times the passage's. Faint terms overlap in "
    "meaning, so read the largest ones, and the tail only as a whole."
)


@dataclass(frozen=True, slots=True)
class Side:
    """A word on one side of a match.

    ``weight``: the sum of its terms' weights. ``written``: whether it stands in the text;
    otherwise the encoder added it. ``spans``: where it is written, or, for an added one whose
    origin was looked up, the words that added it; ``words`` are the words there. ``by_rule``:
    whether a rule put it there.
    """

    weight: float
    written: bool
    spans: tuple[Span, ...] = ()
    words: tuple[str, ...] = ()
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One term of a word: the unit that the vectors know.

    ``idf``: how much the query's weight was multiplied for the term's rarity.
    """

    term: int
    word: str
    query_weight: float
    idf: float
    passage_weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class WordShare:
    """A word with what it adds to the sparse score, and which part of the score that is."""

    word: str
    contribution: float
    share: float
    query: Side
    passage: Side
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A word that the query asks for and the passage lacks, with its weight in the query."""

    word: str
    weight: float
    written: bool


@dataclass(frozen=True, slots=True)
class Tail:
    """All matching words that are not shown, together. It also holds what the engine rounded."""

    words: int
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class TermsExplanation:
    """Why the sparse arm scored a passage as it did.

    The contributions of ``words`` and ``tail`` sum to ``score``, the engine's, and their shares to
    1, both to the last bit (as :func:`math.fsum` sums).
    """

    score: float
    words: tuple[WordShare, ...]
    tail: Tail
    unmatched: tuple[Unmatched, ...]
    note: str = NOTE

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class TracedText:
    """A text with where its terms come from.

    ``written``: spans of the terms that stand in it. ``added``: for other terms the spans of the
    words that added them, where that was looked up. ``offset``: how many characters at the start
    of the encoded text (title, headings) are not part of the text that is shown. ``by_rule``:
    terms that a rule gave it.
    """

    text: str
    written: Mapping[int, tuple[Span, ...]]
    added: Mapping[int, tuple[Span, ...]]
    offset: int = 0
    by_rule: frozenset[int] = frozenset()

    def side(self, terms: Sequence[int], weight: float) -> Side:
        """What is known about ``terms`` in this text."""
        written = any(term in self.written for term in terms)
        origin = self.written if written else self.added
        spans = tuple(dict.fromkeys(span for term in terms for span in origin.get(term, ())))
        words = tuple(dict.fromkeys(self.text[start:end] for start, end in spans))
        shown = tuple(
            (start - self.offset, end - self.offset) for start, end in spans if start >= self.offset
        )
        return Side(weight, written, shown, words, any(term in self.by_rule for term in terms))


def read_text(encoder: Encoder, text: str, offset: int = 0) -> TracedText:
    """Where the terms of ``text`` are written: quick, no model is run."""
    return TracedText(text, encoder.written(text), {}, offset)


def trace_text(
    encoder: Encoder, text: str, origins: Sequence[TermOrigin], offset: int = 0
) -> TracedText:
    """As :func:`read_text`, and which words added the terms that are not written."""
    added = {origin.term: origin.spans for origin in origins if not origin.written}
    return TracedText(text, encoder.written(text), added, offset)


def explain_terms(
    encoder: Encoder,
    query: SparseVector,
    idf: Mapping[int, float],
    passage: SparseVector,
    score: float,
    query_text: TracedText,
    passage_text: TracedText,
    top: int = TOP_TERMS,
) -> TermsExplanation:
    """Split the engine's sparse ``score`` of a passage into words.

    ``query``: the weights that the index was asked with; ``idf``: the factor in each, by term.
    """
    pieces = _pieces(encoder, query, idf, passage, query_text.text, passage_text.text)
    # What the query does not say is called as the passage writes it.
    names = {
        piece.term: spelling(piece.term, passage_text.written, passage_text.text) or piece.word
        for piece in pieces
    }
    groups = join_pieces(names, query_text.written, query_text.text, names)
    by_term = {piece.term: piece for piece in pieces}
    words = sorted(
        (_share(group, by_term, score, query_text, passage_text) for group in groups),
        key=lambda word: (-word.contribution, word.word),
    )
    shown, rest = words[:top], words[top:]
    # Rounded once, so that words and tail sum to the score to the last bit.
    tail = Tail(
        words=len(rest),
        contribution=math.fsum([score, *(-word.contribution for word in shown)]),
        share=math.fsum([1.0, *(-word.share for word in shown)]) if score else 0.0,
    )
    return TermsExplanation(
        score, tuple(shown), tail, _unmatched(encoder, query, passage, query_text, top)
    )


def dot(query: SparseVector, passage: SparseVector) -> float:
    """The dot product, summed in double precision."""
    _, left, right = np.intersect1d(
        query.indices, passage.indices, assume_unique=True, return_indices=True
    )
    return math.fsum(
        (query.values[left].astype(np.float64) * passage.values[right].astype(np.float64)).tolist()
    )


def _pieces(
    encoder: Encoder,
    query: SparseVector,
    idf: Mapping[int, float],
    passage: SparseVector,
    *texts: str,
) -> list[Piece]:
    """The terms that both sides have, the largest contribution first."""
    terms, left, right = np.intersect1d(
        query.indices, passage.indices, assume_unique=True, return_indices=True
    )
    names = encoder.words(terms.tolist(), *texts)
    asked = query.values[left].astype(np.float64)
    given = passage.values[right].astype(np.float64)
    pieces = [
        Piece(term, name_of(term, names), ours, idf.get(term, 1.0), theirs, product)
        for term, ours, theirs, product in zip(
            terms.tolist(), asked.tolist(), given.tolist(), (asked * given).tolist(), strict=True
        )
    ]
    return sorted(pieces, key=lambda piece: (-piece.contribution, piece.term))


def _share(
    word: Word,
    pieces: Mapping[int, Piece],
    score: float,
    query_text: TracedText,
    passage_text: TracedText,
) -> WordShare:
    own = tuple(pieces[term] for term in word.terms)
    contribution = math.fsum(piece.contribution for piece in own)
    asked = math.fsum(piece.query_weight for piece in own)
    given = math.fsum(piece.passage_weight for piece in own)
    return WordShare(
        word=word.text,
        contribution=contribution,
        share=contribution / score if score else 0.0,
        query=query_text.side(word.terms, asked),
        passage=passage_text.side(word.terms, given),
        pieces=own,
    )


def _unmatched(
    encoder: Encoder,
    query: SparseVector,
    passage: SparseVector,
    query_text: TracedText,
    top: int,
) -> tuple[Unmatched, ...]:
    lacking = ~np.isin(query.indices, passage.indices)
    weights = dict(
        zip(query.indices[lacking].tolist(), query.values[lacking].tolist(), strict=True)
    )
    names = encoder.words(list(weights), query_text.text)
    groups = join_pieces(weights, query_text.written, query_text.text, names)
    unmatched = [
        Unmatched(
            group.text,
            math.fsum(weights[term] for term in group.terms),
            any(term in query_text.written for term in group.terms),
        )
        for group in groups
    ]
    return tuple(sorted(unmatched, key=lambda word: (-word.weight, word.word))[:top])
