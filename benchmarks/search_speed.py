"""How long a search and its explanations take over 10,000 passages, beside two peers.

``python -m benchmarks.search_speed [--passages 10000] [--queries 300] [--folder BEIR_FOLDER]``

The passages are runs of sentences from Candor's own documentation, put together at random (or a
retrieval set's corpus); each query is a run of words from one of them, and is asked once. Search is
measured as users get it: encoding, both arms, fusion, texts from the database, one query after
another. Peers, on the same vectors and texts: the Qdrant client's local mode with both arms fused
(at a size that it can do), and BM25 by bm25s. Writes ``results/search_speed.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import numpy as np
from qdrant_client import QdrantClient, models

from backend.explain.explain import Explainer
from backend.explain.why_not import why_not
from backend.search.search import Searcher, SearchRequest, SearchSettings
from benchmarks.machine import describe
from knowledge.encode.bundled import BundledEncoder
from knowledge.encode.encoder import Encoder
from knowledge.evaluation.beir import read_set
from knowledge.evaluation.collection import Collection, temporary_collection
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.search_index import MAX_UPSERT, Point
from knowledge.types import Encoding

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results")
LOCAL_MODE_PASSAGES = 2_000
LOCAL_MODE_QUERIES = 30
_SEED = 20261121

Times = list[float]
"""Milliseconds."""


async def measure(corpus: Mapping[str, str], queries: Sequence[str]) -> dict[str, Any]:
    """All figures."""
    encoder = BundledEncoder()
    before = os.getloadavg()[0]
    async with temporary_collection(corpus, encoder, _report) as collection:
        figures: dict[str, Any] = {
            "machine": describe(),
            "when": datetime.now(UTC).isoformat(timespec="minutes"),
            "load_before": round(before, 2),
            "encoder": encoder.spec.id,
            "passages": len(corpus),
            "queries": len(queries),
            "encode_passages_per_s": round(len(corpus) / collection.encode_seconds, 1),
        }
        figures |= await _candor(collection, encoder, queries)
        texts = list(corpus.values())
        figures["peers"] = {
            "bm25s": _summary(_bm25s(texts, queries)),
            **await _local_mode(collection, encoder, queries),
        }
    return figures


async def _candor(
    collection: Collection, encoder: Encoder, queries: Sequence[str]
) -> dict[str, Any]:
    searcher = Searcher(collection.database, collection.index, encoder, SearchSettings())
    explainer = Explainer(searcher)
    bases = (collection.knowledge_base_id,)
    await searcher.search(SearchRequest("warm up", bases))
    times: dict[str, Times] = {
        "search": [],
        "search, processor time of all threads": [],
        "explain ten hits": [],
        "record of an answer": [],
    }
    stages: dict[str, Times] = {}
    last: list[UUID] = []
    for query in queries:
        request = SearchRequest(query, bases)
        busy = time.process_time()
        result = await searcher.search(request)
        times["search"].append(result.took_ms)
        times["search, processor time of all threads"].append((time.process_time() - busy) * 1000)
        if result.trace is None:
            continue
        for stage, spent in result.trace.stages.items():
            stages.setdefault(stage, []).append(spent)
        ids = tuple(hit.chunk_id for hit in result.hits[:3])
        with _timed(times["explain ten hits"]):
            await explainer.hits(result)
        with _timed(times["record of an answer"]):
            await explainer.record(request, result, ids)
        last.append(result.trace.fused[-1].id)
    for number, query in enumerate(queries[:50]):
        # Why is a passage of another query not among this one's hits?
        other = last[(number + 7) % len(last)]
        with _timed(times.setdefault("why not", [])):
            await why_not(explainer, SearchRequest(query, bases), chunk_id=other, changes=False)
        with _timed(times.setdefault("why not, with changes", [])):
            await why_not(explainer, SearchRequest(query, bases), chunk_id=other)
    return {
        "load_while_searching": round(os.getloadavg()[0], 2),
        "candor": {name: _summary(spent) for name, spent in times.items()},
        "search_stages_p50": {
            name: round(float(np.median(spent)), 2) for name, spent in stages.items()
        },
    }


@contextmanager
def _timed(times: Times) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append((time.perf_counter() - start) * 1000)


def _bm25s(texts: Sequence[str], queries: Sequence[str]) -> Times:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")

    def tokens(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False)

    ranker = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    ranker.index(tokens(texts), show_progress=False)
    times: Times = []
    for query in queries:
        with _timed(times):
            ranker.retrieve(tokens([query]), k=10, show_progress=False)
    return times


async def _local_mode(
    collection: Collection, encoder: Encoder, queries: Sequence[str]
) -> dict[str, Any]:
    """The client's local mode and the embedded engine on the same few passages: engine alone."""
    points: list[Point] = []
    async for batch in collection.index.scroll():
        points += batch
        if len(points) >= LOCAL_MODE_PASSAGES:
            break
    points = points[:LOCAL_MODE_PASSAGES]
    asked = encoder.encode_queries(list(queries[:LOCAL_MODE_QUERIES]))
    local = await asyncio.to_thread(_ask_local_mode, points, asked, encoder.spec.dense_size)
    embedded: Times = []
    with TemporaryDirectory() as folder:
        small = EmbeddedIndex.open(Path(folder) / "index", encoder.spec)
        for start in range(0, len(points), MAX_UPSERT):
            await small.upsert(points[start : start + MAX_UPSERT])
        for query in asked:
            with _timed(embedded):
                await small.search_arms(query, ["sparse", "dense"], None, 100)
        await small.close()
    size = f"{len(points):,} passages, both arms, without encoding"
    return {
        f"qdrant-client local mode, {size}": _summary(local),
        f"Candor's embedded index, {size}": _summary(embedded),
    }


