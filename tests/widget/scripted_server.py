"""A server that speaks the chat contract from scripts: what a question gets is decided here.

It exists to produce what a real server does rarely and at no chosen moment: a connection that
breaks between two words, a proxy that holds a stream back, a limit that is reached. The ordinary
ways are tested against the application itself, in ``test_application.py``.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import widget
from backend.api.assets import Assets
from tests.widget import hosts
from tests.widget.content import ANSWER, CITATIONS, HITS, PROFILES, VISITING
from widget.served import served_files

JQUERY = Path(widget.__file__).parent / "node_modules" / "jquery" / "dist" / "jquery.js"
Event = tuple[str, dict[str, Any]]

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "authorization, content-type, accept, idempotency-key, last-event-id, x-candor-visitor"
    ),
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
}
STRICT_SELF = {"Content-Security-Policy": "default-src 'self'"}


@dataclass
class Record:
    """What the browser sent, for the tests to look at."""

    chats: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.acts.clear()
        self.deleted.clear()
        self.chats.clear()
        self.feedback.clear()


def turn(message_id: str = "m1", answer: str = ANSWER) -> list[Event]:
    """The events of one ordinary turn, word by word, each citation after its sentence."""
    found = {"conversation_id": "c1", "message_id": message_id}
    events: list[Event] = [
        ("search_results", {**found, "query": "the question", "took_ms": 4.2, "hits": HITS})
    ]
    at = 0
    for word in answer.split(" "):
        delta = word if at == 0 else f" {word}"
        events.append(("message", {"delta": delta}))
        due = [c for c in CITATIONS if at < c["sentence"][1] <= at + len(delta)]
        events += [("citation", citation) for citation in due]
        at += len(delta)
    return [*events, ("final_answer", final(message_id, answer))]


def final(message_id: str = "m1", answer: str = ANSWER) -> dict[str, Any]:
    return {
        "conversation_id": "c1", "message_id": message_id, "answer": answer, "abstained": False,
        "citations": CITATIONS, "took_ms": 12.5, "model": "extractive", "notice": "",
    }  # fmt: skip


class ScriptedServer:
    """One application on one loopback port. ``pace``: seconds between two events."""

    def __init__(self) -> None:
        self.record = Record()
        self.port = 0
        self.assets = Assets(served_files())
        self.pace = 0.0
        source = Path(widget.__file__).parent
        self.app = Starlette(
            routes=[
                Route("/", self._ask_page),
                Route("/lab", self._lab),
                Route("/visiting", self._visiting),
                Route("/host/{name}", self._host),
                Route("/old/jquery.js", self._jquery),
                Route("/widget/v1/{path:path}", self._file),
                Mount("/source", StaticFiles(directory=source / "src")),
                Route("/api/v1/assistants/{key}", self._profile),
                Route("/api/v1/assistants/{key}/{rest:path}", self._options, methods=["OPTIONS"]),
                Route("/api/v1/assistants/{key}/events", self._events, methods=["POST"]),
                Route(
                    "/api/v1/assistants/{key}/conversations/{id}", self._delete, methods=["DELETE"]
                ),
                Route("/api/v1/assistants/{key}/chat", self._chat, methods=["POST"]),
                Route("/api/v1/assistants/{key}/feedback", self._feedback, methods=["POST"]),
            ]
        )

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def website(self) -> str:
        """Another origin, on which the host pages are."""
        return f"http://localhost:{self.port}"

    async def _ask_page(self, request: Request) -> Response:
        key = request.query_params.get("assistant", "garden")
        return HTMLResponse(
            served_files()["pages/ask.html"].decode().replace("{{assistant}}", escape(key)),
            headers=STRICT_SELF,
        )

    async def _lab(self, request: Request) -> Response:
        return HTMLResponse("<!doctype html><title>Lab</title><body></body>")

    async def _visiting(self, request: Request) -> Response:
        return HTMLResponse(VISITING)

    async def _jquery(self, request: Request) -> Response:
        return FileResponse(JQUERY)

    async def _host(self, request: Request) -> Response:
        """A website. ``candor`` and ``assistant`` in the query name another server than this."""
        candor = request.query_params.get("candor", self.origin)
        assistant = request.query_params.get("assistant", "garden")
        page = hosts.PAGES[request.path_params["name"]]
        policy = {"Content-Security-Policy": page.policy.format(candor=candor)}
        return HTMLResponse(
            page.html.replace("{candor}", candor).replace("{assistant}", assistant),
            headers=policy if page.policy else {},
        )

    async def _file(self, request: Request) -> Response:
        file = self.assets.find(request.path_params["path"])
        assert file is not None
        return Response(file.content, media_type=file.media_type, headers=CORS)

    async def _options(self, request: Request) -> Response:
        return Response(headers=CORS)

    async def _profile(self, request: Request) -> Response:
        profile = PROFILES.get(request.path_params["key"])
        if profile is None:
            return problem(404, "There is no such assistant.")
        return JSONResponse(profile, headers=CORS)

    async def _events(self, request: Request) -> Response:
        self.record.acts += (await request.json())["events"]
        return Response(status_code=204, headers=CORS)

    async def _delete(self, request: Request) -> Response:
        self.record.deleted.append(request.path_params["id"])
        return Response(status_code=204, headers=CORS)

    async def _feedback(self, request: Request) -> Response:
        self.record.feedback.append(await request.json())
        return Response(status_code=204, headers=CORS)

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        seen = {name: request.headers.get(name) for name in ("idempotency-key", "last-event-id")}
        self.record.chats.append({**body, **seen})
        question = body["question"]
        if question == "limit":
            return problem(429, "Too many questions.")
        if not body["stream"] or question == "json":
            return JSONResponse(final(), headers=CORS)
        last = int(seen["last-event-id"] or 0)
        stream = self._stream(question, last)
        return StreamingResponse(stream, media_type="text/event-stream", headers=CORS)

    async def _stream(self, question: str, last: int) -> AsyncIterator[bytes]:
        tries = sum(chat["question"] == question for chat in self.record.chats)
        if question == "hold back":
            await asyncio.sleep(60)
        if question == "refuse late":
            yield frame(1, turn()[0])
            away = {"title": "Model gone", "status": 503, "detail": "The model is away."}
            yield frame(2, ("error", away))
            return
        events = list(enumerate(turn("m2" if question == "anew" and tries > 1 else "m1"), 1))
        if question == "continue":
            events = events[last:]
        for number, event in events:
            if self.pace:
                await asyncio.sleep(self.pace)
            if (
                question in ("continue", "replay", "anew", "never")
                and number == 9
                and (tries == 1 or question == "never")
            ):
                return  # the connection ends in the middle
            yield b": still here\n\n" + frame(number, event)
            if question == "wait" and number == 6:
                await asyncio.sleep(60)


def frame(number: int, event: Event) -> bytes:
    name, data = event
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def problem(status: int, detail: str) -> JSONResponse:
    body = {
        "type": "about:blank", "title": "Refused", "status": status, "detail": detail, "action": "",
    }  # fmt: skip
    return JSONResponse(
        body, status_code=status, headers=CORS, media_type="application/problem+json"
    )


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[int]:
    """Serve an ASGI application on a free loopback port, in a thread of its own."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        thread.join(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    scripted = ScriptedServer()
    scripted.pace, scripted.port = 0.05, 8123
    uvicorn.run(scripted.app, host="127.0.0.1", port=8123)
