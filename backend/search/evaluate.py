"""How well search serves a judged retrieval set, beside BM25 measured in the same run.

The passages go through the embedded index and the same :class:`Searcher` that answers users, in a
temporary folder; nothing of the data folder is touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.search.request import SearchRequest, SearchSettings
from backend.search.rerank import Reranker
from backend.search.search import Searcher
from knowledge.encode.encoder import Encoder
from knowledge.errors import InvalidInput
from knowledge.evaluation.beir import RetrievalSet, find_sets, read_set
from knowledge.evaluation.collection import Collection, temporary_collection
from knowledge.evaluation.metrics import METRICS, mean_figures
from knowledge.types import ArmName

DEPTH = 100
"""Hits of a ranking that are judged."""

_BUDGET_MS = 600_000
_ARMS: dict[str, tuple[ArmName, ...]] = {
    "sparse": ("sparse",),
    "dense": ("dense",),
    "hybrid": ("sparse", "dense"),
    "hybrid+rerank": ("sparse", "dense"),
}
ARM_NAMES = ("bm25", *_ARMS)
"""What can be measured."""

Run = dict[str, dict[str, float]]
Progress = Callable[[str, str, int, int], None]
"""Called with the set's name, the stage (``encode`` or ``search``), the number done and of all."""


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Figures of one retrieval set.

    ``arms``: nDCG@10, MRR@10 and recall@100 by arm. ``query_ms``: p50 and p95 of a hybrid search
    for ten hits, encoding included, one query after another.
    """

    name: str
    passages: int
    queries: int
    arms: Mapping[str, Mapping[str, float]]
    encode_passages_per_s: float
    query_ms: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """As ``candor eval --json`` prints it."""
        return {
            "name": self.name,
            "passages": self.passages,
            "queries": self.queries,
            "arms": {arm: dict(figures) for arm, figures in self.arms.items()},
            "encode_passages_per_s": self.encode_passages_per_s,
            "query_ms": dict(self.query_ms),
        }


async def evaluate_folder(
    folder: Path,
    encoder: Encoder,
    settings: SearchSettings,
    arms: Sequence[str] = (),
    reranker: Reranker | None = None,
    progress: Progress = lambda name, stage, done, of: None,
) -> AsyncIterator[SetFigures]:
    """The figures of every retrieval set at or below ``folder``, one after another.

    ``arms``: some of :data:`ARM_NAMES`; none named means all that encoder and reranker allow.
    Raises :class:`InvalidInput` where there is no set, one is malformed, or an arm is unknown.
    """
    wanted = _wanted(arms, encoder, reranker)
    sets = find_sets(folder)
    if not sets:
        raise InvalidInput(
            f"{folder} holds no retrieval set.",
            "A set is a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.",
        )
    for one in sets:
        name = one.name if one == folder else str(one.relative_to(folder))
        judged = await asyncio.to_thread(read_set, one, name=name)
        yield await evaluate_set(judged, encoder, settings, wanted, reranker, progress)


async def evaluate_set(
    judged: RetrievalSet,
    encoder: Encoder,
    settings: SearchSettings,
    arms: Sequence[str],
    reranker: Reranker | None = None,
    progress: Progress = lambda name, stage, done, of: None,
) -> SetFigures:
    """The figures of one retrieval set."""

    def encoded(done: int, of: int) -> None:
        progress(judged.name, "encode", done, of)

    runs: dict[str, Run] = {}
    if "bm25" in arms:
        runs["bm25"] = await asyncio.to_thread(rank_by_bm25, judged)
    async with temporary_collection(judged.corpus, encoder, encoded) as collection:
        searcher = Searcher(collection.database, collection.index, encoder, settings, reranker)
        milliseconds = []
        for done, (query_id, query) in enumerate(judged.queries.items(), start=1):
            request = SearchRequest(query, (collection.knowledge_base_id,))
            # The first search of a query is the one that is timed: later ones find it encoded.
            milliseconds.append((await searcher.search(request)).took_ms)
            for arm in arms:
                if arm in _ARMS:
                    found = await _rank(searcher, request, settings, arm, collection)
                    runs.setdefault(arm, {})[query_id] = found
            progress(judged.name, "search", done, len(judged.queries))
    p50, p95 = np.percentile(milliseconds or [0.0], [50, 95])
    return SetFigures(
        name=judged.name,
        passages=len(judged.corpus),
        queries=len(judged.queries),
        arms={arm: mean_figures(judged.judgments, runs.get(arm, {}), METRICS) for arm in arms},
        encode_passages_per_s=len(judged.corpus) / max(collection.encode_seconds, 1e-9),
        query_ms={"p50": float(p50), "p95": float(p95)},
    )


def rank_by_bm25(judged: RetrievalSet) -> Run:
    """BM25 as bm25s computes it: Lucene's form, k1 0.9, b 0.4, English stop words and stems.

    X. Lù, "BM25S: Orders of magnitude faster lexical search via eager sparse scoring", 2024.
    """
    import bm25s
    import Stemmer

    def tokens(texts: list[str]) -> bm25s.tokenization.Tokenized:
        return bm25s.tokenize(
            texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False
        )

    names, queries = list(judged.corpus), list(judged.queries)
    ranker = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    ranker.index(tokens([judged.corpus[name] for name in names]), show_progress=False)
    found, scores = ranker.retrieve(
        tokens([judged.queries[query] for query in queries]),
        k=min(DEPTH, len(names)),
        show_progress=False,
    )
    return {
        query: {
            names[at]: float(score)
            for at, score in zip(found[row].tolist(), scores[row].tolist(), strict=True)
            if score > 0
        }
        for row, query in enumerate(queries)
    }


async def _rank(
    searcher: Searcher,
    request: SearchRequest,
    settings: SearchSettings,
    arm: str,
    collection: Collection,
) -> dict[str, float]:
    """The first :data:`DEPTH` passages, best first, scored by their place."""
    own = replace(settings, rerank=arm == "hybrid+rerank", rerank_budget_ms=_BUDGET_MS)
    result = await searcher.search(replace(request, limit=DEPTH, arms=_ARMS[arm], settings=own))
    # Scores of reranked and of other hits are of two kinds; a place is of one.
    return {
        collection.names[hit.chunk_id]: float(DEPTH - place)
        for place, hit in enumerate(result.hits)
    }


def _wanted(arms: Sequence[str], encoder: Encoder, reranker: Reranker | None) -> tuple[str, ...]:
    has = {"sparse": encoder.spec.sparse, "dense": encoder.spec.dense_size > 0}
    possible = {
        name: name == "bm25"
        or (all(has[arm] for arm in _ARMS[name]) and (reranker is not None or "+" not in name))
        for name in ARM_NAMES
    }
    for arm in arms:
        if arm not in possible:
            raise InvalidInput(f"There is no arm {arm!r}.", f"Choose from {', '.join(ARM_NAMES)}.")
        if not possible[arm]:
            raise InvalidInput(
                f"The arm {arm} cannot be measured: a model for it is not set up.",
                "Set CANDOR_ENCODER and CANDOR_RERANKER_MODEL, or leave the arm out.",
            )
    return tuple(arms) or tuple(name for name, fits in possible.items() if fits)
