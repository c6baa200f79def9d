"""Every column of every ledger sums to what was returned, whatever the search was asked with."""

from __future__ import annotations

import math
import os
import random
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from qdrant_client import AsyncQdrantClient

from backend.explain.explain import Explainer
from backend.explain.hit import HitExplanation
from backend.search.request import SearchSettings
from backend.search.rule_effects import gain
from backend.search.rules import Rule, RuleSet
from backend.search.search import Searcher, SearchRequest, SearchResult
from knowledge.encode.words import words as stems
from knowledge.index.server import ServerIndex
from knowledge.store.tables import RuleKind
from knowledge.types import Hit
from tests.filled import SHOP, FilledKnowledgeBase

QUERIES = 200
SERVER = os.environ.get("QDRANT_URL", "")
"""A Qdrant server to test against too; `make test-qdrant` says which."""

WORDS = sorted({word for page in SHOP for text in page.chunks for word in text.split()})
MEANT = [word for word in WORDS if stems(word)]
"""Those that a rule can be about: no function words."""

TARGETS = [page.address for page in SHOP]


class Checksum:
    """A reranker without a model: any scores will do, so long as they are not in order."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return [zlib.crc32(f"{query} {text}".encode()) / 2**32 for text in texts]


@pytest.fixture(params=["embedded", "client", *["server"] * bool(SERVER)])
async def any_filled(
    request: pytest.FixtureRequest, filled: FilledKnowledgeBase
) -> AsyncIterator[FilledKnowledgeBase]:
    """The shop in the embedded index, over the client's in-process mode, or over a real server."""
    if request.param == "embedded":
        yield filled
        return
    own = request.param == "client"
    client = AsyncQdrantClient(":memory:") if own else AsyncQdrantClient(url=SERVER)
    name = f"test-{uuid4().hex[:12]}"
    served = await ServerIndex.open(client, name, filled.encoder.spec)
    async for batch in filled.index.scroll():
        await served.upsert(batch)
    yield replace(filled, index=served)
    await client.delete_collection(name)
    await served.close()


def draw_settings(draw: random.Random) -> SearchSettings:
    return SearchSettings(
        candidates=draw.randint(1, 12),
        fusion=draw.choice(["rrf", "minmax", "dbsf", "linear"]),
        rrf_k=draw.choice([0, 1, 60, 100_000]),
        weights={arm: draw.choice([0.0, draw.random() * 3]) for arm in ("sparse", "dense")},
        rerank=draw.random() < 0.4,
        rerank_candidates=draw.randint(1, 5),
        rerank_budget_ms=20_000,
        diversity=draw.choice([0.0, 0.3, 0.9]),
        per_document=draw.choice([0, 1]),
    )


def draw_rule(draw: random.Random, filled: FilledKnowledgeBase) -> Rule:
    kind = draw.choice(list(RuleKind))
    document = filled.document_id(draw.choice(TARGETS))
    text = " ".join(draw.sample(MEANT, 2))
    return Rule(
        uuid4(),
        kind,
        document_id=document
        if kind in (RuleKind.PIN, RuleKind.HIDE, RuleKind.BOOST, RuleKind.EXPANSION)
        else None,
        query=draw.choice(MEANT) if kind is RuleKind.SYNONYM else "",
        text=text if kind in (RuleKind.TERM, RuleKind.SYNONYM, RuleKind.EXPANSION) else "",
        factor=draw.choice([0.0, draw.random() * 4]),
        position=draw.randint(1, 4),
        settings={"rrf_k": 7} if kind is RuleKind.SETTINGS else {},
    )


@pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect:UserWarning",
    "ignore:Local mode performs exact:UserWarning",
)
async def test_every_column_sums_to_what_was_returned(any_filled: FilledKnowledgeBase) -> None:
    filled = any_filled
    searcher = Searcher(filled.database, filled.index, filled.encoder, SearchSettings(), Checksum())
    explainer = Explainer(searcher)
    draw = random.Random(20261121)
    met = {"rules": 0, "reranked": 0, "spread": 0, "pinned": 0, "tails": 0}
    for _ in range(QUERIES):
        query = " ".join(draw.sample(WORDS, draw.randint(1, 6)))
        request = SearchRequest(
            query,
            (filled.knowledge_base_id,),
            limit=draw.randint(1, 8),
            settings=draw_settings(draw),
        )
        rules = RuleSet(tuple(draw_rule(draw, filled) for _ in range(draw.randint(0, 3))))
        result = await searcher.search(request, rules)
        explained = await explainer.hits(result, top=draw.choice([1, 3, 12]))
        engine = await engine_scores(filled, result)
        for place, (hit, why) in enumerate(zip(result.hits, explained, strict=True), start=1):
            check_arms(hit, why, result, engine)
            check_sums(place, hit, why)
            check_words(why)
            met["rules"] += bool(why.ledger.rules)
            met["reranked"] += why.ledger.rerank is not None
            met["spread"] += why.ledger.penalty > 0
            met["pinned"] += why.ledger.pinned
            met["tails"] += bool(why.terms and why.terms.tail.words)
    assert min(met.values()) > 20, met


async def engine_scores(
    filled: FilledKnowledgeBase, result: SearchResult
) -> dict[str, dict[UUID, float]]:
    """What the engine itself says of the hits, asked again, and what rules add to a passage."""
    trace = result.trace
    scores = await filled.index.score(
        trace.query, list(trace.arms), [hit.chunk_id for hit in result.hits]
    )
    for id, terms in trace.prepared.targets.expansions.items():
        if "sparse" in scores:
            more = gain(trace.query.sparse, terms)
            scores["sparse"][id] = scores["sparse"].get(id, 0.0) + more
    return scores


def check_arms(
    hit: Hit, why: HitExplanation, result: SearchResult, engine: dict[str, dict[UUID, float]]
) -> None:
    """Each arm's line says what the engine says, and the part that follows from it."""
    settings = result.trace.prepared.settings
    for line in why.ledger.arms:
        if line.rank is None:
            assert line.part == 0.0
            continue
        assert line.score == hit.arms[line.arm].score == engine[line.arm][hit.chunk_id]
        better = [one for one in result.trace.arms[line.arm] if one.score > line.score]
        assert len(better) < line.rank
        if settings.fusion == "rrf":
            assert line.part == line.weight * (1.0 / (settings.rrf_k + line.rank))


def check_sums(place: int, hit: Hit, why: HitExplanation) -> None:
    line = why.ledger
    parts = [arm.part for arm in line.arms] + [rule.part for rule in line.rules]
    assert math.fsum(parts) == line.fused == hit.fused
    before = line.fused if line.rerank is None else line.rerank.score
    assert before - line.penalty == line.score == hit.score
    assert line.place == place
    assert line.rerank is None or line.rerank.score == hit.rerank


def check_words(why: HitExplanation) -> None:
    if why.terms is None:
        return
    words, tail = why.terms.words, why.terms.tail
    assert math.fsum([*(word.contribution for word in words), tail.contribution]) == why.terms.score
    if why.terms.score:
        assert math.fsum([*(word.share for word in words), tail.share]) == 1.0
    for word in words:
        assert math.fsum(piece.contribution for piece in word.pieces) == word.contribution
    if not tail.words:
        # What is left is what the engine rounds: it sums in single precision, this in double.
        assert abs(tail.contribution) <= 1e-5 * max(why.terms.score, 1e-9)
