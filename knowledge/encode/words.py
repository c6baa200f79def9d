"""Cut a text into words and reduce each to its stem: the literal side of the sparse vector.

A word is a run of letters and digits. Names that are written with joints (``max_tokens``,
``XR-500``, ``v1.2.3``) or with capitals inside (``maxTokens``) count twice: once whole, so that
they match exactly, and once by their parts. Scripts written without spaces are cut into single
characters.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

RULES = 3
"""Raised whenever a text is cut otherwise than before: part of the bundled encoder's identity."""

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "s",
        "such",
        "t",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)
"""Words that carry no topic: never a literal term, on either side."""

_FUNCTION_WORDS = (
    "what which who whom whose when where why how do does did done doing can could should would "
    "may might must shall has have had having am been being were i you he she we me him her them "
    "my your his our its about from than too very just also any some more most all each other "
    "between during before after over under again many much whether while because so only own "
    "same both few here out up down off above below until through against"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that shape a question more than they name its topic: terms, but light ones in a query."""

_MARKS = "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff"
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W_{_UNSPACED}]|[{_MARKS}])+")
_JOINED = re.compile(r"[^\W_]+(?:[_.\-][^\W_]+)+|[^\W\d_](?:\+\+|#)(?!\w)")
_CODE_LIKE = re.compile(r"[\d_+#]")
_CAMEL = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]*[a-z]\d*[A-Z][A-Za-z0-9]*")
_CAMEL_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_CAMEL = 64
_SHORTEST_PART = 3

_stemmers = threading.local()


class Word(NamedTuple):
    """A word of a text: its stem, its folded form, and its half-open character span."""

    stem: str
    form: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """All words of ``text`` that can be terms, in order of their start."""
    found = [word for word in _plain(text) if word.stem not in STOP_WORDS]
    named = [*_joined(text), *_camel_parts(text)]
    return sorted(found + named, key=lambda word: word.start) if named else found


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of one word: lower case, accents removed, Snowball's English rules.

    Words with a digit are kept whole. Paper: M. Porter, "Snowball: a language for stemming
    algorithms" (2001).
    """
    plain = fold(word)
    if plain in STOP_WORDS or not plain.isalpha():
        return plain
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer.Stemmer("english")
    return str(_stemmers.english.stemWord(plain))


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Lower case without accents, as the encoder's tokenizer sees the word."""
    lowered = word.lower()
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFD", lowered)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn") or lowered


def _plain(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        yield Word(stem(match.group()), fold(match.group()), match.start(), match.end())


def _joined(text: str) -> Iterator[Word]:
    """Names with joints, whole: with or without hyphens and underscores the same (``XR500``)."""
    for match in _JOINED.finditer(text):
        if _CODE_LIKE.search(match.group()):
            form = fold(match.group()).replace("-", "").replace("_", "")
            yield Word(form, form, match.start(), match.end())


def _camel_parts(text: str) -> Iterator[Word]:
    """The parts of names in programs: ``maxTokens``, ``TokenStreamFactory``.

    A capital and one more (``JavaScript``, ``GitHub``) is mostly a product, whose parts mislead;
    what is longer than any name is data in letters.
    """
    for match in _CAMEL.finditer(text):
        parts = list(_CAMEL_PART.finditer(text, match.start(), match.end()))
        named = len(match.group()) <= _LONGEST_CAMEL
        if not named or not (match.group()[0].islower() or len(parts) > 2):
            continue
        for part in parts:
            word = Word(stem(part.group()), fold(part.group()), part.start(), part.end())
            if len(part.group()) >= _SHORTEST_PART and word.stem not in STOP_WORDS:
                yield word
