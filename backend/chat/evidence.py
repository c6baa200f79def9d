"""How well the pieces of passages answer a question.

A piece is scored by meaning (the cosine of its dense vector with the question's, and that of its
passage), by words (which share of the question's words it has, each word weighed as the encoder
weighs it), and by the place of its passage in the search. Words that stand in the title or the
heading above a passage count for its pieces too, at a discount: under "Refunds", "Within 30 days."
answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

import numpy as np

from backend.chat.passage import Kind, Piece, pieces
from knowledge.encode.dense_memory import DenseMemory
from knowledge.encode.encoder import Encoder
from knowledge.encode.words import FUNCTION_WORDS, words
from knowledge.types import Encoding, Hit

Stems = frozenset[str]

_CARRIED = 0.5
_FROM_HEADING = 0.5
_WITHOUT_FULL_STOP = 0.85
_LABEL = 40
_QUOTABLE = frozenset({Kind.SENTENCE, Kind.ITEM, Kind.CODE, Kind.ROW})
_ENCODED_CHARACTERS = 240

_OPENING = 0.15
"""What the first words of a section gain where its heading has all words of the question: a section
begins with its answer."""

_ELSEWHERE = 0.8
"""What is left of the score of a sentence that sends its reader to another page."""

_POINTS_ELSEWHERE = re.compile(
    r"\W*(?:please )?(?:see|consult|refer to|read more|siehe|voir|vea|véase|vedi|zie|veja)\b"
    r"|.*\b(?:for (?:more|further) (?:details|information)|see (?:section|chapter))\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question as it is compared: its dense vector (``float32[d]``), its words' weights.

    ``weights``: weight by stem, summing to 1; empty where the question has no content words.
    """

    vector: np.ndarray[tuple[int], np.dtype[np.float32]] | None
    weights: Mapping[str, float]

    def share(self, stems: Stems) -> float:
        """The weight of the question's words that are among ``stems``, 0 to 1."""
        return sum(weight for stem, weight in self.weights.items() if stem in stems)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of a hit that may be quoted. ``rank`` is the hit's, from 0; ``index`` the piece's.

    ``score`` compares pieces with one another, ``lead`` says which one an answer opens with.
    """

    rank: int
    index: int
    piece: Piece
    words: float
    meaning: float = 0.0
    score: float = 0.0
    lead: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A hit cut into pieces.

    ``stems`` has the words of its text, title and headings, ``context`` of the latter two alone.
    ``opens``: no other hit is from an earlier place under the same heading.
    """

    hit: Hit
    pieces: tuple[Piece, ...]
    stems: Stems
    context: Stems
    opens: bool


def ask(encoder: Encoder, query: str, encoding: Encoding, question: str) -> Asked:
    """Weigh the words of a question as ``encoding`` does: with the collection's IDF in it.

    ``query``: what was searched for; words of it that are not in ``question`` were taken over from
    the question before, and count half: what is new is what the reader wants to know now.
    ``encoding``: the query's, as it met the index. Where it has no sparse side, all words weigh
    the same.
    """
    stems = stems_of(query)
    if encoding.sparse is None or not len(encoding.sparse):
        weights = dict.fromkeys(stems - FUNCTION_WORDS, 1.0)
    else:
        terms = [int(term) for term in encoding.sparse.indices]
        named = encoder.words(terms, query)
        weights = {}
        for term, value in zip(terms, encoding.sparse.values, strict=True):
            for stem in stems_of(named.get(term, "")) & stems:
                weights[stem] = max(weights.get(stem, 0.0), float(value))
    asked = stems_of(question)
    for stem in weights.keys() - asked:
        weights[stem] *= _CARRIED
    total = sum(weights.values())
    return Asked(encoding.dense, {stem: weight / total for stem, weight in weights.items()})


@lru_cache(maxsize=1 << 14)
def stems_of(text: str) -> Stems:
    """The stems of a text's words. Those of the last texts are remembered: the visitors of a
    website are answered from the same passages, and cutting them was most of an answer's work.
    """
    return frozenset(word.stem for word in words(text))


def open_passages(hits: Sequence[Hit]) -> list[Passage]:
    """Cut the passages of a search into pieces."""
    first: dict[tuple[UUID, tuple[str, ...]], int] = {}
    for hit in hits:
        section = (hit.document_id, hit.heading)
        first[section] = min(hit.span[0], first.get(section, hit.span[0]))
    found = []
    for hit in hits:
        context = stems_of(" ".join((hit.title, *hit.heading)))
        stems = stems_of(hit.text) | context
        opens = hit.span[0] == first[hit.document_id, hit.heading]
        found.append(Passage(hit, pieces(hit.text, hit.language), stems, context, opens))
    return found


