"""Which documents say nearly the same: print versions, copies with another frame around them.

Two documents resemble each other by the share of word 4-grams ("shingles") that they have in
common (Jaccard coefficient). Candidates are found by MinHash signatures cut into bands (A. Broder,
"On the resemblance and containment of documents", 1997; the banding after Leskovec, Rajaraman and
Ullman, "Mining of Massive Datasets", chapter 3), and are then compared in full, so that chance
decides nothing. Of :data:`BANDS` bands with :data:`_ROWS` rows, documents with a resemblance of
0.9 share at least one with a probability of 99.8%, of 0.95 with 99.998%.

Resemblance alone would take away what a visitor asks for: two products whose pages differ in a
name and a price resemble each other. So a copy may differ neither in a number, nor in a title
that says something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Shingles = NDArray[np.uint64]

RESEMBLANCE = 0.9
"""The share of common shingles from which on two documents are copies."""

BANDS = 8
_ROWS = 6
_SHINGLE_WORDS = 4
_LEAST_WORDS = 40
_SHINGLES_AT_ONCE = 1 << 12

# Chinese and Japanese are written without spaces: each character counts as a word.
_WORD = re.compile(r"[぀-ヿ㐀-鿿]|[^\W_぀-ヿ㐀-鿿]+")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)")

_random = np.random.default_rng(20_261_121)
# Multiply-shift hashing (Dietzfelbinger et al., 1997): odd factors, modulo 2^64, upper half.
_FACTORS = _random.integers(0, 1 << 63, BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(
    1
)
_OFFSETS = _random.integers(0, 1 << 63, BANDS * _ROWS, dtype=np.uint64)
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Wording:
    """What a document says, as far as copies are concerned."""

    title: str
    text: str

    @cached_property
    def words(self) -> list[str]:
        """The words of the text in order; where its links lead is not among them."""
        return _WORD.findall(_LINK_TARGET.sub("]", self.text).casefold())

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The words that hold a digit."""
        return frozenset(word for word in self.words if any(sign.isdigit() for sign in word))

    @cached_property
    def title_words(self) -> frozenset[str]:
        """The words of the title."""
        return frozenset(_WORD.findall(self.title.casefold()))

    @cached_property
    def shingles(self) -> Shingles:
        """Hashes of the different shingles, ``uint64[n]`` ascending."""
        return np.unique(_shingles(self.words))

    def bands(self) -> list[int]:
        """``BANDS`` signed 64-bit numbers; documents that share one are worth comparing.

        A text too short for a resemblance to mean anything has one: of all its words.
        """
        if len(self.words) < _LEAST_WORDS:
            return [_number(" ".join(self.words).encode(), 0)] if self.words else []
        least = np.full(BANDS * _ROWS, np.iinfo(np.uint64).max, np.uint64)
        for start in range(0, self.shingles.size, _SHINGLES_AT_ONCE):
            part = self.shingles[start : start + _SHINGLES_AT_ONCE]
            hashed = (part * _FACTORS[:, None] + _OFFSETS[:, None]) >> np.uint64(32)
            least = np.minimum(least, hashed.min(axis=1))
        rows = least.reshape(BANDS, _ROWS)
        return [_number(row.tobytes(), band + 1) for band, row in enumerate(rows)]


def resemblance(one: Wording, other: Wording) -> float:
    """The share of the shingles of both that are common to them: 0 to 1."""
    common = np.intersect1d(one.shingles, other.shingles, assume_unique=True).size
    together = one.shingles.size + other.shingles.size - common
    return common / together if together else 1.0


def are_copies(one: Wording, other: Wording) -> bool:
    """Whether two documents say the same but for what a frame adds."""
    if one.numbers != other.numbers:
        return False
    if not (one.title_words <= other.title_words or other.title_words <= one.title_words):
        return False
    if min(len(one.words), len(other.words)) < _LEAST_WORDS:
        return one.words == other.words
    return resemblance(one, other) >= RESEMBLANCE


def preference(address: str) -> tuple[bool, bool, int, str]:
    """Sorts the addresses of copies, the one to keep first, whatever came first.

    A page before a file, an address without a query before one with it, a short one before a long
    one: print versions and copies lie under the longer address.
    """
    is_page = address.startswith(("http://", "https://"))
    return (not is_page, "?" in address, len(address), address)


def _shingles(words: Sequence[str]) -> Shingles:
    numbers: dict[str, int] = {}
    for word in words:
        if word not in numbers:
            numbers[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
    hashed = np.fromiter((numbers[word] for word in words), np.uint64, len(words))
    count = max(len(words) - _SHINGLE_WORDS + 1, min(len(words), 1))
    made = np.zeros(count, np.uint64)
    for place in range(min(_SHINGLE_WORDS, len(words))):
        made = made * _BASE + hashed[place : place + count]
    return made


def _number(data: bytes, band: int) -> int:
    digest = blake2b(data, digest_size=8, salt=band.to_bytes(8)).digest()
    return int.from_bytes(digest, signed=True)
