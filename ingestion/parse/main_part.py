"""The main part of a page that does not say where it is: its element, found by its text.

Trafilatura tells a page's own text from menus and footers, but it rebuilds what it keeps, and then
text that stands beside an inline element of a ``div`` is lost, and so are the ids that a link can
end in. Here its result only points: the smallest element that holds all of that text is the
main part, whole and as it was written, but for blocks that Trafilatura left out and that look
like what it is meant to leave out.

A. Barbaresi, "Trafilatura: A Web Scraping Library and Command-Line Tool for Text Discovery and
Extraction", ACL 2021.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborNode

_LEAST_TEXT = 200
_LONGEST_HTML = 3_000_000
"""Characters of HTML up to which a page is looked at: a megabyte takes Trafilatura a second."""

_DEEPEST = 60
"""Levels of nesting that are looked into; each reads the text below it again."""

_FRAGMENTS = 40
_WORDS = 4
"""The text is known by this many runs of so many words, from all over it."""

_LINKED = 0.5
_SHORT = 200
"""A block around the fragments goes where at least half of it is links. Around the whole main part
it goes where it is shorter than this, too."""

_SPACE = re.compile(r"\s+")
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_SECTIONING = frozenset(
    {"article", "div", "section", "table", "tbody", "tr", "td", "center", "header", "footer"}
)
_BLOCKS = _SECTIONING | {"p", "ul", "ol", "dl", "aside", "nav", "address", "blockquote"}
"""Only such an element is taken out: an inline one is a part of somebody's sentence."""


def main_part(body: LexborNode, html: str) -> LexborNode | None:
    """The element of ``body`` with the page's own text; ``None`` where there is too little of it.

    What does not belong to it is taken out of the tree. ``html``: the page as it was received.
    """
    import trafilatura

    if len(html) > _LONGEST_HTML:
        return None
    found = trafilatura.extract(html, output_format="txt", include_tables=True, fast=True)
    if not found or len(found) < _LEAST_TEXT:
        return None
    node, known = body, _present(body, _fragments(found))
    if not known:
        return None
    for _ in range(_DEEPEST):
        inner = _holds_all(node, known)
        if inner is None:
            break
        node = inner
    _take_out_frames(node, known)
    _take_out_menus(node, known, _DEEPEST)
    return node


def take_out_leading_menus(root: LexborNode) -> None:
    """Take out blocks of links that a marked main part begins with, before its own first words."""
    node: LexborNode | None = root
    for _ in range(_DEEPEST):
        node = _first_of_its_own(node) if node is not None else None


def _first_of_its_own(node: LexborNode) -> LexborNode | None:
    """The first block in ``node`` that is no menu, to be looked into; the menus before it go."""
    for child in _children(node):
        text = child.text(strip=True)
        if text and not (child.tag in _BLOCKS and mostly_links(child)):
            return child if child.tag in _SECTIONING else None
        if text and len(node.text(strip=True)) - len(text) >= _LEAST_TEXT:
            child.decompose()
    return None


def mostly_links(node: LexborNode) -> bool:
    """Whether at least half of the text below ``node`` is that of links."""
    linked = sum(len(link.text(strip=True)) for link in node.css("a[href]"))
    return linked > 0 and linked >= _LINKED * len(node.text(strip=True))


def _fragments(text: str) -> list[str]:
    """Runs of words from all over ``text``, without the spaces between them."""
    runs = []
    for line in text.splitlines():
        words = line.split()
        runs += ["".join(words[at : at + _WORDS]) for at in range(0, len(words), _WORDS)]
    runs = [run for run in runs if len(run) > 2 * _WORDS]
    return runs[:: max(1, len(runs) // _FRAGMENTS)]


def _squeezed(node: LexborNode) -> str:
    return _SPACE.sub("", node.text())


def _present(node: LexborNode, fragments: Sequence[str]) -> list[str]:
    text = _squeezed(node)
    return [one for one in fragments if one in text]


def _holds_all(node: LexborNode, known: Sequence[str]) -> LexborNode | None:
    """The child with all of the fragments, where one has them."""
    for child in _children(node):
        if len(_present(child, known)) == len(known):
            # A paragraph is the main part's text, not the main part.
            return child if child.tag in _SECTIONING or child.css_first("p, div") else None
    return None


def _take_out_frames(node: LexborNode, known: Sequence[str]) -> None:
    """Take out what stands around the fragments, if it is short, has links and no heading."""
    for child in _around(node, known):
        short = len(child.text(strip=True)) < _SHORT
        if short and child.css_first("a[href]") and not child.css_first(_HEADINGS):
            child.decompose()


def _take_out_menus(node: LexborNode, known: Sequence[str], levels: int) -> None:
    """Take out what stands around the fragments, if most of it is links and it is no table of data.

    The same inside each block that has fragments.
    """
    for child in _around(node, known):
        if mostly_links(child) and child.css_first("th") is None:
            child.decompose()
    for child in _children(node):
        if levels and child.tag in _SECTIONING and _present(child, known):
            _take_out_menus(child, known, levels - 1)


def _around(node: LexborNode, known: Sequence[str]) -> list[LexborNode]:
    """The blocks in ``node`` before the first that has a fragment, and after the last."""
    children = _children(node)
    has = [bool(_present(child, known)) for child in children]
    if not any(has):
        return []
    first, last = has.index(True), len(has) - 1 - has[::-1].index(True)
    return [child for child in children[:first] + children[last + 1 :] if child.tag in _BLOCKS]


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=False))
