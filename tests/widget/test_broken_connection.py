"""A connection to the application that breaks in the middle of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.browser import Trouble
from tests.widget.installation import Installation
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import ask

pytestmark = pytest.mark.asyncio(loop_scope="session")
_CUT = b"event: message"


@dataclass
class Cutting:
    """A proxy that passes everything on, but breaks off the first answers after some words.

    ``cuts``: after how many pieces of the answer each of the first streams ends. ``asked``: the
    heads of the requests for an answer.
    """

    upstream: int
    cuts: list[int]
    asked: list[str] = field(default_factory=list)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the browser."""
        other, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        there = asyncio.create_task(self._there(reader, back))
        try:
            await self._back(other, writer)
        finally:
            there.cancel()
            writer.close()
            back.close()

    async def _there(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            if piece.startswith(b"POST ") and b"/chat HTTP" in piece:
                self.asked.append(piece.partition(b"\r\n\r\n")[0].decode().lower())
            back.write(piece)
            await back.drain()

    async def _back(self, other: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = b""
        while piece := await other.read(65_536):
            seen += piece
            if self.cuts and seen.count(_CUT) > self.cuts[0]:
                # Up to the middle of the event after the last that comes through whole.
                end = -1
                for _ in range(self.cuts.pop(0) + 1):
                    end = seen.index(_CUT, end + 1)
                writer.write(piece[: len(piece) - len(seen) + end + len(_CUT)])
                await writer.drain()
                # A browser drops what it has not read when the connection breaks.
                await asyncio.sleep(0.5)
                return
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def cutting(origin: str, cuts: list[int]) -> AsyncIterator[tuple[str, Cutting]]:
    proxy = Cutting(urlsplit(origin).port or 0, cuts)
    server = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", proxy


async def test_no_word_is_lost_or_doubled(
    page: Page, candor: Installation, scripted: ScriptedServer, trouble: Trouble
) -> None:
    """The server goes on where the browser left off, twice in one answer."""
    await candor.behave({})
    async with cutting(candor.origin, [1, 0]) as (origin, proxy):
        query = urlencode({"candor": origin, "assistant": candor.key})
        await page.goto(f"{scripted.website}/host/plain?{query}")
        await page.get_by_role("button", name="Chat with The Garden").click()
        await ask(page, "When does the garden open?")
        await expect(page.get_by_role("log").get_by_text("Why this answer")).to_be_visible()
        shown = await page.locator(".answer .prose").inner_text()
        await page.get_by_role("button", name="Try again").click()  # nothing is cut any more
        await expect(page.get_by_role("log").get_by_text("Why this answer")).to_be_visible()
        assert await page.locator(".answer .prose").inner_text() == shown
    assert "The garden is open from nine to six." in shown
    first, second, third, whole = (_headers(head) for head in proxy.asked)
    assert first["idempotency-key"] == second["idempotency-key"] == third["idempotency-key"]
    assert "last-event-id" not in first
    assert 0 < int(second["last-event-id"]) <= int(third["last-event-id"])
    assert whole["idempotency-key"] != first["idempotency-key"]
    trouble.clear()  # the browser tells of both


def _headers(head: str) -> dict[str, str]:
    lines = [line.partition(": ") for line in head.splitlines()[1:]]
    return {name: value for name, _, value in lines}
