"""Quoted pieces joined to an answer that reads well, with a citation for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.chat.events import Citation
from backend.chat.evidence import Passage
from backend.chat.passage import Kind, Piece
from knowledge.types import Span

_TABLE = (Kind.HEADER, Kind.ROW)


@dataclass(frozen=True, slots=True)
class Part:
    """The next piece of an answer's text, with the citations that are complete with it."""

    text: str
    citations: tuple[Citation, ...]


def compose(chosen: Mapping[int, Sequence[int]], passages: Sequence[Passage]) -> Iterator[Part]:
    """The answer part by part: passages in the order given, pieces in the order of the text."""
    length = 0
    for number, (rank, indexes) in enumerate(chosen.items(), start=1):
        passage = passages[rank]
        previous: Piece | None = None
        for run in _runs(passage.pieces, indexes):
            gap = _gap(previous, run[0]) if length else ""
            text, inner = _show(run)
            start = length + len(gap)
            citation = Citation(
                id=number,
                sentence=(start + inner[0], start + inner[1]),
                chunk_id=passage.hit.chunk_id,
                span=(run[0].span[0], run[-1].span[1]),
                address=passage.hit.address,
                title=passage.hit.title,
            )
            yield Part(gap + text, (citation,))
            length = start + len(text)
            previous = run[-1]


def _runs(pieces: Sequence[Piece], indexes: Sequence[int]) -> Iterator[list[Piece]]:
    """Pieces that are cited by one citation: rows of a table that follow each other, else one."""
    run: list[Piece] = []
    last = -2
    for index in indexes:
        piece = pieces[index]
        joins = run and index == last + 1 and piece.kind in _TABLE and run[-1].block == piece.block
        if run and not joins:
            yield run
            run = []
        run.append(piece)
        last = index
    if run:
        yield run


def _show(run: Sequence[Piece]) -> tuple[str, Span]:
    """A run as text, and the span in it that is quoted: a list item without its mark."""
    piece = run[0]
    if piece.kind is Kind.ITEM:
        mark = f"{piece.mark} " if piece.mark.strip() else piece.mark
        text = mark + piece.text
        return text, (len(mark), len(text))
    text = "\n".join(one.text for one in run)
    return text, (0, len(text))


def _gap(before: Piece | None, after: Piece) -> str:
    """What stands before a piece: after another of its passage, or as the first of it."""
    if before is None:
        return "\n\n"
    same = before.block == after.block
    if same and before.kind is Kind.SENTENCE and after.kind is Kind.SENTENCE:
        return " "
    return "\n" if same else "\n\n"
