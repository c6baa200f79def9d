"""An OpenAI-compatible endpoint on loopback that says what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """What the endpoint does with one request.

    ``status`` other than 200: an error. ``words``: the deltas of a stream. ``cut``: the connection
    is closed after the words, without an end. ``hang``: nothing comes after the words.
    """

    words: Sequence[str] = ()
    status: int = 200
    cut: bool = False
    hang: bool = False
    finish: str = "stop"


@dataclass
class OpenAIServer:
    """Answers ``POST /v1/chat/completions`` with the replies given, in order; the last repeats."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def say(self, *words: str, **rest: Any) -> None:
        """The next reply streams these words."""
        self.replies.append(Reply(words, **rest))

    def fail(self, status: int) -> None:
        """The next reply is an error."""
        self.replies.append(Reply(status=status))

    def prompt(self, number: int = -1) -> str:
        """All that was sent in one request, as text."""
        return "\n".join(message["content"] for message in self.requests[number]["messages"])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        self.keys.append(lines.get("authorization", ""))
        body = await reader.readexactly(int(lines["content-length"]))
        self.requests.append(json.loads(body))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.status != 200:
            error = json.dumps({"error": {"message": "no", "type": "scripted"}}).encode()
            writer.write(
                f"HTTP/1.1 {reply.status} Scripted\r\ncontent-type: application/json\r\n"
                f"content-length: {len(error)}\r\nconnection: close\r\n\r\n".encode()
                + error
            )
            await writer.drain()
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        await self._send(writer, _chunk({"role": "assistant", "content": ""}))
        for word in reply.words:
            await self._send(writer, _chunk({"content": word}))
        if reply.hang:
            await self._until_left(reader)
        if reply.cut:
            writer.transport.abort()
            return
        await self._send(writer, _chunk({}, reply.finish))
        await self._send(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _until_left(self, reader: asyncio.StreamReader) -> None:
        """Wait until the other side goes away."""
        if await reader.read(1) == b"":
            raise ConnectionResetError

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)


def _chunk(delta: dict[str, str], finish: str | None = None) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "scripted-1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )
