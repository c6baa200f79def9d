"""Conversations on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from knowledge.errors import NotFound
from knowledge.store.conversations import (
    NewAnswer,
    Reader,
    add_answer,
    add_question,
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
        await add_question(session, reader, conversation, question)
    async with database.writing() as session:
        new = NewAnswer(uuid4(), text=f"About {question}", **answer)
        await add_answer(session, conversation, new)


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


async def test_an_answer_to_a_conversation_that_is_gone(database: Database, staff: Reader) -> None:
    with pytest.raises(NotFound):
        async with database.writing() as session:
            await add_answer(session, uuid4(), NewAnswer(uuid4(), text="late"))
