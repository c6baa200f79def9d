"""Terms as a person reads them: whole words, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from knowledge.types import Span

_WORD = re.compile(r"\w+(?:[-.']\w+)*")


@dataclass(frozen=True, slots=True)
class Word:
    """Terms that stand for one word: the word, and the terms' ids."""

    text: str
    terms: tuple[int, ...]


def join_pieces(
    terms: Iterable[int], written: Mapping[int, Sequence[Span]], text: str, names: Mapping[int, str]
) -> list[Word]:
    """Put the terms together that stand for one word of ``text``, or for pieces of it.

    ``written``: where terms stand in ``text``; such a word is shown as it is written there. A
    term that is not written in ``text`` stays alone and gets its name (``names``).
    """
    homes = {match.span(): match.group() for match in _WORD.finditer(text)}
    groups: dict[object, list[int]] = {}
    for term in terms:
        groups.setdefault(_home(written.get(term, ()), homes) or term, []).append(term)
    return [
        Word(homes[home] if isinstance(home, tuple) else name_of(members[0], names), tuple(members))
        for home, members in groups.items()
    ]


def name_of(term: int, names: Mapping[int, str]) -> str:
    """The word of a term, or its number where no word is known."""
    return names.get(term) or f"term {term}"


def spelling(term: int, written: Mapping[int, Sequence[Span]], text: str) -> str:
    """The word of ``text`` that the term stands in first; empty where it is not written there."""
    for start, end in written.get(term, ())[:1]:
        for match in _WORD.finditer(text):
            if match.start() <= start and end <= match.end():
                return match.group()
    return ""


def _home(spans: Sequence[Span], homes: Mapping[Span, str]) -> Span | None:
    """The word that the term's first place lies in."""
    if not spans:
        return None
    start, end = spans[0]
    return next((home for home in homes if home[0] <= start and end <= home[1]), None)
