from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from backend.adapters.llamaindex import CandorReranker, CandorRetriever
from backend.search.search import Searcher, SearchSettings
from knowledge.errors import InvalidQuery
from knowledge.index.embedded import EmbeddedIndex
from knowledge.store.database import Database, sqlite_url
from tests.fakes import HashingEncoder
from tests.filled import SHOP, FilledKnowledgeBase


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[FilledKnowledgeBase]:
    encoder = HashingEncoder()
    database = await Database.open(sqlite_url(tmp_path / "candor.sqlite"))
    index = EmbeddedIndex.open(tmp_path / "index", encoder.spec)
    shop = FilledKnowledgeBase(database, index, encoder)
    await shop.create()
    await shop.add(*SHOP)
    yield shop
    await index.close()
    await database.close()


@pytest.fixture
async def retriever(filled: FilledKnowledgeBase) -> CandorRetriever:
    searcher = Searcher(filled.database, filled.index, filled.encoder, SearchSettings())
    return CandorRetriever(
        searcher, [filled.knowledge_base_id], limit=2, loop=asyncio.get_running_loop()
    )


async def test_nodes_carry_the_passage_and_why_it_was_found(
    retriever: CandorRetriever, filled: FilledKnowledgeBase
) -> None:
    nodes = await retriever.aretrieve("When is a refund paid?")
    assert len(nodes) == 2
    best = nodes[0]
    assert best.node.get_content() == "A refund is paid within ten days of the return."
    assert best.node.node_id == str(filled.chunk_id("https://shop.example/refunds"))
    assert best.node.metadata["address"] == "https://shop.example/refunds"
    parts = [arm["part"] for arm in best.node.metadata["arms"].values()]
    assert best.score == pytest.approx(sum(parts))


async def test_the_blocking_call_works_from_another_thread(retriever: CandorRetriever) -> None:
    nodes = await asyncio.to_thread(retriever.retrieve, "When is a refund paid?")
    assert nodes[0].node.metadata["title"] == "Refunds"


class ByLength:
    """Prefers short texts."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return [-float(len(text)) for text in texts]


def nodes(*texts: str) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=1.0) for text in texts]


def test_a_reranker_orders_nodes_and_keeps_the_first() -> None:
    found = CandorReranker(ByLength(), top_n=2).postprocess_nodes(
        nodes("long text", "a", "mid"), query_str="q"
    )
    assert [one.node.get_content() for one in found] == ["a", "mid"]
    assert found[0].score == -1.0


def test_a_reranker_needs_a_query() -> None:
    with pytest.raises(InvalidQuery):
        CandorReranker(ByLength()).postprocess_nodes(nodes("a"))
