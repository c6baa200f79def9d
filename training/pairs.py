"""Turn training text into (query, passage) pairs, most of them with few words in common."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.encode.words import words
from training.corpus import (
    Pair,
    Section,
    read_answers,
    read_dictionary,
    read_sections,
    read_summaries,
)

DICTIONARY = ("wordnet", "synonyms")
"""Sources of pairs that are no questions."""

HELD_OUT_SOURCES = ("fastapi", "jitsi", "vagov", "opencollective")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pairs of each kind to take."""

    sections_per_source: int = 7000
    sentences: int = 12000
    glosses: int = 40000
    synonyms: int = 25000
    held_out: int = 1000


def build_pairs(folder: Path, limits: Limits, seed: int = 7) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, shuffled, and pairs held out for decisions, from ``folder``."""
    chance = random.Random(seed)
    sections = _capped(read_sections(folder), limits.sections_per_source, chance)
    kept = [s for s in sections if s.source not in HELD_OUT_SOURCES]
    away = [s for s in sections if s.source in HELD_OUT_SOURCES]
    train = [*heading_pairs(kept), *sentence_pairs(kept, limits.sentences, chance)]
    held = list(heading_pairs(away))
    glosses, synonyms = dictionary_pairs(folder / "english-wordnet", chance)
    for kind, most in ((glosses, limits.glosses), (synonyms, limits.synonyms)):
        held += kind[: limits.held_out]
        train += kind[limits.held_out : limits.held_out + most]
    for others in (list(read_answers(folder)), list(read_summaries(folder / "scitldr"))):
        passages = sorted({pair.passage for pair in others})
        apart = set(chance.sample(passages, min(limits.held_out, len(passages) // 4)))
        held += [pair for pair in others if pair.passage in apart]
        train += [pair for pair in others if pair.passage not in apart]
    chance.shuffle(train)
    return train, held


def heading_pairs(sections: Iterable[Section]) -> Iterator[Pair]:
    """The title and nearest heading of each section, with the section's text."""
    for section in sections:
        near = section.titles[:1] + section.titles[-1:]
        query = " ".join(dict.fromkeys(near))
        if words(query):
            yield Pair(section.source, query, section.text)


def sentence_pairs(sections: list[Section], most: int, chance: random.Random) -> Iterator[Pair]:
    """One sentence of a section, with the section's other sentences."""
    for section in chance.sample(sections, min(most, len(sections))):
        sentences = [s for s in _SENTENCE.split(section.text) if len(s.split()) >= 5]
        if len(sentences) >= 4 and "|" not in section.text:
            query = sentences.pop(chance.randrange(len(sentences)))
            yield Pair(section.source, " ".join(query.split()[:30]), " ".join(sentences))


def dictionary_pairs(folder: Path, chance: random.Random) -> tuple[list[Pair], list[Pair]]:
    """Words with their definitions; and words with a synonym and its definition."""
    glosses, synonyms = [], []
    for members, definition, examples in read_dictionary(folder):
        members = [m for m in members if words(m)]
        if not members:
            continue
        first = chance.choice(members)
        text = "; ".join([definition, *examples[:2]])
        glosses.append(Pair("wordnet", first, text))
        others = [m for m in members if not _shares_word(m, first)]
        if others:
            synonyms.append(Pair("synonyms", first, f"{chance.choice(others)}: {definition}"))
    chance.shuffle(glosses)
    chance.shuffle(synonyms)
    return glosses, synonyms


def without(text: str, query: str, share: float, chance: random.Random) -> str:
    """``text`` without the words of ``query``, and without a random ``share`` of its other words.

    What is left has to call for the missing words by meaning: this is what makes the head expand.
    """
    found = words(text)
    stems = sorted({word.stem for word in found})
    gone = {word.stem for word in words(query)}
    gone |= {stem for stem in stems if chance.random() < share}
    parts, at = list[str](), 0
    for word in found:
        if word.stem in gone and word.start >= at:
            parts.append(text[at : word.start])
            at = word.end
    return "".join([*parts, text[at:]])


def _shares_word(left: str, right: str) -> bool:
    return bool({w.stem for w in words(left)} & {w.stem for w in words(right)})


def _capped(sections: Iterable[Section], most: int, chance: random.Random) -> list[Section]:
    groups = defaultdict[str, list[Section]](list)
    for section in sections:
        groups[section.source].append(section)
    return [s for g in groups.values() for s in chance.sample(g, min(most, len(g)))]
