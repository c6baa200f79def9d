"""Training examples as arrays: each text goes through the frozen trunk once, not once per step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack  # type: ignore[import-untyped]

from knowledge.encode.idf import idf
from knowledge.encode.literal import Saturation, count_terms
from knowledge.encode.terms import TermTable
from training.corpus import Pair
from training.pairs import without
from training.trunk import Halves, Pooled, Trunk

_POOLED = ("whole", "windows", "starts", "dense")
BUCKETS = 1 << 16
"""Columns for words outside the table, which share them by hash during training."""

PASSAGE_TOKENS, QUERY_TOKENS = 128, 64
"""How much of a text training reads, special tokens included."""

DROPPED_SHARE = 0.15
"""Share of a dropped passage's other words that are taken out too."""

TYPICAL_COLLECTION = 4000
"""Chunks of the imagined collection whose IDF weighs query terms during training."""


@dataclass(slots=True)
class Examples:
    """Pairs as arrays, in order.

    ``passages`` and ``dropped``: pooled states of the passages, whole and without the query's
    words. ``queries``: ``float16[n, d]``. ``literal``: per kind ("passage", "dropped", "query")
    the written terms' weights, ``[n, terms + BUCKETS]``. ``missing``: for each pair the terms that
    were taken out. ``same``: equal numbers for equal passages. ``sources``: names of collections.
    """

    passages: Pooled
    dropped: Pooled
    queries: Halves
    literal: dict[str, Any]
    missing: list[NDArray[np.int64]]
    same: NDArray[np.int64]
    sources: list[str]

    def __len__(self) -> int:
        return len(self.queries)

    def idf(self, terms: int) -> NDArray[np.float32]:
        """IDF of each table term, then of the buckets, in a collection of typical size."""
        share = np.bincount(self.literal["passage"].indices, minlength=terms)[:terms] / len(self)
        known = idf(share * TYPICAL_COLLECTION, TYPICAL_COLLECTION)
        rare = idf(np.zeros(BUCKETS), TYPICAL_COLLECTION)
        return np.concatenate([known, rare])


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of pairs, in order: passages, passages without the query's words, queries."""

    passages: Sequence[str]
    dropped: Sequence[str]
    queries: Sequence[str]


def shown_texts(
    pairs: Sequence[Pair], *, dropped_share: float = DROPPED_SHARE, seed: int = 0
) -> Texts:
    """What training shows of ``pairs``: the same texts for the same ``seed``."""
    chance = random.Random(seed)
    dropped = [without(p.passage, p.query, dropped_share, chance) for p in pairs]
    return Texts([p.passage for p in pairs], dropped, [p.query for p in pairs])


def prepare(
    pairs: Sequence[Pair],
    trunk: Trunk,
    table: TermTable,
    saturation: Saturation,
    *,
    dropped_share: float = DROPPED_SHARE,
    max_tokens: int = PASSAGE_TOKENS,
    seed: int = 0,
    dropped_states: bool = True,
) -> Examples:
    """Run every query, passage and dropped passage of ``pairs`` through the trunk.

    ``dropped_states``: false leaves the dropped ones out, for a branch that makes its own of them.
    """
    texts = shown_texts(pairs, dropped_share=dropped_share, seed=seed)
    counts = {
        "passage": [count_terms(text[: max_tokens * 12], table) for text in texts.passages],
        "dropped": [count_terms(text[: max_tokens * 12], table) for text in texts.dropped],
        "query": [count_terms(text, table) for text in texts.queries],
    }
    numbers: dict[str, int] = {}
    return Examples(
        trunk.pool(texts.passages, max_tokens),
        trunk.pool(texts.dropped if dropped_states else [], max_tokens),
        trunk.pool(texts.queries, QUERY_TOKENS).dense,
        {
            kind: _matrix(rows, len(table), None if kind == "query" else saturation)
            for kind, rows in counts.items()
        },
        _all_gone(counts, len(table)),
        np.array([numbers.setdefault(text, len(numbers)) for text in texts.passages]),
        [pair.source for pair in pairs],
    )