def _ask_local_mode(points: Sequence[Point], queries: Sequence[Encoding], dense_size: int) -> Times:
    client = QdrantClient(":memory:")
    client.create_collection(
        "peer",
        vectors_config={
            "dense": models.VectorParams(size=dense_size, distance=models.Distance.DOT)
        },
        sparse_vectors_config={"sparse": models.SparseVectorParams()},
    )
    client.upsert(
        "peer",
        [models.PointStruct(id=str(p.id), vector=_vectors(p.encoding)) for p in points],
    )
    times: Times = []
    for query in queries:
        with _timed(times):
            client.query_points(
                "peer",
                prefetch=[
                    models.Prefetch(query=vector, using=arm, limit=100)
                    for arm, vector in _vectors(query).items()
                ],
                query=models.RrfQuery(rrf=models.Rrf(k=60)),
                limit=10,
            )
    client.close()
    return times


def _vectors(encoding: Encoding) -> dict[str, Any]:
    assert encoding.dense is not None
    assert encoding.sparse is not None
    return {
        "dense": encoding.dense.tolist(),
        "sparse": models.SparseVector(
            indices=encoding.sparse.indices.tolist(), values=encoding.sparse.values.tolist()
        ),
    }


def documentation_passages(count: int, between: str = " ") -> dict[str, str]:
    """``count`` passages of four to six sentences each, drawn at random from the documentation.

    ``between``: what stands between two sentences.
    """
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for file in sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
    )
    found = re.split(r"(?<=[.!?:])\s+|\n{2,}", text)
    sentences = [" ".join(one.split()) for one in found if 5 <= len(one.split()) <= 40]
    draw = random.Random(_SEED)
    return {
        str(number): between.join(draw.sample(sentences, draw.randint(4, 6)))
        for number in range(count)
    }


def queries_from(corpus: Mapping[str, str], count: int) -> list[str]:
    """``count`` queries, no two alike: three to nine words in a row from a passage."""
    draw = random.Random(_SEED + 1)
    texts = list(corpus.values())
    queries: dict[str, None] = {}
    while len(queries) < count:
        words = draw.choice(texts).split()
        start = draw.randrange(len(words))
        query = " ".join(words[start : start + draw.randint(3, 9)])
        if any(character.isalnum() for character in query):
            queries[query] = None
    return list(queries)


def _summary(times: Times) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}


def _report(done: int, of: int) -> None:
    if done % 2048 == 0 or done == of:
        print(f"encoded {done:,} of {of:,}", flush=True)


def _markdown(figures: Mapping[str, Any]) -> str:
    lines = [
        "# Search speed",
        "",
        f"{figures['when']}, {figures['machine']}, load average at the start "
        f"{figures['load_before']}, while searching {figures['load_while_searching']}. "
        f"{figures['passages']:,} passages, {figures['queries']:,} "
        f"queries, each asked once, one after another. Encoder {figures['encoder']}, "
        f"{figures['encode_passages_per_s']:g} passages per second.",
        "",
        "`python -m benchmarks.search_speed` makes this file.",
        "",
        "| Candor | p50 ms | p95 ms |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['p50_ms']} | {one['p95_ms']} |" for name, one in figures["candor"].items()
    ]
    stages = ", ".join(f"{name} {ms}" for name, ms in figures["search_stages_p50"].items())
    lines += ["", f"Search by stage, p50 ms: {stages}.", "", "| Peer | p50 ms | p95 ms |"]
    lines += ["|---|---|---|"]
    lines += [
        f"| {name} | {one['p50_ms']} | {one['p95_ms']} |" for name, one in figures["peers"].items()
    ]
    lines += [
        "",
        "bm25s finds words alone, in memory, without filters or texts. “prepare” is checking and "
        "encoding the query, rules, and the collection's term statistics; “read” fetches the texts "
        "from SQLite.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and write both files."""
    warnings.filterwarnings("ignore", message="Local mode performs")
    options = argparse.ArgumentParser(description="Measure the speed of search.")
    options.add_argument("--passages", type=int, default=10_000)
    options.add_argument("--queries", type=int, default=300)
    options.add_argument("--folder", type=Path, help="take passages from this retrieval set")
    told = options.parse_args()
    if told.folder:
        corpus = dict(list(read_set(told.folder).corpus.items())[: told.passages])
    else:
        corpus = documentation_passages(told.passages)
    figures = asyncio.run(measure(corpus, queries_from(corpus, told.queries)))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "search_speed.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    (RESULTS / "search_speed.md").write_text(_markdown(figures), "utf-8")
    print(_markdown(figures))


if __name__ == "__main__":
    main()
