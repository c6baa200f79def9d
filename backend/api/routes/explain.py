"""``/explain``: why passages were found, and what a stored answer rested on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from backend.api.access import Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.search import knowledge_bases_named, request_of
from backend.api.schemas.search import SearchBody
from backend.api.state import State
from knowledge.store.conversations import Reader, find_conversation
from knowledge.store.queries.conversations import find_answer

router = APIRouter(tags=["explain"], responses=PROBLEMS)


class ExplainBody(SearchBody):
    """A search whose hits are explained, or the passages named, whether they are hits or not."""

    chunk_ids: list[UUID] = Field(default_factory=list, max_length=100)
    origins: bool = Field(
        default=False,
        description="Also which words added a term, and which sentences are nearest to the query: "
        "some 10 ms for each passage.",
    )


class Explanations(BaseModel):
    """Passages with the terms that matched, the nearest sentences, and the ledger of the score.

    The shares of the terms sum to the sparse score, the parts of the ledger to the fused score.
    """

    query: str
    took_ms: float
    hits: list[dict[str, Any]]
    warnings: list[str]


class StoredExplanation(BaseModel):
    """Why the passages that an answer cites were found, as it was stored with the answer.

    ``changes``: why a fresh explanation would differ, in sentences.
    """

    record: dict[str, Any]
    changes: list[str]


@router.post("/explain", summary="Explain a search")
async def explain(body: ExplainBody, caller: Viewer, state: State) -> Explanations:
    """Search, and explain each hit or the passages named: terms, nearest sentences, ledger."""
    ids = await knowledge_bases_named(state, caller.workspace_id, body.knowledge_bases)
    result = await state.searcher.search(request_of(body, ids))
    explained = await state.explainer.hits(result, body.chunk_ids or None, origins=body.origins)
    return Explanations(
        query=result.query,
        took_ms=round(result.took_ms, 2),
        hits=[hit.to_json() for hit in explained],
        warnings=list(result.warnings),
    )


@router.get(
    "/conversations/{conversation_id}/messages/{message_id}/explanation",
    summary="Explain an answer",
)
async def explain_answer(
    conversation_id: UUID, message_id: UUID, caller: Viewer, state: State
) -> StoredExplanation:
    """The record that was stored with an answer, and what has changed since."""
    async with state.database.reading() as session:
        found = await find_conversation(session, Reader(caller.workspace_id), conversation_id)
        message = await find_answer(session, found.id, message_id)
    search = message.explanation.get("search", {})
    changes = await state.explainer.changes(search) if search else ()
    return StoredExplanation(record=message.explanation, changes=list(changes))