def shortlist(asked: Asked, passages: Sequence[Passage], limit: int) -> list[Candidate]:
    """The ``limit`` pieces that are worth encoding, by their words and their passage's rank."""
    found = [
        Candidate(rank, index, piece, _word_share(asked, passage, piece))
        for rank, passage in enumerate(passages)
        for index, piece in enumerate(passage.pieces)
        if piece.kind in _QUOTABLE
    ]
    found.sort(key=lambda one: (-(one.words + 0.5 * _prior(one.rank)), one.rank, one.index))
    return found[:limit]


def score(
    memory: DenseMemory,
    asked: Asked,
    candidates: Sequence[Candidate],
    passages: Sequence[Passage],
) -> list[Candidate]:
    """The candidates with their scores, the one to open with first.

    One call of the encoder at most.
    """
    texts = [one.piece.text[:_ENCODED_CHARACTERS] for one in candidates]
    if asked.vector is None:
        meanings = [one.words for one in candidates]
    else:
        meanings = [float(asked.vector @ one) for one in memory.vectors(texts)]
    found = [
        rate(asked, one, meaning, passages)
        for one, meaning in zip(candidates, meanings, strict=True)
    ]
    return sorted(found, key=lambda one: (-one.lead, one.rank, one.index))


def rate(asked: Asked, one: Candidate, meaning: float, passages: Sequence[Passage]) -> Candidate:
    """The candidate with its ``score`` and ``lead``.

    A sentence can look like the question on a page that is about something else: what an answer
    opens with depends on its passage as well, on its place in the search and on the share of the
    question's words that it has. The weights were chosen on headings of documentation and on
    questions about health: 299 of 346 and 298 of 300 answers open with the right page, where
    ``score`` alone finds 291 and 298.
    """
    hit, whole = passages[one.rank].hit, _is_whole(one.piece)
    dense = hit.arms.get("dense")
    around = meaning if dense is None else dense.score
    place = _place(one.rank, passages)
    score = 0.7 * meaning + 0.3 * around + 0.4 * one.words + 0.15 * _prior(one.rank)
    lead = 0.7 * meaning + 0.6 * around + 0.3 * one.words
    lead += 1.2 * place + 0.4 * asked.share(passages[one.rank].stems)
    opening = _opening(asked, one, passages[one.rank])
    score, lead = score + opening, lead + opening
    factor = 1.0 if whole else _WITHOUT_FULL_STOP
    if one.piece.kind is Kind.SENTENCE and _POINTS_ELSEWHERE.match(one.piece.text):
        factor *= _ELSEWHERE
    return replace(one, meaning=meaning, score=score * factor, lead=lead * factor)


def _word_share(asked: Asked, passage: Passage, piece: Piece) -> float:
    written = stems_of(piece.text)
    return asked.share(written) + _FROM_HEADING * asked.share(passage.context - written)


def _opening(asked: Asked, one: Candidate, passage: Passage) -> float:
    """What a piece gains as the beginning of a section whose heading is what was asked for."""
    block = passage.pieces[one.index].block - _first_block(passage.pieces)
    if not passage.opens or block > 1:
        return 0.0
    return _OPENING * asked.share(passage.context) / (1 + block)


def _first_block(found: Sequence[Piece]) -> int:
    return next((piece.block for piece in found if piece.kind in _QUOTABLE), 0)


def _prior(rank: int) -> float:
    return 1 / (1 + rank)


def _place(rank: int, passages: Sequence[Passage]) -> float:
    """The score of a passage as a share of the first one's, 0 to 1; a pinned one counts as much as
    those after it. Where scores do not start above 0, as a reranker's may, its rank says as much.
    """
    best, own = (max(one.hit.score for one in passages[at:]) for at in (0, rank))
    return max(own / best, 0.0) if best > 0 else _prior(rank)


def _is_whole(piece: Piece) -> bool:
    """Whether it reads as a statement: not a label, and not the text of a link in a menu."""
    if piece.kind is Kind.ITEM:
        return len(piece.text) >= _LABEL
    return piece.kind is not Kind.SENTENCE or piece.text.rstrip("\"'”’»)*_` ").endswith(
        (".", "!", ":", "…", "。", "！", "：", "।", "۔", "॥")
    )
