"""Editing, hiding and restoring passages; edits that have lost theirs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from backend.api.access import Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.runs import view_run
from backend.api.schemas.passages import EditView, PassageChange, PassageEdited
from backend.api.schemas.runs import RunView
from backend.api.state import State
from knowledge.index.conditions import the_point
from knowledge.store.queries import passage_edits as queries
from knowledge.store.queries.documents import find_chunk, find_document
from knowledge.store.queries.people import record

router = APIRouter(tags=["documents"], responses=PROBLEMS)


@router.patch("/chunks/{chunk_id}", summary="Edit or hide a passage")
async def change_passage(
    chunk_id: UUID, body: PassageChange, caller: Editor, state: State
) -> PassageEdited:
    """Change a passage's text, or take it out of search. The document itself stays as it was read.

    The edit holds for these words of the document whenever it is read again. Hiding is at once;
    another text is found once the run is through.
    """
    async with state.database.writing() as session:
        chunk, document = await find_chunk(session, caller.workspace_id, chunk_id)
        edit, run = await queries.edit_passage(session, chunk, caller.actor, body.text, body.hidden)
        detail = {"passage": chunk.ordinal + 1} | body.model_dump(include={"hidden"})
        record(session, caller.workspace_id, caller.actor, "passage.edit", document.address, detail)
        answer = PassageEdited(edit=EditView.of(edit), run=await view_run(session, run))
    if body.hidden is not None:
        await _hide(state, chunk_id, body.hidden)
    state.wake()
    return answer


@router.delete("/chunks/{chunk_id}/edit", summary="Take an edit back")
async def restore_passage(chunk_id: UUID, caller: Editor, state: State) -> RunView:
    """Let a passage be what the document says, and be found."""
    async with state.database.writing() as session:
        chunk, document = await find_chunk(session, caller.workspace_id, chunk_id)
        run = await queries.restore_passage(session, chunk, caller.actor)
        detail = {"passage": chunk.ordinal + 1}
        record(
            session, caller.workspace_id, caller.actor, "passage.restore", document.address, detail
        )
        answer = await view_run(session, run)
    await _hide(state, chunk_id, False)
    state.wake()
    return answer


@router.get("/documents/{document_id}/edits", summary="List the edits of a document")
async def list_edits(document_id: UUID, caller: Viewer, state: State) -> list[EditView]:
    """What editors changed of a document's passages, those that have lost theirs too."""
    async with state.database.reading() as session:
        found = await find_document(session, caller.workspace_id, document_id)
        rows = await queries.edits_to_apply(session, found.id)
        lost = {edit.id for edit in await queries.lost_edits(session, found.id)}
    return [EditView.of(row, row.id in lost) for row in rows.values()]


@router.delete("/edits/{edit_id}", status_code=204, summary="Discard an edit without a passage")
async def discard_edit(edit_id: UUID, caller: Editor, state: State) -> None:
    """Forget an edit whose words are not in the document any more."""
    async with state.database.writing() as session:
        edit = await queries.discard_edit(session, caller.workspace_id, edit_id)
        record(session, caller.workspace_id, caller.actor, "passage.discard", str(edit.document_id))


async def _hide(state: State, chunk_id: UUID, hidden: bool) -> None:
    await state.index.set_payload(the_point(chunk_id), {"hidden": True if hidden else None})
