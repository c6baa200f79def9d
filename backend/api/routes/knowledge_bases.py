"""``/knowledge-bases``"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from backend.api.access import Admin, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.content import (
    KnowledgeBaseChange,
    KnowledgeBaseView,
    NewKnowledgeBase,
    RemovedView,
)
from backend.api.state import State
from knowledge.index.conditions import belonging_to
from knowledge.store.paging import Page, read_page
from knowledge.store.queries import knowledge_bases as queries
from knowledge.store.queries.people import record
from knowledge.store.tables import KnowledgeBase

router = APIRouter(prefix="/knowledge-bases", tags=["knowledge bases"], responses=PROBLEMS)


@router.get("", summary="List knowledge bases")
async def list_knowledge_bases(
    caller: Viewer, state: State, paging: Paging, name: str = Query(default="", max_length=200)
) -> PageView[KnowledgeBaseView]:
    """All knowledge bases of the workspace with what they hold, or the one with a name."""
    query = queries.knowledge_bases(caller.workspace_id)
    if name:
        query = query.where(KnowledgeBase.name == name)
    async with state.database.reading() as session:
        page = await read_page(session, query, KnowledgeBase, paging)
        counts = await queries.count_by_knowledge_base(session, [row.id for row in page.items])
    views = [KnowledgeBaseView.of(row, counts[row.id]) for row in page.items]
    return PageView.of(Page(views, page.next_cursor))


@router.post("", status_code=201, response_model=KnowledgeBaseView, summary="Make a knowledge base")
async def create_knowledge_base(
    body: NewKnowledgeBase, caller: Editor, state: State, repetition: Once
) -> KnowledgeBaseView | JSONResponse:
    """Make an empty knowledge base."""
    async with state.database.writing() as session:

        async def make() -> KnowledgeBaseView:
            made = await queries.create_knowledge_base(
                session, caller.workspace_id, body.name, body.description
            )
            record(session, caller.workspace_id, caller.actor, "knowledge-base.create", body.name)
            return KnowledgeBaseView.of(made, queries.Counts())

        return await repetition.once(session, caller, body, make)


@router.get("/{knowledge_base_id}", summary="Read a knowledge base")
async def read_knowledge_base(
    knowledge_base_id: UUID, caller: Viewer, state: State
) -> KnowledgeBaseView:
    """One knowledge base with what it holds."""
    async with state.database.reading() as session:
        found = await queries.find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        counts = await queries.count_by_knowledge_base(session, [found.id])
    return KnowledgeBaseView.of(found, counts[found.id])


@router.patch("/{knowledge_base_id}", summary="Change a knowledge base")
async def change_knowledge_base(
    knowledge_base_id: UUID, body: KnowledgeBaseChange, caller: Editor, state: State
) -> KnowledgeBaseView:
    """Change the name or the description."""
    async with state.database.writing() as session:
        found = await queries.find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        if body.name is not None:
            found.name = body.name
        if body.description is not None:
            found.description = body.description
        await queries.flush_named(session, found.name)
        record(session, caller.workspace_id, caller.actor, "knowledge-base.change", found.name)
        counts = await queries.count_by_knowledge_base(session, [found.id])
    return KnowledgeBaseView.of(found, counts[found.id])


@router.delete("/{knowledge_base_id}", summary="Remove a knowledge base with all that is in it")
async def remove_knowledge_base(
    knowledge_base_id: UUID, caller: Admin, state: State
) -> RemovedView:
    """Remove its sources, documents, chunks and runs, and take it from the assistants."""
    async with state.database.writing() as session:
        found = await queries.find_knowledge_base(session, caller.workspace_id, knowledge_base_id)
        counts = (await queries.count_by_knowledge_base(session, [found.id]))[found.id]
        await queries.remove_knowledge_base(session, found.id)
        gone = RemovedView(documents=sum(counts.documents.values()), chunks=counts.chunks)
        record(
            session,
            caller.workspace_id,
            caller.actor,
            "knowledge-base.remove",
            found.name,
            gone.model_dump(),
        )
    await state.index.delete(belonging_to("knowledge_base", knowledge_base_id))
    return gone
