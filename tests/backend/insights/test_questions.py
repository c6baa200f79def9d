"""Collecting questions from stored answers: once each, in batches, by several processes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from backend.insights.questions import QuestionCollector, packed, unpacked
from knowledge.index.embedded import EmbeddedIndex
from knowledge.store.conversations import Entry, NewAnswer, NewQuestion, Reader, add_messages
from knowledge.store.database import Database, database_url
from knowledge.store.tables import (
    AskedQuestion,
    Document,
    DocumentUse,
    Outcome,
    QuestionVector,
    Workspace,
)
from tests.fakes import HashingEncoder
from tests.filled import SHOP, FilledKnowledgeBase

LAMP = SHOP[0].address


@pytest.fixture
async def filled(database_address: str, tmp_path: Path) -> AsyncIterator[FilledKnowledgeBase]:
    encoder = HashingEncoder()
    database = await Database.open(database_url(database_address, tmp_path))
    index = EmbeddedIndex.open(tmp_path / "index", encoder.spec)
    # The database of a module is shared: each test has a knowledge base of its own.
    shop = FilledKnowledgeBase(database, index, encoder, name=tmp_path.name)
    await shop.create()
    await shop.add(*SHOP)
    yield shop
    await index.close()
    async with database.writing() as session:
        await session.delete(await session.get(Workspace, shop.workspace_id))
    await database.close()


async def say(
    filled: FilledKnowledgeBase, question: str, conversation: UUID, **answer: object
) -> UUID:
    """A question and its answer, written from both passages about the lamp."""
    message = uuid4()
    given = [str(filled.chunk_id(LAMP, ordinal)) for ordinal in (0, 1)]
    cited = {"id": 1, "chunk_id": given[0], "address": LAMP}
    told = {"query": question, "explanation": {"given": given, "confidence": 0.8}} | answer
    async with filled.database.writing() as session:
        citations = () if told.get("abstained") or told["query"] == "" else (cited,)
        new = NewAnswer(message, "So it is.", citations=citations, **told)  # type: ignore[arg-type]
        said = (NewQuestion(Reader(filled.workspace_id), question), new)
        await add_messages(session, [Entry(conversation, one) for one in said])
    return message


async def test_answers_are_collected_once(filled: FilledKnowledgeBase) -> None:
    conversation = uuid4()
    first = await say(filled, "Which bulb for the desk lamp?", conversation)
    await say(filled, "hello", conversation, explanation={"given": []}, query="")
    second = await say(filled, "which bulb for the lamp", conversation, abstained=True)
    failed = await say(filled, "length of the cable", conversation, error_code="store-fault")

    one = QuestionCollector(filled.database, filled.encoder)
    two = QuestionCollector(filled.database, filled.encoder)
    assert await one.collect(limit=2) == 2
    await asyncio.gather(one.collect(), two.collect())
    assert await one.collect() == 0

    async with filled.database.reading() as session:
        rows = {
            row.message_id: row
            for row in await session.scalars(
                select(AskedQuestion).where(AskedQuestion.workspace_id == filled.workspace_id)
            )
        }
        (use,) = await session.scalars(
            select(DocumentUse)
            .join(Document, Document.id == DocumentUse.document_id)
            .where(Document.knowledge_base_id == filled.knowledge_base_id)
        )
    assert {row.text: (row.outcome, row.reformulated) for row in rows.values()} == {
        "Which bulb for the desk lamp?": (Outcome.ANSWERED, True),
        "": (Outcome.OTHER, False),
        "which bulb for the lamp": (Outcome.ABSTAINED, False),
        "length of the cable": (Outcome.FAILED, False),
    }
    assert rows[first].confidence == 0.8
    assert (use.document_id, use.shown, use.cited) == (filled.document_id(LAMP), 3, 2)
    assert use.day == rows[second].day == rows[failed].asked_at.date()
    assert isinstance(use.day, date)


async def test_vectors_of_another_encoder_are_renewed(filled: FilledKnowledgeBase) -> None:
    message = await say(filled, "bulb", uuid4())
    await QuestionCollector(filled.database, filled.encoder).collect()
    other = HashingEncoder(dense_size=16, id="hashing-2")
    collector = QuestionCollector(filled.database, other)
    assert await collector.renew() == 1
    assert await collector.renew() == 0
    async with filled.database.reading() as session:
        kept = await session.get(QuestionVector, message)
    assert kept is not None
    dense = other.encode_queries(["bulb"])[0].dense
    assert (kept.encoder, kept.vector) == ("hashing-2", packed(dense))
    assert float(unpacked([kept.vector])[0] @ dense) == pytest.approx(1, abs=1e-3)


async def test_what_a_visitor_deletes_is_gone(filled: FilledKnowledgeBase) -> None:
    from knowledge.store.queries.conversations import remove_conversation

    conversation = uuid4()
    await say(filled, "bulb", conversation)
    await QuestionCollector(filled.database, filled.encoder).collect()
    async with filled.database.writing() as session:
        await remove_conversation(session, conversation)
    async with filled.database.reading() as session:
        for table in (AskedQuestion, QuestionVector):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
