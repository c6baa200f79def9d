"""``/explain``: why passages were found, and what a stored answer rested on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from backend.api.access import Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.search import knowledge_bases_named, request_of
from backend.api.schemas.rules import RuleBody
from backend.api.schemas.search import SearchBody
from backend.api.state import State
from backend.chat.budget import budget_of
from backend.explain.query_runs import QueryRuns
from backend.explain.what_if import Draft, what_if
from backend.explain.why_not import why_not
from knowledge.store.conversations import Reader, find_conversation
from knowledge.store.queries.conversations import find_answer
from knowledge.store.query_sets import find_set_of_workspace

router = APIRouter(tags=["explain"], responses=PROBLEMS)


class ExplainBody(SearchBody):
    """A search whose hits are explained, or the passages named, whether they are hits or not."""

    chunk_ids: list[UUID] = Field(default_factory=list, max_length=100)
    origins: bool = Field(
        default=False,
        description="Also which words added a term, and which sentences are nearest to the query: "
        "the encoder is run on each passage.",
    )


class Explanations(BaseModel):
    """Passages with the terms that matched, the nearest sentences, and the ledger of the score.

    The shares of the terms sum to the sparse score, the parts of the ledger to the fused score.
    """

    query: str
    took_ms: float
    hits: list[dict[str, Any]]
    warnings: list[str]


class WhyNotBody(SearchBody):
    """A search, and the passage, document or page that is missed in it: one of the three."""

    chunk_id: UUID | None = None
    document_id: UUID | None = None
    address: str = Field(default="", max_length=2000, examples=["https://www.example.com/returns"])
    rewrite: bool = Field(
        default=False, description="Also try words on the page, which runs the encoder."
    )
    answer_hits: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="How many of the hits an answer reads: a hit after these left there.",
    )
    answer: bool = Field(
        default=False,
        description="The same, with as many as an answer of this server to this query reads.",
    )


class WhatIfBody(SearchBody):
    """A search, one or all of the stored sets of judged queries, or both, and changes that are not
    saved: rules to add, ids of saved ones to leave out.
    """

    query: str = Field(default="", max_length=200_000, examples=["How do I return an order?"])
    query_set_id: UUID | None = Field(
        default=None, description="Also measure this set before and after the changes."
    )
    all_query_sets: bool = Field(
        default=False,
        description="Measure every saved set of the knowledge bases searched, one after another.",
    )
    add: list[RuleBody] = Field(default_factory=list, max_length=50)
    remove: list[UUID] = Field(default_factory=list, max_length=500)


class StoredExplanation(BaseModel):
    """Why the passages that an answer cites were found, as it was stored with the answer.

    ``record``: for each passage its address and version, its ledger, the words that matched, and as
    ``quotes`` what stood at the places cited. ``changes``: why a fresh explanation would differ, in
    sentences.
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


@router.post("/explain/why-not", summary="Explain why something was not found")
async def explain_miss(body: WhyNotBody, caller: Viewer, state: State) -> dict[str, Any]:
    """The stage at which a passage, document or page fell out, and what would bring it in."""
    ids = await knowledge_bases_named(state, caller.workspace_id, body.knowledge_bases)
    told = await why_not(
        state.explainer,
        request_of(body, ids),
        chunk_id=body.chunk_id,
        document_id=body.document_id,
        address=body.address,
        answer_hits=body.answer_hits or (budget_of(state.chat) if body.answer else None),
        rewrite=body.rewrite,
    )
    return told.to_json()


@router.post("/explain/what-if", summary="Try changes to search")
async def try_changes(body: WhatIfBody, caller: Viewer, state: State) -> dict[str, Any]:
    """Search with the saved rules and with the changes, and compare. Nothing is saved.

    With a query set the answer has ``query_set``: figures before and after, the queries helped and
    hurt, and the p-value of a randomization test. With all of them it has a list ``query_sets`` of
    the same, each with ``id`` and ``name``: some 20 ms for each of their queries.
    """
    ids = await knowledge_bases_named(state, caller.workspace_id, body.knowledge_bases)
    draft = Draft(add=tuple(one.rule() for one in body.add), remove=tuple(body.remove))
    told: dict[str, Any] = {}
    runs = QueryRuns(state.searcher)
    if body.query_set_id is not None:
        async with state.database.reading() as session:
            found = await find_set_of_workspace(session, caller.workspace_id, body.query_set_id)
        ids = ids if body.knowledge_bases else (found.knowledge_base_id,)
        effect = await runs.try_draft(found.knowledge_base_id, found.id, draft)
        told["query_set"] = effect.to_json()
    if body.all_query_sets:
        told["query_sets"] = [
            {"id": str(one.id), "name": one.name} | effect.to_json()
            async for one, effect in runs.try_on_each(ids, draft)
        ]
    if body.query or not told:
        told |= (await what_if(state.searcher, request_of(body, ids), draft)).to_json()
    return told


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
    changes = await state.explainer.changes(message.explanation)
    return StoredExplanation(record=message.explanation, changes=list(changes))
