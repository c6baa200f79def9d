"""``/mcp``: search and answers for assistants that speak the Model Context Protocol."""

from __future__ import annotations

from fastapi import APIRouter, Response

from backend.api.access import Viewer
from backend.api.state import State

router = APIRouter()


@router.post("/mcp", include_in_schema=False)
async def call(caller: Viewer, state: State) -> Response:
    """A message of the protocol's streamable HTTP transport, with an API token as its bearer."""
    return await state.mcp.answer(state, caller)
