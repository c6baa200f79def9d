"""What language models cost: stored tokens times the prices that an administrator has set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from backend.insights.period import Period
from knowledge.store.database import Database
from knowledge.store.queries.model_costs import (
    ModelTokens,
    ModelUsage,
    read_model_use,
    read_prices,
)
from knowledge.store.queries.usage import Scope
from knowledge.store.tables import ModelPrice

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one assistant spent with one model, on a ``day`` or (``None``) in the whole period.

    ``cost`` is ``None`` and ``currency`` empty where no price is set: nothing is assumed.
    """

    day: date | None
    assistant_id: UUID
    assistant: str
    model: str
    tokens: ModelTokens
    currency: str
    cost: float | None


@dataclass(frozen=True, slots=True)
class Costs:
    """By day, and in all. ``totals``: the sum in each currency. ``unpriced``: models that wrote
    answers and have no price, so that the sums are without them.
    """

    days: tuple[Cost, ...]
    period: tuple[Cost, ...]
    totals: Mapping[str, float]
    unpriced: tuple[str, ...]


async def read_costs(
    database: Database, workspace_id: UUID, period: Period, assistant_id: UUID | None = None
) -> Costs:
    """The costs of a workspace's assistants at the prices that are set now."""
    scope = Scope(workspace_id, period.first, period.last, assistant_id)
    async with database.reading() as session:
        used = await read_model_use(session, scope)
        prices = {one.model: one for one in await read_prices(session, workspace_id)}
    days = tuple(_cost(one.day, one, one.tokens, prices.get(one.model)) for one in used)
    whole: dict[tuple[UUID, str], tuple[ModelUsage, ModelTokens]] = {}
    for one in used:
        _, tokens = whole.get((one.assistant_id, one.model), (one, ModelTokens()))
        whole[one.assistant_id, one.model] = one, tokens + one.tokens
    rows = [_cost(None, one, tokens, prices.get(one.model)) for one, tokens in whole.values()]
    rows.sort(key=lambda row: (-(row.cost or 0.0), row.assistant, row.model))
    return Costs(days, tuple(rows), _totals(rows), _unpriced(rows))


def _cost(day: date | None, of: ModelUsage, tokens: ModelTokens, price: ModelPrice | None) -> Cost:
    return Cost(
        day,
        of.assistant_id,
        of.assistant,
        of.model,
        tokens,
        price.currency if price else "",
        cost_of(tokens, price) if price else None,
    )


def cost_of(tokens: ModelTokens, price: ModelPrice) -> float:
    """What tokens cost, in the currency of the price."""
    return (tokens.input * price.input_price + tokens.output * price.output_price) / MILLION


def _totals(rows: Sequence[Cost]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for row in rows:
        if row.cost is not None:
            sums[row.currency] = sums.get(row.currency, 0.0) + row.cost
    return dict(sorted(sums.items()))


def _unpriced(rows: Sequence[Cost]) -> tuple[str, ...]:
    return tuple(sorted({row.model for row in rows if row.cost is None}))
