"""``/search``"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from backend.api.access import Viewer
from backend.api.errors import PROBLEMS
from backend.api.schemas.search import SearchBody, SearchView
from backend.api.state import AppState, State
from backend.search.search import SearchRequest
from knowledge.store.queries.knowledge_bases import find_knowledge_base, searched_by_default

router = APIRouter(tags=["search"], responses=PROBLEMS)


async def knowledge_bases_named(
    state: AppState, workspace_id: UUID, names: Sequence[str]
) -> tuple[UUID, ...]:
    """The ids of knowledge bases given by name or id; of all but the sample's for none."""
    async with state.database.reading() as session:
        if not names:
            return await searched_by_default(session, workspace_id)
        found = [await find_knowledge_base(session, workspace_id, name) for name in names]
    return tuple(dict.fromkeys(row.id for row in found))


def request_of(body: SearchBody, knowledge_base_ids: tuple[UUID, ...]) -> SearchRequest:
    """The search that a body asks for."""
    return SearchRequest(
        query=body.query,
        knowledge_base_ids=knowledge_base_ids,
        limit=body.limit,
        arms=tuple(dict.fromkeys(body.arms)),
        source_ids=tuple(body.source_ids),
        document_ids=tuple(body.document_ids),
        languages=tuple(body.languages),
        modified_after=body.modified_after,
        modified_before=body.modified_before,
    )


@router.post("/search", summary="Find passages")
async def search(body: SearchBody, caller: Viewer, state: State) -> SearchView:
    """Find passages with both arms. Each hit says its rank, score and part in each arm."""
    ids = await knowledge_bases_named(state, caller.workspace_id, body.knowledge_bases)
    result = await state.searcher.search(request_of(body, ids))
    state.metrics.searches.observe(result.took_ms)
    return SearchView.of(result)
