"""``/insights/costs`` and ``/insights/prices``: what models cost, also by the million."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from backend.api.access import Admin, Viewer
from backend.api.errors import PROBLEMS
from backend.api.routes.insights import TABLE, Days, Format, OfAssistant, as_csv
from backend.api.schemas.costs import CostRow, CostsView, PriceBody, PricesView, PriceView
from backend.api.state import State
from backend.insights.costs import read_costs
from knowledge.store.queries import model_costs as queries
from knowledge.store.queries.people import record

router = APIRouter(prefix="/insights", tags=["insights"], responses=PROBLEMS)

Model = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        description="The model's name as answers carry it; slashes are part of it.",
        examples=["gpt-4.1-mini"],
    ),
]


@router.get("/costs", summary="Cost of language models", response_model=CostsView, responses=TABLE)
async def costs(
    caller: Viewer, state: State, period: Days, assistant: OfAssistant, format: Format = "json"
) -> CostsView | Response:
    """Tokens by day, assistant and model, times the prices that are set now. Nothing is assumed
    for a model without a price.
    """
    found = await read_costs(state.database, caller.workspace_id, period, assistant)
    items = [CostRow.of(row) for row in found.days]
    if format == "csv":
        rows = (item.model_dump().values() for item in items)
        return as_csv("costs", period, list(CostRow.model_fields), rows)
    return CostsView(
        first=period.first,
        last=period.last,
        items=items,
        totals=dict(found.totals),
        unpriced=list(found.unpriced),
    )


@router.get("/prices", summary="List prices")
async def list_prices(caller: Viewer, state: State) -> PricesView:
    """The prices of the workspace, and the models that have none."""
    async with state.database.reading() as session:
        rows = await queries.read_prices(session, caller.workspace_id)
        used = await queries.models_used(session, caller.workspace_id)
    priced = {row.model for row in rows}
    return PricesView(
        items=[PriceView.of(row) for row in rows],
        unpriced=[model for model in used if model not in priced],
    )


@router.put("/prices/{model:path}", summary="Set a price")
async def set_price(model: Model, body: PriceBody, caller: Admin, state: State) -> PriceView:
    """Say what a million tokens of a model cost. Earlier days are counted at it too."""
    async with state.database.writing() as session:
        row = await queries.set_price(
            session,
            caller.workspace_id,
            model,
            body.currency,
            body.input_price,
            body.output_price,
        )
        record(session, caller.workspace_id, caller.actor, "price.set", model, body.model_dump())
        return PriceView.of(row)


@router.delete("/prices/{model:path}", status_code=204, summary="Forget a price")
async def remove_price(model: Model, caller: Admin, state: State) -> None:
    """No cost is known for the model any more."""
    async with state.database.writing() as session:
        await queries.remove_price(session, caller.workspace_id, model)
        record(session, caller.workspace_id, caller.actor, "price.remove", model)
