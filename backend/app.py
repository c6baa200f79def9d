"""The application: routes, middleware, and a lifespan that opens everything once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from backend import console
from backend.api import errors
from backend.api.middleware import BodyLimit, RequestContext
from backend.api.routes import (
    assistant_answers,
    assistants,
    backups,
    chat,
    completions,
    conversation_export,
    costs,
    documents,
    evaluation_runs,
    explain,
    handoffs,
    identity,
    insights,
    knowledge_bases,
    leads,
    mcp,
    pages,
    passages,
    previews,
    public_assistants,
    public_visits,
    pushed,
    query_sets,
    rules,
    runs,
    search,
    sign_in,
    sources,
    system,
    training,
    webhooks,
    written,
)
from backend.api.state import AppState

API = "/api/v1"

OpenState = Callable[[], AbstractAsyncContextManager[AppState]]

_UPLOADS = re.compile(f"{sources.UPLOADS}$|/knowledge-bases/[^/]+/documents/")
"""Paths whose bodies are files: they are streamed to the disk, and limited by the setting."""

_DESCRIPTION = """
The knowledge-base backend behind a website's chat assistant, which shows why it said what it said.

* **Who**: `Authorization: Bearer TOKEN` (`candor token create`), or a signed-in browser's cookie.
  Roles, each including the ones after it: owner, admin, editor, viewer.
* **Errors** are `application/problem+json` with `detail` (what is wrong) and `action` (what to do).
* **Lists** come in pages: `{items, next_cursor}`; send `next_cursor` back as `cursor`.
* **Repetitions**: a creating request with an `Idempotency-Key` is done once.
"""


def create_app(open_state: OpenState, version: str = "0", with_console: bool = True) -> FastAPI:
    """The application over what ``open_state`` opens when it starts and closes when it ends.

    ``with_console``: whether the pages for staff are part of it; they take time and memory.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_state() as state, state.chat.warming(), state.gaps.collector.running():
            app.state.candor = state
            # Compressed before the first visitor asks for them, who would wait for it.
            files = asyncio.create_task(asyncio.to_thread(pages.widget))
            try:
                yield
            finally:
                await files
                await state.turns.close()
                await state.mcp.close()
                await state.day_use.close()
                if state.lead_webhooks is not None:
                    await state.lead_webhooks.close()
                if state.mail is not None:
                    await state.mail.close()

    app = FastAPI(
        title="Candor",
        version=version,
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app)
    # FastAPI prepares a router's routes when the first request comes that none before it takes:
    # whether the server is ready is answered before all of them are.
    app.include_router(system.probes)
    for module in (
        knowledge_bases,
        previews,
        sources,
        runs,
        documents,
        passages,
        pushed,
        webhooks,
        written,
        search,
        explain,
        rules,
        query_sets,
        evaluation_runs,
        insights,
        costs,
        conversation_export,  # before the route that takes an id there
        chat,
        assistants,
        assistant_answers,
        public_assistants,
        public_visits,
        leads,
        handoffs,
        identity,
        system,
        backups,
        training,
    ):
        app.include_router(module.router, prefix=API)
    app.include_router(completions.router)
    app.include_router(mcp.router)
    app.include_router(sign_in.router)
    app.include_router(pages.router)
    app.add_middleware(BodyLimit, uploads=_UPLOADS)
    app.add_middleware(RequestContext)
    if with_console:
        console.mount(app, lambda: app.state.candor)
    return app
