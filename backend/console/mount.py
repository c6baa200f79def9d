"""Attaching the console to the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

from fastapi import FastAPI

from backend.api.state import AppState
from backend.console.gate import Gate
from backend.console.on_demand import OnDemand

PATH = "/console"


def mount(app: FastAPI, current: Callable[[], AppState]) -> None:
    """Serve the console of ``app`` under ``/console``.

    ``current`` gives the open state; it is asked for each request, after the start. The pages are
    imported when somebody who is signed in comes for the first time.
    """
    whole = OnDemand(_pages)
    app.mount(PATH, Gate(whole, app, current))
    opens = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(owner: FastAPI) -> AsyncIterator[None]:
        async with opens(owner), whole.running():
            yield

    app.router.lifespan_context = lifespan


@cache
def _pages() -> FastAPI:
    """All pages, once for the process: NiceGUI keeps them in one application of its own."""
    from nicegui import ui

    from backend.console import pages

    pages.register()
    whole = FastAPI(openapi_url=None)
    ui.run_with(
        whole,
        title="Candor",
        language="en-US",
        favicon=pages.ICON,
        binding_refresh_interval=None,
        reconnect_timeout=30.0,
        tailwind=False,
        show_welcome_message=False,
    )
    return whole
