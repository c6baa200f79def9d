"""The text that a passage is encoded with: where it stands, a repeated header, its own text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

PassageContext = Literal["title+headings", "title", "none"]
"""Which titles above a passage are encoded with it; the whole of an index is filled with one."""

_PREFIX_CHARACTERS = 200
_PART_CHARACTERS = 90


def passage_prefix(
    title: str,
    heading: Sequence[str],
    repeated: str,
    context: PassageContext = "title+headings",
) -> str:
    """What is encoded before a passage's own text: as much of where it stands as ``context`` says.

    An offset in the encoded text is one in the passage's text after subtracting the length of
    this.
    """
    place = {"title+headings": (title, *heading), "title": (title,), "none": ()}[context]
    parts = [part[:_PART_CHARACTERS] for part in dict.fromkeys(place) if part]
    # The outermost and the innermost say most; what is between them goes first.
    while len(parts) > 2 and sum(map(len, parts)) > _PREFIX_CHARACTERS:
        del parts[1]
    before = " > ".join(parts)
    return (before + "\n\n" if before else "") + (repeated + "\n" if repeated else "")
