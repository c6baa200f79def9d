"""A customer's server, which messages are posted to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Receiver:
    """Answers with each status in turn, the last one for ever, and keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.address = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """While open, it listens at ``address``."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        async with server:
            yield

    async def heard(self, count: int) -> None:
        """Wait for so many messages in all."""
        async with asyncio.timeout(20):
            while len(self.got) < count:
                await asyncio.sleep(0.02)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()[1:]
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)
        }
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        location = "Location: http://127.0.0.1:1/\r\n" if status == 302 else ""
        answer = f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()
