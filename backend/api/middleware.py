"""What happens around every request: an id, a log line, a figure, headers, a limit on its body."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api import abuse
from backend.api.errors import on_unexpected, problem, respond
from knowledge.errors import LimitExceeded

_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[\w.-]{1,64}")
_VISITORS = re.compile(r"/api/v1/assistants/pk_")
_QUIET = ("/healthz", "/readyz", "/metrics")

MAX_BODY_BYTES = 1_000_000
"""The largest body of a request that is no upload."""

MAX_UPLOAD_BYTES = 20_000_000_000
"""The largest body of an upload, all its files together; the setting limits each of them."""

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'"
)


class RequestContext:
    """Gives a request its id, measures it, and writes one line about it: never what was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, started_response = 500, False
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started_response
            if message["type"] == "http.response.start":
                started_response = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                _add_headers(headers, request_id)
                _allow_origin(headers, scope["state"].get("cors_origin"))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as error:
                if started_response:
                    raise
                response = on_unexpected(Request(scope), error)
                await response(scope, receive, send_with_headers)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        state = getattr(scope["app"].state, "candor", None) if "app" in scope else None
        if state is not None:
            state.metrics.requests.labels(scope["method"], route, str(status)).observe(seconds)
        if route not in _QUIET:
            _log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
            )


class BodyLimit:
    """Refuses a body over the limit, whether it says its length or not, with a problem.

    ``uploads`` is found in the paths that take :data:`MAX_UPLOAD_BYTES`.
    """

    def __init__(self, app: ASGIApp, uploads: re.Pattern[str]) -> None:
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = MAX_UPLOAD_BYTES if self._uploads.search(scope["path"]) else MAX_BODY_BYTES
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            error = LimitExceeded(
                f"The body of the request is over {limit:,} bytes.",
                "Send less, or upload it as a file.",
            )
            _note_body(scope, limit)
            await respond(Request(scope), problem(error))(scope, receive, send)
            return
        await self._app(scope, _counting(scope, receive, limit), send)


def _note_body(scope: Scope, limit: int) -> None:
    if _VISITORS.match(scope["path"]):
        abuse.note(scope, "body", most=limit)


def _counting(scope: Scope, receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                _note_body(scope, limit)
                # Of all errors raised while a body is read, FastAPI passes on this kind.
                raise HTTPException(413, f"The body of the request is over {limit:,} bytes")
        return message

    return counted


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _add_headers(headers: MutableHeaders, request_id: str) -> None:
    headers["X-Request-ID"] = request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", f"{CONTENT_POLICY}; frame-ancestors 'self'")


def _allow_origin(headers: MutableHeaders, origin: str | None) -> None:
    """Let the page of an assistant's allowed origin read the response, errors too."""
    if origin is None:
        return
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
    headers.add_vary_header("Origin")
