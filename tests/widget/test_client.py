"""The conversation with the server when the network does what networks do."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.widget.content import ANSWER, CITATIONS
from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK = """async ([origin, question, stopAfter]) => {
  const { Client } = await import(`${origin}/source/client.js`);
  const patience = { first: 400, silence: 800, whole: 5000, retries: [10, 20, 30] };
  const client = new Client(origin, 'garden', patience);
  const turn = {
    question, conversationId: 'c1', visitor: 'v', key: 'k1', lastId: 0, messageId: '',
  };
  const stop = new AbortController();
  let answer = '';
  let citations = [];
  const names = [];
  try {
    for await (const { name, data } of client.ask(turn, stop.signal)) {
      names.push(name);
      if (name === 'restart') { answer = ''; citations = []; }
      if (name === 'message') answer += data.delta;
      if (name === 'citation') citations.push(data.id);
      if (name === 'final_answer' && !answer) answer = data.answer;
      if (names.length === stopAfter) stop.abort();
    }
  } catch (error) {
    const failed = error.name === 'AbortError' ? 'stopped' : error.fields?.status ?? String(error);
    return { answer, names, failed, detail: error.fields?.detail };
  }
  return { answer, citations, names, buffered: client.buffered };
}"""


async def ask(
    page: Page, scripted: ScriptedServer, question: str, stop_after: int = 0
) -> dict[str, Any]:
    await page.goto(f"{scripted.origin}/host/plain")
    result: dict[str, Any] = await page.evaluate(ASK, [scripted.origin, question, stop_after])
    return result


async def test_an_ordinary_turn(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "ordinary")
    assert result["answer"] == ANSWER
    assert result["citations"] == [citation["id"] for citation in CITATIONS]
    assert result["names"][0] == "search_results"
    assert result["names"][-1] == "final_answer"
    assert scripted.record.chats == [
        {"question": "ordinary", "conversation_id": "c1", "visitor": "v", "stream": True,
         "idempotency-key": "k1", "last-event-id": None}
    ]  # fmt: skip


@pytest.mark.parametrize("server", ["continue", "replay", "anew"])
async def test_no_word_is_lost_or_doubled(
    page: Page, scripted: ScriptedServer, server: str
) -> None:
    """Whether the server goes on where it was, replays the turn, or answers once more."""
    result = await ask(page, scripted, server)
    assert result["answer"] == ANSWER
    assert result["citations"] == [citation["id"] for citation in CITATIONS]
    first, second = scripted.record.chats
    assert (first["last-event-id"], second["last-event-id"]) == (None, "8")
    assert first["idempotency-key"] == second["idempotency-key"]
    assert ("restart" in result["names"]) == (server == "anew")


async def test_a_connection_that_always_breaks(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "never")
    assert result["failed"] == 0
    assert len(scripted.record.chats) == 4


async def test_a_stream_held_back_becomes_a_whole_answer(
    page: Page, scripted: ScriptedServer
) -> None:
    result = await ask(page, scripted, "hold back")
    assert result["answer"] == ANSWER
    assert result["buffered"] is True
    assert [chat["stream"] for chat in scripted.record.chats] == [True, False]


async def test_silence_breaks_the_connection(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "wait")
    assert result["failed"] == 0
    assert {chat["last-event-id"] for chat in scripted.record.chats} == {None, "6"}


async def test_a_server_without_streams(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "json")
    assert (result["answer"], result["names"]) == (ANSWER, ["final_answer"])


async def test_a_refusal_is_not_repeated(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "limit")
    assert (result["failed"], result["detail"]) == (429, "Too many questions.")
    assert len(scripted.record.chats) == 1


async def test_an_error_after_the_stream_began(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "refuse late")
    assert (result["failed"], result["detail"]) == (503, "The model is away.")
    assert len(scripted.record.chats) == 1


async def test_stop(page: Page, scripted: ScriptedServer) -> None:
    result = await ask(page, scripted, "wait", stop_after=4)
    assert result["failed"] == "stopped"
    assert len(result["names"]) == 4
    assert len(scripted.record.chats) == 1
