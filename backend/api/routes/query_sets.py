"""``/query-sets``: judged queries of a knowledge base. Their runs: ``evaluation_runs.py``."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.query_sets import (
    ImportedView,
    JudgedQueryView,
    NewQueries,
    NewQuerySet,
    QueryChange,
    QuerySetChange,
    QuerySetView,
    WholeQuerySet,
    Writing,
)
from backend.api.state import AppState, State
from backend.insights.query_sets import QuerySetDesk
from backend.insights.written_questions import write_questions
from knowledge.errors import InvalidInput
from knowledge.evaluation.query_file import FileQuery, read_query_file, write_query_file
from knowledge.store import query_sets as stored
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.paging import Page, read_page
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.people import record
from knowledge.store.tables import JudgedQuery, QueryOrigin, QuerySet

router = APIRouter(tags=["evaluation"], responses=PROBLEMS)

_MEDIA = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "example": "query,address,grade\n"
                "How do I return an order?,https://www.example.com/returns,2\n"
            },
            "application/x-ndjson": {
                "example": '{"query": "How do I return an order?", '
                '"grades": {"https://www.example.com/returns": 2}}\n'
            },
        },
    }
}


@router.get("/query-sets", summary="List query sets")
async def list_query_sets(
    caller: Viewer,
    state: State,
    paging: Paging,
    knowledge_base: Annotated[UUID | None, Query(description="Only of this one.")] = None,
    name: Annotated[str, Query(max_length=200, description="Only the one with this name.")] = "",
) -> PageView[QuerySetView]:
    """The query sets of the workspace, each with its newest run."""
    query = stored.query_sets(caller.workspace_id, knowledge_base)
    if name:
        query = query.where(QuerySet.name == name)
    async with state.database.reading() as session:
        page = await read_page(session, query, QuerySet, paging)
        ids = [row.id for row in page.items]
        counts = await stored.count_queries(session, ids)
        latest = await stored.latest_runs(session, ids)
    views = [QuerySetView.of(row, counts, latest) for row in page.items]
    return PageView.of(Page(views, page.next_cursor))


@router.post(
    "/knowledge-bases/{knowledge_base_id}/query-sets",
    status_code=201,
    response_model=QuerySetView,
    summary="Make a query set",
)
async def create_query_set(
    knowledge_base_id: UUID, body: NewQuerySet, caller: Editor, state: State, repetition: Once
) -> QuerySetView | JSONResponse:
    """Make a set, empty or with the queries given."""
    async with state.database.writing() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)

        async def make() -> QuerySetView:
            made = await QuerySetDesk(state.database).create(
                session, base.id, body.name, [one.judged() for one in body.queries]
            )
            record(session, caller.workspace_id, caller.actor, "query-set.create", body.name)
            return QuerySetView.of(made, await stored.count_queries(session, [made.id]))

        return await repetition.once(session, caller, body, make)


@router.get("/query-sets/{query_set_id}", summary="Read a query set")
async def read_query_set(query_set_id: UUID, caller: Viewer, state: State) -> WholeQuerySet:
    """A set, and which of its judged addresses no document has."""
    async with state.database.reading() as session:
        return await _view(state, session, await _find(session, caller, query_set_id))


@router.patch("/query-sets/{query_set_id}", summary="Rename a query set")
async def rename_query_set(
    query_set_id: UUID, body: QuerySetChange, caller: Editor, state: State
) -> WholeQuerySet:
    """Give it another name."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)
        await stored.rename_query_set(session, found, body.name)
        record(session, caller.workspace_id, caller.actor, "query-set.change", found.name)
        return await _view(state, session, found)


@router.delete("/query-sets/{query_set_id}", status_code=204, summary="Remove a query set")
async def remove_query_set(query_set_id: UUID, caller: Editor, state: State) -> None:
    """Remove a set with its queries and runs."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)
        await stored.remove_query_set(session, found.id)
        record(session, caller.workspace_id, caller.actor, "query-set.remove", found.name)


@router.get("/query-sets/{query_set_id}/queries", summary="List judged queries")
async def list_queries(
    query_set_id: UUID, caller: Viewer, state: State, paging: Paging
) -> PageView[JudgedQueryView]:
    """The queries of a set, in the order in which they were added."""
    async with state.database.reading() as session:
        found = await _find(session, caller, query_set_id)
        page = await read_page(session, stored.queries_of(found.id), JudgedQuery, paging)
    return PageView.of(page.map(JudgedQueryView.of))


@router.post(
    "/query-sets/{query_set_id}/queries",
    status_code=201,
    response_model=ImportedView,
    summary="Add judged queries",
)
async def add_queries(
    query_set_id: UUID, body: NewQueries, caller: Editor, state: State, repetition: Once
) -> ImportedView | JSONResponse:
    """Add queries; one that is there already gets the new grades."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)

        async def make() -> ImportedView:
            queries = [one.judged() for one in body.queries]
            return await _put(state, session, caller, found, queries, QueryOrigin.TYPED)

        return await repetition.once(session, caller, body, make)


