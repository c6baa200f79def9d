"""Build the term table: which words share a term, and which terms the model can add.

Words of one stem share a term unless the dense teacher finds them apart (university, universe).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from knowledge.encode.terms import TermTable
from knowledge.encode.words import FUNCTION_WORDS, STOP_WORDS, Word, stem, words
from training.corpus import Pair
from training.trunk import Floats, unit

APART = 0.4
"""Cosine of two words' dense vectors below which a shared stem is taken for a coincidence."""

LIGHT = 0.25
"""Weight of a function word in a query."""

_CANDIDATE = re.compile(r"[a-z]{3,20}")
_ENDINGS = ("ing", "ies", "es", "ed", "s", "d", "e", "y")


def candidates(pairs: Sequence[Pair], vocabulary: Sequence[str], least: int = 4) -> Counter[str]:
    """Words that may be terms, with the number of passages they stand in.

    Every whole word of the tokenizer's ``vocabulary``, and every word of the ``pairs`` found in
    ``least`` passages of two sources, or in 15 of one.
    """
    counts, sources = Counter[str](), defaultdict[str, set[str]](set)
    for pair in pairs:
        text = f"{pair.query} {pair.passage}"
        for form in {w.form for w in words(text) if _plain(text[w.start + 1 : w.end])}:
            counts[form] += 1
            sources[form].add(pair.source)
    kept = Counter({w: counts[w] + 1 for w in vocabulary if re.fullmatch(r"[a-z]{2,}", w)})
    for word, count in counts.items():
        if _CANDIDATE.fullmatch(word) and count >= (least if len(sources[word]) > 1 else 15):
            kept[word] = count + 1
    return Counter({word: count for word, count in kept.items() if word not in STOP_WORDS})


def build_table(counts: Counter[str], vectors: dict[str, Floats]) -> tuple[TermTable, Floats]:
    """The table, and one unit vector per term: its members' mean, weighted by their counts.

    ``vectors``: ``float32[d]`` of each word, encoded alone.
    """
    by_stem = defaultdict[str, list[str]](list)
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], len(item[0]), item[0])):
        by_stem[stem(word)].append(word)
    rows, centres = [], []
    for shared, members in by_stem.items():
        for number, group in enumerate(_split(members, vectors)):
            exact = group if number else []
            rows.append((group[0], "" if number else shared, exact))
            weights = np.array([counts[word] for word in group], np.float32)
            centres.append(weights @ np.stack([vectors[word] for word in group]))
    return TermTable(rows), unit(np.stack(centres))


def query_weights(table: TermTable) -> Floats:
    """What each term weighs when a query writes it: 1, and less for function words."""
    weights = np.ones(len(table), np.float32)
    light = [table.id(Word(stem(word), word, 0, 0)) for word in FUNCTION_WORDS]
    weights[[term for term in light if term < len(table)]] = LIGHT
    return weights


def _split(members: list[str], vectors: dict[str, Floats]) -> list[list[str]]:
    groups: list[list[str]] = []
    for word in members:
        for group in groups:
            close = float(vectors[word] @ vectors[group[0]]) >= APART
            if close or any(_root(word) == _root(other) for other in group):
                group.append(word)
                break
        else:
            groups.append([word])
    return groups


def _plain(tail: str) -> bool:
    """Whether what follows a word's first letter is letters of one case: no name in a program."""
    return tail.isalpha() and (tail.islower() or tail.isupper())


def _root(word: str) -> str:
    """The word without a regular ending: inflections of one word are never split."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            bare = word.removesuffix(ending)
            return bare[:-1] if bare[-1] == bare[-2] else bare
    return word
