from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import uuid4

import pytest
from sqlalchemy import delete

from backend.chat.events import FinalAnswer, SearchResults, TurnFailed
from backend.chat.turn import Question
from knowledge.errors import IndexUnavailable, InvalidQuery, NotFound
from knowledge.store.conversations import Reader, find_conversation, read_messages
from knowledge.store.tables import Conversation
from tests.backend.chat.conftest import Desk

ASKED = "When is a refund paid?"


async def test_events_come_in_their_order(desk: Desk) -> None:
    events = await desk.stream(ASKED)
    names = [event.name for event in events]
    assert names[0] == "search_results"
    assert names[-1] == "final_answer"
    assert set(names[1:-1]) == {"message", "citation"}
    found, final = events[0], events[-1]
    assert isinstance(found, SearchResults)
    assert isinstance(final, FinalAnswer)
    assert (found.conversation_id, found.message_id) == (final.conversation_id, final.message_id)
    hit = found.data()["hits"][0]
    assert set(hit) == {
        "chunk_id",
        "document_id",
        "title",
        "address",
        "heading",
        "text",
        "score",
        "arms",
        "page",
        "seconds",
    }
    assert {"rank", "score", "part"} == set(hit["arms"]["sparse"])
    citation = final.data()["citations"][0]
    assert set(citation) == {"id", "sentence", "chunk_id", "span", "address", "title"}


async def test_a_turn_is_stored_with_its_citations_and_its_reasons(desk: Desk) -> None:
    final = await desk.ask(ASKED)
    async with desk.filled.database.reading() as session:
        question, answer = await read_messages(session, final.conversation_id)
    assert (question.role, question.text, question.ordinal) == ("user", ASKED, 0)
    assert (answer.role, answer.text, answer.ordinal) == ("assistant", final.answer, 1)
    assert answer.id == final.message_id
    assert answer.citations == final.data()["citations"]
    assert answer.query == ASKED
    assert answer.model == "extractive"
    assert answer.error_code == ""
    cited = answer.explanation["passages"][0]
    assert cited["chunk_id"] == str(final.citations[0].chunk_id)
    assert cited["words"]
    assert str(final.citations[0].chunk_id) in answer.explanation["given"]
    start, end = final.citations[0].span
    quote = cited["quotes"][0]
    assert quote["span"] == [start, end]
    assert quote["text"] in final.answer


async def test_a_conversation_goes_on(desk: Desk) -> None:
    first = await desk.ask(ASKED)
    second = await desk.ask("and for companies?", first.conversation_id)
    assert second.conversation_id == first.conversation_id
    assert second.citations[0].address == "https://help.example/companies"
    async with desk.filled.database.reading() as session:
        messages = await read_messages(session, first.conversation_id)
    assert [message.ordinal for message in messages] == [0, 1, 2, 3]
    assert messages[3].query == "refund paid and for companies?"


async def test_a_greeting_is_answered_without_a_search(desk: Desk) -> None:
    found, *_, final = await desk.stream("Hello!")
    assert isinstance(found, SearchResults)
    assert found.hits == ()
    assert isinstance(final, FinalAnswer)
    assert not final.abstained


@pytest.mark.parametrize("text", ["", "   ", "?", "word " * 20_000])
async def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_sent(
    desk: Desk, text: str
) -> None:
    with pytest.raises(InvalidQuery):
        await desk.chat.begin(desk.question(text))


async def test_another_visitors_conversation_is_not_found(desk: Desk) -> None:
    mine = await desk.ask(ASKED, visitor="secret-a")
    assert (await desk.ask("and for companies?", mine.conversation_id, "secret-a")).citations
    for visitor in ("secret-b", ""):
        with pytest.raises(NotFound):
            await desk.ask(ASKED, mine.conversation_id, visitor)


async def test_a_visitor_without_a_secret_cannot_come_back(desk: Desk) -> None:
    mine = await desk.ask(ASKED, visitor="")
    with pytest.raises(NotFound):
        await desk.ask(ASKED, mine.conversation_id, "")


async def test_staff_read_a_visitors_conversation_and_do_not_write_in_it(desk: Desk) -> None:
    mine = await desk.ask(ASKED, visitor="secret-a")
    staff = Reader(desk.filled.workspace_id)
    async with desk.filled.database.reading() as session:
        found = await find_conversation(session, staff, mine.conversation_id)
    assert found.visitor not in ("", "secret-a")
    with pytest.raises(NotFound, match="belongs to a visitor"):
        await desk.ask(ASKED, mine.conversation_id)


async def test_nothing_crosses_from_one_workspace_to_another(desk: Desk) -> None:
    mine = await desk.ask(ASKED)
    stranger = Question(
        ASKED, Reader(uuid4()), (desk.filled.knowledge_base_id,), mine.conversation_id
    )
    with pytest.raises(NotFound):
        await desk.chat.begin(stranger)


async def test_a_search_that_fails_is_told_and_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_request: object) -> object:
        raise IndexUnavailable("The index does not answer.", "Start it.")

    monkeypatch.setattr(desk.chat.searcher, "search", broken)
    turn = await desk.chat.begin(desk.question(ASKED))
    (failed,) = [event async for event in turn.events()]
    assert isinstance(failed, TurnFailed)
    assert failed.data() == {
        "code": "index-unavailable",
        "detail": "The index does not answer.",
        "action": "Start it.",
    }
    async with desk.filled.database.reading() as session:
        question, answer = await read_messages(session, turn.conversation_id)
    assert question.text == ASKED
    assert answer.error_code == "index-unavailable"


async def test_a_reader_who_leaves_leaves_the_question(desk: Desk) -> None:
    turn = await desk.chat.begin(desk.question(ASKED))
    events = turn.events()
    assert (await anext(events)).name == "search_results"
    assert (await anext(events)).name == "message"
    await events.aclose()
    async with desk.filled.database.reading() as session:
        messages = await read_messages(session, turn.conversation_id)
    assert [message.role for message in messages] == ["user"]


async def test_a_reader_who_is_cut_off_leaves_the_question(desk: Desk) -> None:
    turn = await desk.chat.begin(desk.question(ASKED))
    seen = asyncio.Event()

    async def read() -> None:
        async with aclosing(turn.events()) as events:
            async for event in events:
                if event.name == "message":
                    seen.set()
                    await asyncio.Event().wait()

    reading = asyncio.create_task(read())
    await seen.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await desk.chat.record.settled()
    async with desk.filled.database.reading() as session:
        messages = await read_messages(session, turn.conversation_id)
    assert [message.role for message in messages] == ["user"]


async def test_a_conversation_deleted_meanwhile_ends_the_turn(desk: Desk) -> None:
    turn = await desk.chat.begin(desk.question(ASKED))
    events = turn.events()
    assert (await anext(events)).name == "search_results"
    assert (await anext(events)).name == "message"
    await desk.chat.record.settled()
    async with desk.filled.database.writing() as session:
        await session.execute(delete(Conversation).where(Conversation.id == turn.conversation_id))
    rest = [event async for event in events]
    assert isinstance(rest[-1], TurnFailed)
    assert isinstance(rest[-1].error, NotFound)
