"""Nobody comes in without a session: neither to a page nor to the socket behind it."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.access import COOKIE, caller_by_session
from backend.api.state import AppState
from backend.console.assets import find_asset
from backend.console.visit import VISIT, Visit
from knowledge.errors import Unauthenticated

_FOR_EVER = "public, max-age=31536000, immutable"

# NiceGUI starts its pages with inline scripts, and Vue compiles templates in the browser. Every
# text reaches a page escaped, so neither is a way in; nothing is loaded from, or sent, elsewhere.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Gate:
    """Lets signed-in people through to ``pages``, and tells each page who they are."""

    def __init__(self, pages: ASGIApp, app: FastAPI, current: Callable[[], AppState]) -> None:
        self._pages = pages
        self._app = app
        self._current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        headers = Headers(scope=scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and path.startswith("/assets/"):
            await find_asset(path.removeprefix("/assets/"))(scope, receive, send)
            return
        visit = await self._visit(headers)
        if path.startswith("/_nicegui_ws") and not self._is_own(headers):
            visit = None
        if visit is None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4401})
            else:
                await _refusal(path, scope["query_string"].decode("latin-1"))(scope, receive, send)
            return
        scope[VISIT] = visit
        await self._pages(scope, receive, _with_headers(send, path))

    async def _visit(self, headers: Headers) -> Visit | None:
        secret = _cookie(headers)
        if not secret:
            return None
        state = self._current()
        try:
            caller = await caller_by_session(state, secret)
        except Unauthenticated:
            return None
        return Visit(self._app, state, caller, secret)

    def _is_own(self, headers: Headers) -> bool:
        """Whether a socket was opened by one of this server's own pages."""
        origin = headers.get("origin")
        public = urlsplit(self._current().options.public_url).netloc
        return origin is None or urlsplit(origin).netloc in (headers.get("host"), public or None)


def _cookie(headers: Headers) -> str:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _refusal(path: str, query: str) -> Response:
    """The way to the sign-in page and back; for what is no page, a bare refusal."""
    if path.startswith("/_nicegui"):
        return Response("Sign in first.", status_code=401)
    wanted = f"/console{path}" + (f"?{query}" if query else "")
    return RedirectResponse(f"/sign-in?to={quote(wanted)}", status_code=303)


def _with_headers(send: Send, path: str) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY
            if path.startswith("/_nicegui/") and message["status"] == 200:
                headers["Cache-Control"] = _FOR_EVER  # addresses there carry NiceGUI's version
        await send(message)

    return wrapped
