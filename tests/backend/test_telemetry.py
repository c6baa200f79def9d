"""Traces reach a collector: a real one speaks OTLP over HTTP, and so does this loopback server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from fastapi import FastAPI

from backend.telemetry import traced


class _Collector(ThreadingHTTPServer):
    received: list[tuple[str, bytes]]


class _Handler(BaseHTTPRequestHandler):
    server: _Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[_Collector]:
    with _Collector(("127.0.0.1", 0), _Handler) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def _ask(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://candor") as client:
        for path in ("/things/7", "/healthz"):
            assert (await client.get(path)).status_code == 200


def _application() -> FastAPI:
    app = FastAPI()
    app.get("/things/{thing}")(lambda thing: {"thing": thing})
    app.get("/healthz")(lambda: {})
    return app


async def test_requests_are_traced_and_probes_are_not(collector: _Collector) -> None:
    app = _application()
    with traced(app, f"http://127.0.0.1:{collector.server_port}/", "1.2.3"):
        await _ask(app)
    assert [path for path, _ in collector.received] == ["/v1/traces"]
    (_, body) = collector.received[0]
    assert b"/things/{thing}" in body
    assert b"1.2.3" in body
    assert b"healthz" not in body


async def test_nothing_is_traced_without_a_collector(collector: _Collector) -> None:
    app = _application()
    with traced(app, "", "1.2.3"):
        await _ask(app)
    assert collector.received == []
