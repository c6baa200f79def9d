"""Where assistants that speak the Model Context Protocol come in: its streamable HTTP transport.

Every request stands by itself (no session is kept, so that any process can answer it) and is
answered in JSON. The tools are in ``backend/adapters/mcp_server.py``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from knowledge.errors import MissingExtra

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from backend.api.access import Caller
    from backend.api.state import AppState


class McpEndpoint:
    """The tools of one process, made when the first call comes in: they load a package."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    async def answer(self, state: AppState, caller: Caller) -> Response:
        """What answers a caller's request. Raises :class:`MissingExtra`."""
        async with self._opening:
            if self._manager is None:
                self._manager = await asyncio.to_thread(_make, state)
                opened = asyncio.Event()
                self._running = asyncio.create_task(self._run(self._manager, opened))
                await opened.wait()
        return _Answer(self._manager, caller)

    async def close(self) -> None:
        """End what is still being answered."""
        self._closed.set()
        if self._running is not None:
            await self._running

    async def _run(self, manager: StreamableHTTPSessionManager, opened: asyncio.Event) -> None:
        # Its tasks belong to one task of ours, which opens and closes it.
        async with manager.run():
            opened.set()
            await self._closed.wait()


class _Answer(Response):
    """Hands the request on, as what it is, to the package."""

    def __init__(self, manager: StreamableHTTPSessionManager, caller: Caller) -> None:
        super().__init__()
        self._manager = manager
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from backend.adapters.mcp_server import called_by

        with called_by(self._caller):
            await self._manager.handle_request(scope, receive, send)


def _make(state: AppState) -> StreamableHTTPSessionManager:
    try:
        from mcp.server.transport_security import TransportSecuritySettings

        from backend.adapters.mcp_server import make_server
    except ImportError as error:
        raise MissingExtra(
            "The Model Context Protocol is not installed here.",
            "Install Candor with the extra mcp.",
        ) from error
    server = make_server(state)
    # Which host was named is of no account: without a token, which no website can send, nothing
    # is answered.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
    return server.session_manager
