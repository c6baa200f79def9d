"""The text that a passage is encoded with: where it stands, a repeated header, its own text."""

from __future__ import annotations

from collections.abc import Sequence

_PREFIX_CHARACTERS = 200
_PART_CHARACTERS = 90


def passage_prefix(title: str, heading: Sequence[str], repeated: str) -> str:
    """What is encoded before a passage's own text.

    An offset in the encoded text is one in the passage's text after subtracting the length of
    this.
    """
    parts = [part[:_PART_CHARACTERS] for part in dict.fromkeys((title, *heading)) if part]
    # The outermost and the innermost say most; what is between them goes first.
    while len(parts) > 2 and sum(map(len, parts)) > _PREFIX_CHARACTERS:
        del parts[1]
    place = " > ".join(parts)
    return (place + "\n\n" if place else "") + (repeated + "\n" if repeated else "")
