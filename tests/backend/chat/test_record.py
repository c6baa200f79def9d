"""Messages of many turns, written together."""

from __future__ import annotations

from uuid import uuid4

from backend.chat.record import Record
from knowledge.errors import NotFound
from knowledge.store.conversations import NewAnswer, NewQuestion, Reader, read_messages
from knowledge.store.database import DriverError
from tests.filled import FilledKnowledgeBase


async def test_one_that_is_refused_does_not_take_the_others_with_it(
    filled: FilledKnowledgeBase,
) -> None:
    record, reader = Record(filled.database), Reader(filled.workspace_id)
    conversations = [uuid4() for _ in range(20)]
    kept = [record.keep(one, NewQuestion(reader, "Where?")) for one in conversations]
    nobody = record.keep(uuid4(), NewQuestion(Reader(uuid4()), "Who?"))  # of no workspace
    gone = record.keep(uuid4(), NewAnswer(uuid4(), "Here."))  # to no question
    kept += [record.keep(one, NewAnswer(uuid4(), "There.")) for one in conversations]
    await record.settled()
    assert all(one.done() and one.exception() is None for one in kept)
    assert isinstance(nobody.exception(), DriverError)
    assert isinstance(gone.exception(), NotFound)
    async with filled.database.reading() as session:
        for one in conversations:
            said = [message.text for message in await read_messages(session, one)]
            assert said == ["Where?", "There."]
