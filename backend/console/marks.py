"""A passage with the words marked that made it match."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from backend.console.parts import join
from knowledge.types import Span


def marked(text: str, written: Sequence[Span], added: Sequence[Span] = ()) -> Markup:
    """``text`` with its written spans and, where they are not among these, its added ones marked.

    Spans outside the text, such as those in the title before a passage, mark nothing.
    """
    kinds = [""] * len(text)
    for spans, kind in ((added, "added"), (written, "written")):
        for start, end in spans:
            if 0 <= start < end <= len(text):
                kinds[start:end] = [kind] * (end - start)
    return join(_run(text[start:end], kinds[start]) for start, end in _runs(kinds))


def _run(text: str, kind: str) -> Markup:
    if not kind:
        return Markup("{}").format(text)
    title = "written here" if kind == "written" else "made the model add a word"
    return Markup('<mark class="{}" title="{}">{}</mark>').format(kind, title, text)


def _runs(kinds: Sequence[str]) -> list[Span]:
    """The longest stretches of one kind."""
    edges = [at for at in range(1, len(kinds)) if kinds[at] != kinds[at - 1]]
    if not kinds:
        return []
    return list(zip([0, *edges], [*edges, len(kinds)], strict=True))
