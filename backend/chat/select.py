"""Which pieces an extractive answer quotes: the best ones, and what they cannot stand without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend.chat.evidence import Candidate, Passage, Stems, stems_of
from backend.chat.passage import Kind, Piece
from backend.chat.settings import ChatSettings

_GOOD_ENOUGH = 0.8
_ELSEWHERE = 0.9
"""A further piece must reach this share of the best piece's score; of another passage, more."""

_SAME = 0.8
"""Two pieces that share this much of their words (Jaccard) say the same."""

_WHOLE_PARAGRAPH = 450
_WHOLE_LIST = 700
_WHOLE_STEPS = 1_500
_WHOLE_TABLE = 800
_FOLLOWING = 1_000
_SHORT_CODE = 240
"""Characters up to which a paragraph, a list, steps, a table, what a sentence introduces, or the
code block right after a sentence is quoted with it."""

_SHORT_ANSWER = 240
"""An answer shorter than this goes on with what follows its best piece."""

_POINTS_BACK = re.compile(
    r"(?:it|its|this|that|these|those|they|their|he|she|his|her|such|however|therefore|thus|also|"
    r"otherwise|instead|in this case|in addition|furthermore|moreover|then|but|and|so)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Selection:
    """Chosen pieces: for each passage (by rank, in the order of choice) the indexes of pieces."""

    chosen: dict[int, set[int]] = field(default_factory=dict)
    characters: int = 0
    seeds: int = 0
    said: list[Stems] = field(default_factory=list)


def select(
    scored: Sequence[Candidate], passages: Sequence[Passage], settings: ChatSettings
) -> dict[int, list[int]]:
    """The pieces to quote: indexes in the order of the text, by passage in the order of choice."""
    selection = Selection()
    best = scored[0]
    for candidate in scored:
        least = _GOOD_ENOUGH if candidate.rank == best.rank else _ELSEWHERE
        if candidate.score < least * best.score:
            continue
        _consider(selection, candidate, passages[candidate.rank], settings)
        if selection.seeds >= settings.sentences:
            break
    if selection.characters < _SHORT_ANSWER:
        _go_on(selection, passages[best.rank].pieces, best)
    return {
        rank: sorted(_without_gaps(passages[rank].pieces, indexes))
        for rank, indexes in selection.chosen.items()
    }


def _consider(
    selection: Selection, candidate: Candidate, passage: Passage, settings: ChatSettings
) -> None:
    """Choose the candidate with its company, if it is new, says something new, and fits."""
    known = selection.chosen.get(candidate.rank)
    if known is None and len(selection.chosen) >= settings.quoted_passages:
        return
    new = company(passage.pieces, candidate.index) - (known or set())
    stems = stems_of(candidate.piece.text)
    if candidate.index not in new or any(_same(stems, said) for said in selection.said):
        return
    cost = sum(len(passage.pieces[index].text) for index in new)
    if selection.seeds and selection.characters + cost > settings.answer_characters:
        return
    selection.chosen.setdefault(candidate.rank, set()).update(new)
    selection.characters += cost
    selection.seeds += 1
    selection.said.extend(stems_of(passage.pieces[index].text) for index in new)


def _go_on(selection: Selection, pieces: Sequence[Piece], best: Candidate) -> None:
    """Add what follows the best piece in its passage, until the answer is no longer short.

    The sentence that resembles a question most is often the one that opens the answer to it.
    """
    chosen = selection.chosen[best.rank]
    following = max(_connected(chosen, best.index)) + 1
    while following < len(pieces) and selection.characters < _SHORT_ANSWER:
        new = company(pieces, following) - chosen
        if pieces[following].kind in (Kind.HEADING, Kind.QUESTION, Kind.ROW, Kind.HEADER):
            return
        if not can_stand(pieces, following):
            return
        chosen |= new
        selection.characters += sum(len(pieces[index].text) for index in new)
        following = max(new, default=following) + 1


def _connected(chosen: set[int], index: int) -> set[int]:
    """The unbroken run of chosen pieces around one of them."""
    run = {index}
    while max(run) + 1 in chosen:
        run.add(max(run) + 1)
    return run


def can_stand(pieces: Sequence[Piece], index: int) -> bool:
    """Whether a piece can be quoted: not a mere label, nor what announces more than is there."""
    piece = pieces[index]
    return not piece.labels and (not piece.introduces or index + 1 < len(pieces))


def company(pieces: Sequence[Piece], index: int) -> set[int]:
    """The piece with those that it cannot stand without."""
    piece = pieces[index]
    found = {index}
    if piece.kind in (Kind.ITEM, Kind.ROW, Kind.HEADER):
        found |= _of_block(pieces, index)
    if piece.kind is Kind.SENTENCE:
        found |= _paragraph(pieces, index)
    if piece.kind is Kind.CODE and index:
        found.add(index - 1)
    first = min(found)
    if first and pieces[first - 1].introduces:
        found.add(first - 1)
    last = max(found)
    if _shows(pieces, last):
        found.add(last + 1)
    while pieces[last].introduces and last + 1 < len(pieces):
        found |= _introduced(pieces, last)
        last = max(found)
    first = min(found)
    if first and _needs_before(pieces[first - 1], pieces[first]):
        found.add(first - 1)
    return {one for one in found if pieces[one].kind is not Kind.HEADING}


def _paragraph(pieces: Sequence[Piece], index: int) -> set[int]:
    """The sentences of a short paragraph: they were written to be read together."""
    block = {i for i, other in enumerate(pieces) if other.block == pieces[index].block}
    length = sum(len(pieces[i].text) for i in block)
    if length > _WHOLE_PARAGRAPH:
        return set()
    return {i for i in block if pieces[i].kind is Kind.SENTENCE}


def _of_block(pieces: Sequence[Piece], index: int) -> set[int]:
    """The whole list or table, or where that is long the one item or row with what it needs."""
    block = {i for i, other in enumerate(pieces) if other.block == pieces[index].block}
    length = sum(len(pieces[i].text) for i in block)
    if pieces[index].kind is not Kind.ITEM:
        header = {i for i in block if pieces[i].kind is Kind.HEADER}
        return block if length <= _WHOLE_TABLE else header | {index}
    ordered = any(pieces[i].mark.strip(" -") for i in block)
    if length <= (_WHOLE_STEPS if ordered else _WHOLE_LIST):
        return block
    return {index, *_continued(pieces, index)}


def _continued(pieces: Sequence[Piece], index: int) -> Iterator[int]:
    """The further paragraphs and code blocks of the same list item."""
    for following in range(index + 1, len(pieces)):
        other = pieces[following]
        same = other.block == pieces[index].block
        if not same or (other.kind is Kind.ITEM and other.mark.strip()):
            return
        yield following


def _introduced(pieces: Sequence[Piece], index: int) -> set[int]:
    """The block after a sentence that ends in a colon, or as much of it as is reasonable."""
    found: set[int] = set()
    length = 0
    for following in range(index + 1, len(pieces)):
        if pieces[following].block != pieces[index + 1].block:
            break
        length += len(pieces[following].text)
        if found and length > _FOLLOWING:
            break
        found.add(following)
    return found


def _shows(pieces: Sequence[Piece], index: int) -> bool:
    """Whether a short code block right after this sentence shows what it says."""
    if index + 1 >= len(pieces) or pieces[index].kind is not Kind.SENTENCE:
        return False
    following = pieces[index + 1]
    return following.kind is Kind.CODE and len(following.text) <= _SHORT_CODE


def _needs_before(before: Piece, piece: Piece) -> bool:
    """Whether a sentence points back at the one before it in its paragraph."""
    return (
        piece.kind is Kind.SENTENCE
        and before.kind is Kind.SENTENCE
        and before.block == piece.block
        and bool(_POINTS_BACK.match(piece.text))
    )


def _without_gaps(pieces: Sequence[Piece], indexes: set[int]) -> set[int]:
    """Also the one sentence that stands alone between two chosen ones of a paragraph."""
    between = {
        index + 1
        for index in indexes
        if index + 2 in indexes
        and index + 1 not in indexes
        and pieces[index + 1].kind is Kind.SENTENCE
        and pieces[index].block == pieces[index + 1].block == pieces[index + 2].block
    }
    return indexes | between


def _same(one: Stems, other: Stems) -> bool:
    return bool(one) and len(one & other) >= _SAME * len(one | other)
