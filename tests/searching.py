"""A searcher over the shop's pages, for the tests of search and of its explanations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.search.search import Searcher, SearchRequest, SearchResult, SearchSettings
from knowledge.index.conditions import Filter
from knowledge.index.embedded import EmbeddedIndex
from knowledge.store.database import Database, sqlite_url
from tests.fakes import HashingEncoder
from tests.filled import SHOP, FilledKnowledgeBase


@pytest.fixture(scope="session")
def encoder() -> HashingEncoder:
    return HashingEncoder(synonyms={"flickers": "flicker", "refund": "money"})


@pytest.fixture(scope="session")
def embedded_index(
    tmp_path_factory: pytest.TempPathFactory, encoder: HashingEncoder
) -> Iterator[EmbeddedIndex]:
    opened = EmbeddedIndex.open(tmp_path_factory.mktemp("index"), encoder.spec)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url(tmp_path / "candor.sqlite"))
    yield opened
    await opened.close()


@pytest.fixture
async def filled(
    database: Database, embedded_index: EmbeddedIndex, encoder: HashingEncoder
) -> FilledKnowledgeBase:
    """The shop's pages."""
    await embedded_index.delete(Filter())
    shop = FilledKnowledgeBase(database, embedded_index, encoder)
    await shop.create()
    await shop.add(*SHOP)
    return shop


@pytest.fixture
def searcher(filled: FilledKnowledgeBase) -> Searcher:
    return Searcher(filled.database, filled.index, filled.encoder, SearchSettings())


class Ask:
    """Searches the filled, with whatever else the request says."""

    def __init__(self, searcher: Searcher, filled: FilledKnowledgeBase) -> None:
        self.searcher = searcher
        self.filled = filled

    async def __call__(self, query: str, **rest: object) -> SearchResult:
        bases = (self.filled.knowledge_base_id,)
        return await self.searcher.search(SearchRequest(query, bases, **rest))

    async def addresses(self, query: str, **rest: object) -> list[str]:
        return [hit.address.rsplit("/", 1)[1] for hit in (await self(query, **rest)).hits]


@pytest.fixture
def ask(searcher: Searcher, filled: FilledKnowledgeBase) -> Ask:
    return Ask(searcher, filled)
