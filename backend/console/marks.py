"""A passage with the words marked that made it match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from backend.console.prose import Insert, prose
from knowledge.types import Span

_END = Markup("</mark>")
_OPENS = {
    "written": Markup('<mark class="written" title="written here">'),
    "added": Markup('<mark class="added" title="made the model add a word">'),
}


def marked(text: str, written: Sequence[Span], added: Sequence[Span] = ()) -> Markup:
    """``text`` (Markdown) with its written spans and, where they are not among these, its added
    ones marked. Spans outside the text, such as those in the title before it, mark nothing.
    """
    kinds = [""] * len(text)
    for spans, kind in ((added, "added"), (written, "written")):
        for start, end in spans:
            if 0 <= start < end <= len(text):
                kinds[start:end] = [kind] * (end - start)
    return prose(text, _inserts(kinds))


def _inserts(kinds: Sequence[str]) -> Iterable[Insert]:
    """A start and an end for each stretch of one kind."""
    before = ""
    for at, kind in enumerate([*kinds, ""]):
        if kind != before:
            if before:
                yield at, _END
            if kind:
                yield at, _OPENS[kind]
        before = kind
