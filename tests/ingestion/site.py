"""A real HTTP server on loopback that serves what a test tells it to, well-behaved or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

Headers = dict[str, str]
Reply = tuple[int, Headers, bytes]
Handler = Callable[["Asked"], Reply | Awaitable[Reply]]


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Headers


@dataclass
class Site:
    """Routes by path; ``asked`` is every path in the order of requests. Unknown paths are 404."""

    pages: dict[str, Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            self._server = None
            await asyncio.sleep(0.01)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def hold_pages(self, number: int) -> asyncio.Event:
        """A home page with links to ``/p0`` and on, which wait until the event is set."""
        opened = asyncio.Event()
        self.html("/", page("Home", *(f"/p{n}" for n in range(number))))

        async def wait(asked: Asked) -> Reply:
            await opened.wait()
            return 200, {"Content-Type": "text/html"}, page(f"Page {asked.path}").encode()

        for n in range(number):
            self.pages[f"/p{n}"] = wait
        return opened

    async def until_asked(self, beginning: str) -> None:
        """Wait for a request whose path begins so."""
        while not any(path.startswith(beginning) for path in self.asked):
            await asyncio.sleep(0.01)

    def html(self, path: str, body: str, **headers: str) -> None:
        """Serve a page with a body, and optionally further headers (underscores become dashes)."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        self.reply(path, body.encode(), **{"Content-Type": "text/html; charset=utf-8"} | extra)

    def reply(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda _: (status, sent, body)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.pages[path] = lambda _: (status, {"Location": to}, b"")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        path = first.split(" ")[1]
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        self.asked.append(path)
        handler = self.pages.get(path) or self.pages.get(path.split("?")[0]) or _not_found
        reply = handler(Asked(path, headers))
        status, extra, body = reply if isinstance(reply, tuple) else await reply
        sent = {"Content-Length": str(len(body)), **extra}
        text = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"HTTP/1.1 {status} Answer\r\n{text}\r\n".encode("latin-1") + body)
        await writer.drain()
        return True


def _not_found(_: Asked) -> Reply:
    return 404, {}, b"no such page"


LONG = "<p>" + "Some words about the page that make it long enough to stand alone. " * 6 + "</p>"


def page(title: str, *links: str, words: str = "", head: str = "") -> str:
    """An HTML page with a heading, enough words to be one, and links."""
    anchors = "".join(f'<a href="{link}">to {link}</a> ' for link in links)
    return (
        f"<html><head><title>{title}</title>{head}</head><body><main><h1>{title}</h1>"
        f"<p>{title} {words}</p>{LONG}{anchors}</main></body></html>"
    )