@router.patch("/query-sets/{query_set_id}/queries/{query_id}", summary="Edit a judged query")
async def edit_query(
    query_set_id: UUID, query_id: UUID, body: QueryChange, caller: Editor, state: State
) -> JudgedQueryView:
    """Change the words or the judgments. With other words it is another query, with another id."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)
        row = await QuerySetDesk(state.database).edit(
            session, found, query_id, body.query, body.grades
        )
        record(session, caller.workspace_id, caller.actor, "query-set.judge", found.name)
        return JudgedQueryView.of(row)


@router.delete(
    "/query-sets/{query_set_id}/queries/{query_id}", status_code=204, summary="Remove a query"
)
async def remove_query(query_set_id: UUID, query_id: UUID, caller: Editor, state: State) -> None:
    """Take a query out of its set."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)
        row = await stored.find_query(session, found.id, query_id)
        await stored.remove_queries(session, found.id, [row.id])
        record(session, caller.workspace_id, caller.actor, "query-set.judge", found.name)


@router.post(
    "/query-sets/{query_set_id}/import",
    status_code=201,
    response_model=ImportedView,
    summary="Import judged queries",
    openapi_extra=_FILE,
)
async def import_queries(
    query_set_id: UUID,
    request: Request,
    caller: Editor,
    state: State,
    repetition: Once,
    replace: Annotated[bool, Query(description="Remove what the file does not name.")] = False,
) -> ImportedView | JSONResponse:
    """Read a file of JSON lines, or a table with ``query``, ``address`` and ``grade``, up to 1 MB.
    Addresses that no document has are kept and named.
    """
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("The file is not UTF-8 text.", "Save it as UTF-8.") from error
    queries = read_query_file(text)
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)

        async def make() -> ImportedView:
            return await _put(
                state, session, caller, found, queries, QueryOrigin.FILE, replace=replace
            )

        return await repetition.once(session, caller, f"{replace} {text}", make)


@router.get(
    "/query-sets/{query_set_id}/export",
    summary="Export judged queries",
    response_class=Response,
    responses={200: {"content": {media: {} for media in _MEDIA.values()}}},
)
async def export_queries(
    query_set_id: UUID, caller: Viewer, state: State, format: Literal["jsonl", "csv"] = "jsonl"
) -> Response:
    """The set as a file that can be imported again."""
    async with state.database.reading() as session:
        found = await _find(session, caller, query_set_id)
        rows = await stored.read_queries(session, found.id)
    text = write_query_file([FileQuery(row.query, row.grades) for row in rows], format)
    name = f"query-set-{found.id}.{format}"
    return Response(
        text,
        media_type=_MEDIA[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post(
    "/query-sets/{query_set_id}/from-feedback",
    status_code=201,
    response_model=ImportedView,
    summary="Add queries from feedback",
)
async def add_from_feedback(
    query_set_id: UUID, caller: Editor, state: State, repetition: Once
) -> ImportedView | JSONResponse:
    """Add the questions whose answers visitors found helpful, judged by the pages cited."""
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)

        async def make() -> ImportedView:
            done = await QuerySetDesk(state.database).add_feedback(
                session, caller.workspace_id, found
            )
            record(session, caller.workspace_id, caller.actor, "query-set.judge", found.name)
            return ImportedView.of(done)

        return await repetition.once(session, caller, "", make)


@router.post(
    "/query-sets/{query_set_id}/from-passages",
    status_code=201,
    response_model=ImportedView,
    summary="Have queries written",
)
async def add_from_passages(
    query_set_id: UUID, body: Writing, caller: Editor, state: State, repetition: Once
) -> ImportedView | JSONResponse:
    """Have the language model write a question for each of some passages, marked as such."""
    async with state.database.reading() as session:
        found = await _find(session, caller, query_set_id)
    # The model takes seconds for each: nothing is locked meanwhile.
    queries = await write_questions(
        state.database, state.chat.language_model, found.knowledge_base_id, found.id, body.count
    )
    async with state.database.writing() as session:
        found = await _find(session, caller, query_set_id)

        async def make() -> ImportedView:
            return await _put(state, session, caller, found, queries, QueryOrigin.MODEL)

        return await repetition.once(session, caller, body, make)


async def _find(session: ReadSession, caller: Caller, query_set_id: UUID) -> QuerySet:
    return await stored.find_set_of_workspace(session, caller.workspace_id, query_set_id)


async def _put(
    state: AppState,
    session: WriteSession,
    caller: Caller,
    found: QuerySet,
    queries: list[FileQuery],
    origin: QueryOrigin,
    replace: bool = False,
) -> ImportedView:
    done = await QuerySetDesk(state.database).put(session, found, queries, origin, replace)
    record(session, caller.workspace_id, caller.actor, "query-set.judge", found.name)
    return ImportedView.of(done)


async def _view(state: AppState, session: ReadSession, found: QuerySet) -> WholeQuerySet:
    counts = await stored.count_queries(session, [found.id])
    latest = await stored.latest_runs(session, [found.id])
    unknown = await QuerySetDesk(state.database).unknown(session, found)
    return WholeQuerySet(**QuerySetView.of(found, counts, latest).model_dump(), unknown=unknown)
