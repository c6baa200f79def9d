"""What can be said without starting a server: addresses, names, exit codes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import ValidationError

from backend.cli.add import LocalFile, _batches, expand, is_partial
from backend.cli.errors import ApiError, exit_code
from backend.cli.serving import _bound, _reachable, server_config
from knowledge.errors import (
    CandorError,
    DiskFull,
    EncoderMismatch,
    FolderLocked,
    InvalidInput,
    InvalidQuery,
    NotFound,
)
from knowledge.settings import Settings


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("candor.internal", "candor.internal"),
    ],
)
def test_where_a_server_is_reached(host: str, reached: str) -> None:
    assert _reachable(host) == reached


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidQuery("x"), 2),
        (NotFound("x"), 1),
        (FolderLocked("x"), 4),
        (DiskFull("x"), 4),
        (EncoderMismatch("x"), 5),
        (CandorError("x"), 1),
    ],
)
def test_exit_codes_are_the_same_here_and_over_http(error: CandorError, code: int) -> None:
    assert exit_code(error) == code
    told = ApiError({"type": f"urn:candor:{error.code}", "detail": "x", "action": ""})
    assert exit_code(told) == code
    assert told.code == error.code


def test_arguments_are_told_apart(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "docs" / ".git").mkdir(parents=True)
    (tmp_path / "docs" / ".git" / "config").write_text("x")
    (tmp_path / "docs" / "b.md").write_text("x")
    (tmp_path / "docs" / "a.md").write_text("x")
    wanted = expand(["https://www.example.com/", str(tmp_path / "docs"), "nowhere"])
    assert wanted.addresses == ["https://www.example.com/"]
    assert [file.name for file in wanted.files] == ["docs/a.md", "docs/b.md"]
    assert [one["name"] for one in wanted.refused] == ["nowhere"]
    assert expand(["https://www.example.com/"], {"max_pages": 3}).rules == {"max_pages": 3}
    with pytest.raises(InvalidInput, match="--max-pages"):
        expand([str(tmp_path / "docs")], {"max_pages": 3})
    also = {"more_starts": ["https://docs.example.com/"]}
    assert expand(["https://www.example.com/"], also).rules == also
    with pytest.raises(InvalidInput, match="--also is for one website"):
        expand(["https://www.example.com/", "https://other.example.com/"], also)


def test_uploads_are_cut_into_requests(tmp_path) -> None:  # type: ignore[no-untyped-def]
    files = [LocalFile(tmp_path, str(number), 30_000_000) for number in range(5)]
    assert [len(batch) for batch in _batches(files)] == [2, 2, 1]
    many = [LocalFile(tmp_path, str(number), 1) for number in range(101)]
    assert [len(batch) for batch in _batches(many)] == [50, 50, 1]


def test_a_dead_link_of_a_website_is_no_failure() -> None:
    page = {"state": "succeeded", "failed": [{"address": "https://www.example.com/gone"}]}
    file = {"state": "succeeded", "failed": [{"address": "upload:///a.pdf"}]}
    assert not is_partial({"refused": [], "runs": [page]})
    assert is_partial({"refused": [], "runs": [file]})
    assert is_partial({"refused": [], "runs": [{"state": "failed", "failed": []}]})


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ("127.0.0.1, ::1", ["198.51.100.7", "https"]),
        ("127.0.0.0/8", ["198.51.100.7", "https"]),
        ("10.0.0.0/8", ["127.0.0.1", "http"]),
        ("", ["127.0.0.1", "http"]),
    ],
)
async def test_a_visitor_has_the_address_that_a_trusted_proxy_names(
    proxies: str, seen: list[str]
) -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        body = f"{scope['client'][0]} {scope['scheme']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    settings = Settings(trusted_proxies=proxies)
    server = uvicorn.Server(server_config(app, settings.trusted_proxies))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        # The visitor's own word stands first, the proxy's last.
        said = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
        async with httpx.AsyncClient(headers=said) as client:
            answer = await client.get(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        server.should_exit = True
        await serving
    assert answer.text.split() == seen


def test_small_answers_are_sent_at_once() -> None:
    """Without the option, every answer on a kept connection waits 40 ms for its own second half."""
    settings = Settings(host="127.0.0.1", port=0)
    with _bound(settings) as listening, socket.create_connection(listening.getsockname()) as caller:
        listening.setblocking(True)
        accepted, _ = listening.accept()
        with accepted, caller:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert accepted.proto == socket.IPPROTO_TCP


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"proxy\.example"):
        Settings(trusted_proxies="proxy.example")
