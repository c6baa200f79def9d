"""What machines ask, what every response carries, and how errors look."""

from __future__ import annotations

import gzip

import httpx
import pytest

from backend.api.limits import RateLimit
from backend.api.state import AppState
from knowledge.errors import LimitExceeded
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_probes(visitor: httpx.AsyncClient, state: AppState) -> None:
    health = (await visitor.get("/healthz")).json()
    assert health["instance"] == state.instance
    ready = await visitor.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {"database", "index", "encoder"}
    text = (await visitor.get("/metrics")).text
    assert "candor_http_request_seconds_bucket" in text
    assert "candor_chunks " in text


async def test_not_ready_where_a_part_fails(
    visitor: httpx.AsyncClient, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(ids: object) -> None:
        from knowledge.errors import IndexUnavailable

        raise IndexUnavailable("The index is gone.")

    monkeypatch.setattr(type(state.index), "retrieve", lambda self, ids: gone(ids))
    answer = await visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["index"] == {"ok": False, "detail": "The index is gone."}


async def test_every_response_carries_its_headers(visitor: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nothing", "/api/v1/documents"):
        answer = await visitor.get(path, headers={"X-Request-ID": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    forged = await visitor.get("/healthz", headers={"X-Request-ID": "a b\x01"})
    assert len(forged.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/healthz", 405), ("GET", "/api/v1/documents/x", 401)],
)
async def test_errors_are_problems(
    visitor: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await visitor.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "action", "instance"}
    assert body["status"] == status


async def test_invalid_bodies_say_where(enter: Enter) -> None:
    client = await enter()
    answer = await client.post("/knowledge-bases", json={"nam": "x"})
    assert answer.status_code == 422
    assert {one["at"] for one in answer.json()["errors"]} == {"body.name", "body.nam"}
    broken = await client.post(
        "/knowledge-bases", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 422
    zone = await client.post("/tokens", json={"name": "x", "expires_at": "2030-01-01T00:00:00"})
    assert zone.status_code == 422


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_body_over_the_limit_is_refused(enter: Enter, says_its_length: bool) -> None:
    client = await enter()

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(30):
            yield b"x" * 50_000

    content = b"x" * 1_500_000 if says_its_length else pieces()
    answer = await client.post(
        "/search", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_nobody_foresaw_is_told_in_short(
    visitor: httpx.AsyncClient, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(self: object) -> bytes:
        raise RuntimeError("secret words")

    monkeypatch.setattr(type(state.metrics), "text", explode)
    answer = await visitor.get("/metrics", headers={"X-Request-ID": "abc-2"})
    assert answer.status_code == 500
    assert "abc-2" in answer.json()["action"]
    assert "secret" not in answer.text


async def test_widget_files(visitor: httpx.AsyncClient) -> None:
    plain = await visitor.get("/widget/v1/loader.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["access-control-allow-origin"] == "*"
    assert "max-age=600" in plain.headers["cache-control"]
    packed = await visitor.get("/widget/v1/loader.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))
    same = await visitor.get(
        "/widget/v1/loader.js", headers={"If-None-Match": plain.headers["etag"]}
    )
    assert (same.status_code, same.content) == (304, b"")
    for path in ("/widget/v1/../../pyproject.toml", "/widget/v9/loader.js", "/pages/sign-in.html"):
        assert (await visitor.get(path)).status_code == 404, path


async def test_every_operation_is_described(visitor: httpx.AsyncClient) -> None:
    schema = (await visitor.get("/api/v1/openapi.json")).json()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (path, method)
            assert operation.get("description"), (path, method)


async def test_a_bucket_fills_again() -> None:
    now = [0.0]
    limit = RateLimit("some", 60, 2, "Too much.", clock=lambda: now[0])
    limit.take("a")
    limit.take("a")
    with pytest.raises(LimitExceeded) as refused:
        limit.take("a")
    assert refused.value.retry_after == 1.0
    limit.take("b")
    now[0] = 1.0
    limit.take("a")
