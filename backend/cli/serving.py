"""``candor serve``: the application behind uvicorn, on a socket that is bound first."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI

from backend import logs
from backend.api.state import AppState
from backend.app import create_app
from backend.cli.loading import loading
from backend.data_folder import RunningServer, announced
from backend.first_start import owner_link
from backend.services import Parts, open_parts, version
from backend.telemetry import traced
from knowledge.errors import InvalidSettings
from knowledge.settings import Settings

_GRACE_S = 5


async def serve(parts: Parts) -> None:
    """Serve until a signal ends it. The port is taken before anything is opened.

    Raises :class:`InvalidSettings` where the port cannot be bound, and what opening raises.
    """
    settings = parts.settings
    logs.configure(settings.log_level, settings.log_format)
    parts = dataclasses.replace(parts, work=settings.worker, sample=True)
    with _bound(settings) as listening:
        app = create_app(lambda: open_parts(parts), version())
        with traced(app, settings.otel_endpoint, version()):
            await _open_and_run(app, settings, listening)


async def _open_and_run(app: FastAPI, settings: Settings, listening: socket.socket) -> None:
    """Open everything, say so to the person and to the commands, and answer requests."""
    port = listening.getsockname()[1]
    async with AsyncExitStack() as stack:
        with loading():
            await stack.enter_async_context(app.router.lifespan_context(app))
        state: AppState = app.state.candor
        url = f"http://{_reachable(settings.host)}:{port}"
        server = RunningServer(url, os.getpid(), state.local_token, state.instance)
        await _welcome(state, settings.public_url.rstrip("/") or url)
        with announced(settings.data, server):
            await _run(app, listening, settings.trusted_proxies)


def server_config(app: object, trusted_proxies: str) -> uvicorn.Config:
    """How uvicorn serves ``app``: a request's address and scheme are those of its connection, or,
    where that comes from one of ``trusted_proxies``, what the proxy says in ``X-Forwarded-For``
    and ``X-Forwarded-Proto``.
    """
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        proxy_headers=bool(trusted_proxies.strip()),
        forwarded_allow_ips=trusted_proxies,
    )


async def _run(app: object, listening: socket.socket, trusted_proxies: str) -> None:
    config = server_config(app, trusted_proxies)
    # uvicorn ends on a signal and then raises it again, which would end the process before index
    # and database are closed: the second time it is to be ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    await uvicorn.Server(config).serve(sockets=[listening])


async def _welcome(state: AppState, url: str) -> None:
    """Say where to go, and how to sign in as long as no owner has."""
    token = await owner_link(state.database, state.workspace_id)
    lines = ["", f"Candor {state.options.version} is ready: {url}"]
    if token is not None:
        link = f"{url}/sign-in?token={quote(token)}"
        lines.append(f"Sign in as the owner (once, within 24 hours): {link}")
    print("\n".join([*lines, "Press Ctrl+C to stop.\n"]), file=sys.stderr, flush=True)


def _bound(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sends small answers at once only where a socket names its protocol; else the body of
    # an answer waits 40 ms for the reader to acknowledge the head. Connections inherit the option.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        raise _cannot_bind(settings, error) from error
    listening.setblocking(False)
    return listening


def _cannot_bind(settings: Settings, error: Exception) -> InvalidSettings:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return InvalidSettings(
            f"Port {settings.port} on {settings.host} is in use by another program.",
            f"Stop it, or choose another: CANDOR_PORT={settings.port + 1}.",
        )
    if number == errno.EACCES:
        return InvalidSettings(
            f"This user may not bind port {settings.port}.", "Choose one above 1023: CANDOR_PORT."
        )
    return InvalidSettings(
        f"The address {settings.host}:{settings.port} cannot be bound: {error}.",
        "Check CANDOR_HOST and CANDOR_PORT.",
    )


def _reachable(host: str) -> str:
    """An address that reaches a server bound to ``host`` from this machine."""
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
