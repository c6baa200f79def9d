"""Conversations on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from knowledge.errors import NotFound
from knowledge.store.conversations import (
    Entry,
    NewAnswer,
    NewQuestion,
    Reader,
    add_messages,
    find_conversation,
    read_exchanges,
    read_messages,
)
from knowledge.store.database import Database, database_url
from knowledge.store.tables import Workspace


@pytest.fixture
async def database(database_address: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(database_url(database_address, tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
async def staff(database: Database) -> Reader:
    workspace = Workspace(name="shop")
    async with database.writing() as session:
        session.add(workspace)
    return Reader(workspace.id)


async def exchange(
    database: Database, reader: Reader, conversation: UUID, question: str, **answer: str
) -> None:
    async with database.writing() as session:
        await add_messages(session, [Entry(conversation, NewQuestion(reader, question))])
    async with database.writing() as session:
        new = NewAnswer(uuid4(), text=f"About {question}", **answer)
        assert not await add_messages(session, [Entry(conversation, new)])


async def test_turns_at_once_get_places_of_their_own(database: Database, staff: Reader) -> None:
    conversation = uuid4()
    await exchange(database, staff, conversation, "first")
    await asyncio.gather(
        *(exchange(database, staff, conversation, f"number {n}") for n in range(5))
    )
    async with database.reading() as session:
        messages = await read_messages(session, conversation)
    assert [message.ordinal for message in messages] == list(range(12))
    assert sum(message.role == "user" for message in messages) == 6


async def test_exchanges_are_the_last_finished_ones(database: Database, staff: Reader) -> None:
    conversation = uuid4()
    await exchange(database, staff, conversation, "one")
    await exchange(database, staff, conversation, "two")
    await exchange(database, staff, conversation, "broken", error_code="language-model-error")
    await exchange(database, staff, conversation, "three")
    async with database.reading() as session:
        found = await read_exchanges(session, conversation, 2)
        none = await read_exchanges(session, conversation, 0)
    assert found == [("two", "About two"), ("three", "About three")]
    assert none == []


async def test_the_first_question_is_the_title(database: Database, staff: Reader) -> None:
    conversation = uuid4()
    await exchange(database, staff, conversation, "word " * 100)
    await exchange(database, staff, conversation, "second")
    async with database.reading() as session:
        found = await find_conversation(session, staff, conversation)
    assert found.title == ("word " * 100)[:119] + "…"


async def test_the_secret_of_a_visitor_is_not_recorded(database: Database, staff: Reader) -> None:
    visitor = Reader(staff.workspace_id, None, "the-secret")
    conversation = uuid4()
    await exchange(database, visitor, conversation, "mine")
    async with database.reading() as session:
        found = await find_conversation(session, staff, conversation)
    assert len(found.visitor) == 64
    assert "the-secret" not in found.visitor


async def test_messages_of_many_conversations_are_added_at_once(
    database: Database, staff: Reader
) -> None:
    old, new, gone = uuid4(), uuid4(), uuid4()
    await exchange(database, staff, old, "first")
    entries = [
        Entry(old, NewQuestion(staff, "second")),
        Entry(new, NewQuestion(staff, "another")),
        Entry(gone, NewAnswer(uuid4(), text="late")),
        Entry(old, NewAnswer(uuid4(), text="About second")),
        Entry(new, NewAnswer(uuid4(), text="About another")),
    ]
    async with database.writing() as session:
        assert await add_messages(session, entries) == {gone}
    async with database.reading() as session:
        assert [(m.ordinal, m.role) for m in await read_messages(session, old)] == [
            (0, "user"),
            (1, "assistant"),
            (2, "user"),
            (3, "assistant"),
        ]
        assert await read_exchanges(session, new, 3) == [("another", "About another")]
        assert (await find_conversation(session, staff, new)).title == "another"
        with pytest.raises(NotFound):
            await find_conversation(session, staff, gone)
