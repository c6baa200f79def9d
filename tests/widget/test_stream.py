"""Server-sent events: the same events come out wherever the network cuts the bytes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = """async ([origin, pieces]) => {
  const { readEvents } = await import(`${origin}/source/stream.js`);
  let heard = 0;
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new Uint8Array(piece));
      controller.close();
    },
  });
  const events = [];
  for await (const event of readEvents(body, () => { heard += 1; })) events.push(event);
  return { events, heard };
}"""


async def read(lab: Page, scripted: ScriptedServer, pieces: list[bytes]) -> dict[str, Any]:
    result: dict[str, Any] = await lab.evaluate(
        READ, [scripted.origin, [list(piece) for piece in pieces]]
    )
    return result


async def test_one_event(lab: Page, scripted: ScriptedServer) -> None:
    result = await read(lab, scripted, [b'id: 7\nevent: message\ndata: {"delta": "hi"}\n\n'])
    assert result["events"] == [{"id": 7, "name": "message", "data": {"delta": "hi"}}]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_every_cut(lab: Page, scripted: ScriptedServer, newline: str) -> None:
    lines = [
        ": heartbeat", "", "id: 1", "event: message", 'data: {"delta":', 'data: "ž🌱"}', "",
        "id:2", 'data:{"a": 1}', "", "event: citation", "", "id: x", "data: null", "", "",
    ]  # fmt: skip
    text = newline.join(lines).encode()
    whole = await read(lab, scripted, [text])
    assert whole["events"] == [
        {"id": 1, "name": "message", "data": {"delta": "ž🌱"}},
        {"id": 2, "name": "message", "data": {"a": 1}},
        {"id": None, "name": "message", "data": None},
    ]
    cut_everywhere = """async ([origin, text]) => {
      const { readEvents } = await import(`${origin}/source/stream.js`);
      const different = [];
      for (let cut = 1; cut < text.length; cut += 1) {
        const body = new ReadableStream({ start(controller) {
          controller.enqueue(new Uint8Array(text.slice(0, cut)));
          controller.enqueue(new Uint8Array(text.slice(cut)));
          controller.close();
        } });
        const events = [];
        for await (const event of readEvents(body, () => {})) events.push(event);
        different.push(JSON.stringify(events));
      }
      return [...new Set(different)];
    }"""
    assert len(await lab.evaluate(cut_everywhere, [scripted.origin, list(text)])) == 1


async def test_an_unfinished_event_is_not_believed(lab: Page, scripted: ScriptedServer) -> None:
    result = await read(lab, scripted, [b'id: 1\ndata: {"delta": "half"}\n'])
    assert result["events"] == []


async def test_a_heartbeat_is_heard(lab: Page, scripted: ScriptedServer) -> None:
    result = await read(lab, scripted, [b": still here\n\n", b": still here\n\n"])
    assert result == {"events": [], "heard": 2}
