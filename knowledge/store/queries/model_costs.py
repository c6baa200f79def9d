"""Tokens that language models read and wrote for assistants, and what a million of them costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, select

from knowledge.errors import NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.queries.usage import Scope, by_assistant
from knowledge.store.tables import Assistant, ModelPrice, ModelUse


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """Answers that one model wrote, and the tokens that it read and wrote for them."""

    answers: int = 0
    input: int = 0
    output: int = 0

    def __add__(self, other: ModelTokens) -> ModelTokens:
        return ModelTokens(
            self.answers + other.answers, self.input + other.input, self.output + other.output
        )


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """The tokens of one assistant with one model on one day."""

    day: date
    assistant_id: UUID
    assistant: str
    model: str
    tokens: ModelTokens


async def add_model_use(
    session: WriteSession, assistant_id: UUID, day: date, model: str, more: ModelTokens
) -> None:
    """Add to what an assistant used of a model on a day."""
    statement = insert_for(session, ModelUse).values(
        assistant_id=assistant_id,
        day=day,
        model=model[:200],
        answers=more.answers,
        input_tokens=more.input,
        output_tokens=more.output,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["assistant_id", "day", "model"],
            set_={
                "answers": ModelUse.answers + more.answers,
                "input_tokens": ModelUse.input_tokens + more.input,
                "output_tokens": ModelUse.output_tokens + more.output,
            },
        )
    )


async def read_model_use(session: ReadSession, scope: Scope) -> list[ModelUsage]:
    """What the assistants of a workspace used of each model, by day."""
    query = by_assistant(ModelUse, scope).order_by(ModelUse.model)
    return [
        ModelUsage(
            row.day,
            row.assistant_id,
            name,
            row.model,
            ModelTokens(row.answers, row.input_tokens, row.output_tokens),
        )
        for row, name in await session.execute(query)
    ]


async def models_used(session: ReadSession, workspace_id: UUID) -> list[str]:
    """The models that wrote an answer of the workspace's assistants, by name."""
    rows = await session.scalars(
        select(ModelUse.model)
        .join(Assistant, Assistant.id == ModelUse.assistant_id)
        .where(Assistant.workspace_id == workspace_id)
        .distinct()
    )
    return sorted(rows)


async def read_prices(session: ReadSession, workspace_id: UUID) -> Sequence[ModelPrice]:
    """The prices that the workspace has set, by model."""
    rows = await session.scalars(
        select(ModelPrice).where(ModelPrice.workspace_id == workspace_id).order_by(ModelPrice.model)
    )
    return list(rows)


async def set_price(
    session: WriteSession,
    workspace_id: UUID,
    model: str,
    currency: str,
    input_price: float,
    output_price: float,
) -> ModelPrice:
    """Say what a million tokens of a model cost; an earlier price is replaced."""
    values = {"currency": currency, "input_price": input_price, "output_price": output_price}
    statement = insert_for(session, ModelPrice).values(
        workspace_id=workspace_id, model=model, **values
    )
    await session.execute(
        statement.on_conflict_do_update(index_elements=["workspace_id", "model"], set_=values)
    )
    return await _find_price(session, workspace_id, model)


async def remove_price(session: WriteSession, workspace_id: UUID, model: str) -> None:
    """Forget a price: no cost is known for the model. Raises :class:`NotFound`."""
    await _find_price(session, workspace_id, model)
    await session.execute(
        delete(ModelPrice).where(ModelPrice.workspace_id == workspace_id, ModelPrice.model == model)
    )


async def _find_price(session: ReadSession, workspace_id: UUID, model: str) -> ModelPrice:
    found = await session.scalar(
        select(ModelPrice)
        .where(ModelPrice.workspace_id == workspace_id, ModelPrice.model == model)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(f"No price is set for {model}.")
    return found
