"""``/leads``: contact details that visitors left, for staff."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from backend.api.access import Admin, Editor
from backend.api.errors import PROBLEMS
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.visitors import LeadChange, LeadView
from backend.api.state import State
from knowledge.spreadsheet import write_csv
from knowledge.store.paging import read_page
from knowledge.store.queries import leads as queries
from knowledge.store.queries.leads import LeadFilter
from knowledge.store.queries.people import record
from knowledge.store.tables import Lead, LeadState

router = APIRouter(prefix="/leads", tags=["leads"], responses=PROBLEMS)

_COLUMNS = (
    "created_at", "state", "rating", "contacted_at", "name", "email", "phone", "note", "consent",
    "trigger", "page", "assistant_id", "conversation_id", "id",
)  # fmt: skip


def _wanted(
    assistant: Annotated[UUID | None, Query(description="Only of this one.")] = None,
    state_is: Annotated[LeadState | None, Query(alias="state")] = None,
    text: Annotated[str, Query(max_length=200, description="In a name, address or note.")] = "",
) -> LeadFilter:
    return LeadFilter(assistant, state_is, text)


Wanted = Annotated[LeadFilter, Depends(_wanted)]


@router.get("", summary="List leads")
async def list_leads(
    caller: Editor, state: State, paging: Paging, wanted: Wanted
) -> PageView[LeadView]:
    """Leads of the workspace, newest first."""
    async with state.database.reading() as session:
        page = await read_page(
            session, queries.leads(caller.workspace_id, wanted), Lead, paging, newest_first=True
        )
    return PageView.of(page.map(LeadView.of))


@router.get(
    "/export",
    summary="Export leads as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": ",".join(_COLUMNS)}}}},
)
async def export_leads(caller: Editor, state: State, wanted: Wanted) -> Response:
    """All of them in one table, which a spreadsheet opens without running anything."""
    async with state.database.writing() as session:
        rows = [
            [getattr(lead, column) for column in _COLUMNS]
            async for lead in queries.every_lead(session, caller.workspace_id, wanted)
        ]
        record(session, caller.workspace_id, caller.actor, "lead.export", f"{len(rows)} leads")
    return Response(
        write_csv(_COLUMNS, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="leads.csv"'},
    )


@router.get("/{lead_id}", summary="Read a lead")
async def read_lead(lead_id: UUID, caller: Editor, state: State) -> LeadView:
    """One lead."""
    async with state.database.reading() as session:
        return LeadView.of(await queries.find_lead(session, caller.workspace_id, lead_id))


@router.patch("/{lead_id}", summary="Change a lead")
async def change_lead(lead_id: UUID, body: LeadChange, caller: Editor, state: State) -> LeadView:
    """Say how far a lead has come, and whether it was worth it."""
    async with state.database.writing() as session:
        changed = await queries.change_lead(
            session, caller.workspace_id, lead_id, body.state, body.rating
        )
        record(session, caller.workspace_id, caller.actor, "lead.change", str(lead_id))
        return LeadView.of(changed)


@router.delete("/{lead_id}", status_code=204, summary="Delete a lead")
async def delete_lead(lead_id: UUID, caller: Admin, state: State) -> None:
    """Forget a lead for good. The audit log keeps that it was deleted, not what it was."""
    async with state.database.writing() as session:
        await queries.delete_lead(session, caller.workspace_id, lead_id)
        record(session, caller.workspace_id, caller.actor, "lead.delete", str(lead_id))
