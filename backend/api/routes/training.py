"""``/knowledge-bases/{id}/training-pairs``"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from backend.api.access import Editor
from backend.api.errors import PROBLEMS
from backend.api.state import AppState, State
from backend.insights.training_pairs import training_pairs
from knowledge.store.queries.knowledge_bases import find_knowledge_base

router = APIRouter(prefix="/knowledge-bases", tags=["training"], responses=PROBLEMS)

_MEDIA_TYPE = "application/x-ndjson"
_EXAMPLE = (
    '{"source": "heading", "query": "Returns Refunds", "passage": "A refund takes five days."}\n'
)


@router.get(
    "/{knowledge_base_id}/training-pairs",
    summary="Download pairs to fine-tune an encoder with",
    response_class=StreamingResponse,
    responses={200: {"content": {_MEDIA_TYPE: {"example": _EXAMPLE}}}},
)
async def download_pairs(
    knowledge_base_id: UUID, caller: Editor, state: State
) -> StreamingResponse:
    """JSON lines with `query`, `passage` and `source`: passages with their headings, judged
    queries, and questions whose answers visitors found helpful. `candor train` reads them.
    """
    async with state.database.reading() as session:
        await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
    return StreamingResponse(
        _lines(state, caller.workspace_id, knowledge_base_id), media_type=_MEDIA_TYPE
    )


async def _lines(
    state: AppState, workspace_id: UUID, knowledge_base_id: UUID
) -> AsyncIterator[str]:
    async with state.database.reading() as session:
        context = state.encoder.spec.context
        async for pair in training_pairs(session, workspace_id, knowledge_base_id, context):
            yield json.dumps(asdict(pair), ensure_ascii=False) + "\n"
