"""A small help site in a real database and index, read with the encoder that ships."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from backend.chat.events import ChatEvent, CitationFound, FinalAnswer, MessageDelta
from backend.chat.llm import LanguageModel, ModelSettings
from backend.chat.settings import ChatSettings
from backend.chat.turn import Chat, Question
from backend.search.search import Searcher, SearchSettings
from knowledge.encode.bundled import BundledEncoder
from knowledge.index.embedded import EmbeddedIndex
from knowledge.store.conversations import Reader
from knowledge.store.database import Database, sqlite_url
from tests.backend.chat.openai_server import OpenAIServer
from tests.backend.chat.pages import PAGES
from tests.filled import FilledKnowledgeBase


@pytest.fixture(scope="session")
def encoder() -> BundledEncoder:
    return BundledEncoder()


@dataclass(frozen=True)
class Site:
    """The help site, written once: a database file to copy, and an index that all tests share."""

    file: Path
    index: EmbeddedIndex


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, encoder: BundledEncoder) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    made = Site(folder / "site.sqlite", EmbeddedIndex.open(folder / "index", encoder.spec))

    async def write() -> None:
        database = await Database.open(sqlite_url(made.file))
        filled = FilledKnowledgeBase(database, made.index, encoder)
        await filled.create()
        await filled.add(*PAGES)
        await database.close()

    asyncio.run(write())
    yield made
    asyncio.run(made.index.close())


@pytest.fixture
async def filled(
    site: Site, encoder: BundledEncoder, tmp_path: Path
) -> AsyncIterator[FilledKnowledgeBase]:
    shutil.copy(site.file, tmp_path / "candor.sqlite")
    database = await Database.open(sqlite_url(tmp_path / "candor.sqlite"))
    yield FilledKnowledgeBase(database, site.index, encoder)
    await database.close()


@dataclass
class Desk:
    """Asks questions about the help site, as staff or as a visitor."""

    chat: Chat
    filled: FilledKnowledgeBase

    def question(
        self, text: str, conversation_id: UUID | None = None, visitor: str | None = None
    ) -> Question:
        reader = Reader(self.filled.workspace_id, None, visitor)
        return Question(text, reader, (self.filled.knowledge_base_id,), conversation_id)

    async def ask(
        self, text: str, conversation_id: UUID | None = None, visitor: str | None = None
    ) -> FinalAnswer:
        turn = await self.chat.begin(self.question(text, conversation_id, visitor))
        return await turn.finish()

    async def stream(self, text: str, conversation_id: UUID | None = None) -> list[ChatEvent]:
        turn = await self.chat.begin(self.question(text, conversation_id))
        return [event async for event in turn.events()]


class Desks:
    """Opens a chat over the help site, with the settings and the model that a test needs."""

    def __init__(self, filled: FilledKnowledgeBase) -> None:
        self._filled = filled

    def open(self, model: LanguageModel | None = None, **settings: object) -> Desk:
        filled = self._filled
        searcher = Searcher(filled.database, filled.index, filled.encoder, SearchSettings())
        chat = Chat(filled.database, searcher, filled.encoder, ChatSettings(**settings), model)
        return Desk(chat, filled)


@pytest.fixture
def desks(filled: FilledKnowledgeBase) -> Desks:
    return Desks(filled)


@pytest.fixture
def desk(desks: Desks) -> Desk:
    return desks.open()


@pytest.fixture
async def endpoint() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as running:
        yield running


@pytest.fixture
def model(endpoint: OpenAIServer) -> LanguageModel:
    return LanguageModel(
        ModelSettings("openai", "scripted-1", base_url=endpoint.url, api_key="key", timeout_s=20.0)
    )


def answer_of(events: list[ChatEvent]) -> FinalAnswer:
    """The last event, which must be an answer that agrees with what was sent before it."""
    final = events[-1]
    assert isinstance(final, FinalAnswer)
    assert "".join(e.delta for e in events if isinstance(e, MessageDelta)) == final.answer
    sent = tuple(e.citation for e in events if isinstance(e, CitationFound))
    assert sent == final.citations
    return final
