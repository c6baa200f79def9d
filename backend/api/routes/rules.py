"""``/knowledge-bases/{id}/rules``: what editors change about search, with its history."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from backend.api.access import Caller, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.schemas.rules import NewRules, RuleView
from backend.api.state import AppState, State
from backend.explain.rule_desk import RuleDesk
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.people import record
from knowledge.store.tables import RuleRecord

router = APIRouter(
    prefix="/knowledge-bases/{knowledge_base_id}/rules", tags=["rules"], responses=PROBLEMS
)


class Rules(BaseModel):
    """Rules of a knowledge base."""

    items: list[RuleView]


@router.get("", summary="List rules")
async def list_rules(
    knowledge_base_id: UUID,
    caller: Viewer,
    state: State,
    history: Annotated[bool, Query(description="Ended ones too, newest first.")] = False,
) -> Rules:
    """The rules that act now, oldest first, or all that ever did."""
    await _check(state, caller, knowledge_base_id)
    desk = RuleDesk(state.database)
    rows = await (desk.history(knowledge_base_id) if history else desk.active(knowledge_base_id))
    return Rules(items=[RuleView.of(row) for row in rows])


@router.post("", status_code=201, response_model=Rules, summary="Save rules")
async def save_rules(
    knowledge_base_id: UUID, body: NewRules, caller: Editor, state: State, repetition: Once
) -> Rules | JSONResponse:
    """Save rules; they act from the next search on. A contradiction is refused with 409."""
    async with state.database.writing() as session:
        await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)

        async def make() -> Rules:
            rows = await RuleDesk(state.database).save_in(
                session,
                knowledge_base_id,
                [one.rule() for one in body.rules],
                author=caller.actor,
                reason=body.reason,
                expires_at=body.expires_at,
                replaces=body.replaces,
                despite_contradiction=body.despite_contradiction,
            )
            for row in rows:
                record(session, caller.workspace_id, caller.actor, "rule.create", str(row.id))
            return Rules(items=[RuleView.of(row) for row in rows])

        return await repetition.once(session, caller, body, make)


@router.delete("/{rule_id}", summary="End a rule")
async def end_rule(
    knowledge_base_id: UUID, rule_id: UUID, caller: Editor, state: State
) -> RuleView:
    """End a rule; its record stays."""
    await _check(state, caller, knowledge_base_id)
    row = await RuleDesk(state.database).end(knowledge_base_id, rule_id, caller.actor)
    await _note(state, caller, "rule.end", [row])
    return RuleView.of(row)


@router.post("/{rule_id}/undo", response_model=RuleView, summary="Take a change back")
async def undo_rule(
    knowledge_base_id: UUID, rule_id: UUID, caller: Editor, state: State, repetition: Once
) -> RuleView | JSONResponse:
    """End a rule that acts, or bring back one that has ended."""
    await _check(state, caller, knowledge_base_id)
    desk = RuleDesk(state.database)
    async with state.database.writing() as session:

        async def make() -> RuleView:
            row = await desk.undo_in(session, knowledge_base_id, rule_id, caller.actor)
            record(session, caller.workspace_id, caller.actor, "rule.undo", str(row.id))
            return RuleView.of(row)

        return await repetition.once(session, caller, "undo", make, status=200)


async def _check(state: AppState, caller: Caller, knowledge_base_id: UUID) -> None:
    async with state.database.reading() as session:
        await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)


async def _note(state: AppState, caller: Caller, action: str, rows: list[RuleRecord]) -> None:
    async with state.database.writing() as session:
        for row in rows:
            record(session, caller.workspace_id, caller.actor, action, str(row.id))