def _all_gone(counts: dict[str, list[Counter[int]]], terms: int) -> list[NDArray[np.int64]]:
    rows = zip(counts["passage"], counts["dropped"], counts["query"], strict=True)
    return [_gone(passage, dropped, query, terms) for passage, dropped, query in rows]


def _gone(passage: Counter[int], dropped: Counter[int], query: Counter[int], terms: int) -> Any:
    gone = (set(passage) | set(query)) - set(dropped)
    return np.array(sorted(term for term in gone if term < terms), np.int64)


def _matrix(rows: Sequence[Counter[int]], terms: int, saturation: Saturation | None) -> Any:
    columns, values, ends = list[int](), list[float](), [0]
    for row in rows:
        counts = np.fromiter(row.values(), np.float32, len(row))
        weights = counts if saturation is None else saturation.weights(counts, float(counts.sum()))
        columns += [term if term < terms else terms + term % BUCKETS for term in row]
        values += weights.tolist()
        ends.append(len(columns))
    return csr_matrix(
        (np.array(values, np.float32), columns, ends), shape=(len(rows), terms + BUCKETS)
    )


def save_examples(examples: Examples, path: Path) -> None:
    """Write examples as one ``.npz`` file."""
    arrays: dict[str, Any] = {"queries": examples.queries, "same": examples.same}
    for name, pooled in (("passages", examples.passages), ("dropped", examples.dropped)):
        arrays |= {
            f"{name}.whole": pooled.whole,
            f"{name}.windows": pooled.windows,
            f"{name}.starts": pooled.starts,
            f"{name}.dense": pooled.dense,
        }
    for kind, matrix in examples.literal.items():
        arrays |= {
            f"{kind}.data": matrix.data,
            f"{kind}.indices": matrix.indices,
            f"{kind}.indptr": matrix.indptr,
            f"{kind}.shape": np.array(matrix.shape),
        }
    arrays["missing"] = np.concatenate([np.zeros(0, np.int64), *examples.missing])
    arrays["missing.counts"] = np.array([len(m) for m in examples.missing])
    np.savez(path, sources=np.array(examples.sources), **arrays)


def load_examples(path: Path) -> Examples:
    """Read what :func:`save_examples` wrote."""
    with np.load(path) as found:
        whole, cut = (
            Pooled(*(found[f"{name}.{part}"] for part in _POOLED))
            for name in ("passages", "dropped")
        )
        literal = {
            kind: csr_matrix(
                tuple(found[f"{kind}.{part}"] for part in ("data", "indices", "indptr")),
                shape=tuple(found[f"{kind}.shape"]),
            )
            for kind in ("passage", "dropped", "query")
        }
        edges = np.cumsum(found["missing.counts"])[:-1]
        missing = np.split(found["missing"], edges)
        sources = found["sources"].tolist()
        return Examples(whole, cut, found["queries"], literal, missing, found["same"], sources)


def join_examples(parts: Sequence[Examples]) -> Examples:
    """One set of examples of several, in order."""
    offsets = np.cumsum([0, *(int(part.same.max()) + 1 for part in parts)])
    return Examples(
        _join_pooled([part.passages for part in parts]),
        _join_pooled([part.dropped for part in parts]),
        np.concatenate([part.queries for part in parts]),
        {k: vstack([p.literal[k] for p in parts]).tocsr() for k in parts[0].literal},
        [missing for part in parts for missing in part.missing],
        np.concatenate([p.same + o for p, o in zip(parts, offsets, strict=False)]),
        [source for part in parts for source in part.sources],
    )


def _join_pooled(parts: Sequence[Pooled]) -> Pooled:
    offsets = np.cumsum([0, *(len(part.windows) for part in parts)])
    starts = [p.starts[:-1] + o for p, o in zip(parts, offsets, strict=False)]
    return Pooled(
        np.concatenate([part.whole for part in parts]),
        np.concatenate([part.windows for part in parts]),
        np.concatenate([*starts, offsets[-1:]]),
        np.concatenate([part.dense for part in parts]),
    )
