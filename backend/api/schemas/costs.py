"""Prices of language models and what they come to, over the wire."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from backend.api.schemas.insights import PeriodView
from backend.insights.costs import Cost
from knowledge.store.tables import ModelPrice


class CostRow(BaseModel):
    """What one assistant's language model read and wrote on one day, and what that cost. ``cost``
    is null where no price is set for the model.
    """

    day: dt.date
    assistant_id: UUID
    assistant: str
    model: str
    answers: int
    input_tokens: int
    output_tokens: int
    currency: str = Field(examples=["EUR"])
    cost: float | None

    @classmethod
    def of(cls, row: Cost) -> CostRow:
        """The view of a day's cost."""
        assert row.day is not None
        return cls(
            day=row.day,
            assistant_id=row.assistant_id,
            assistant=row.assistant,
            model=row.model,
            answers=row.tokens.answers,
            input_tokens=row.tokens.input,
            output_tokens=row.tokens.output,
            currency=row.currency,
            cost=row.cost,
        )


class CostsView(PeriodView):
    """Cost by day, assistant and model. ``totals``: the sum in each currency, without the models
    of ``unpriced``.
    """

    items: list[CostRow]
    totals: dict[str, float] = Field(examples=[{"EUR": 1.25}])
    unpriced: list[str]


class PriceBody(Body):
    """What a million tokens of a model cost."""

    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])
    input_price: float = Field(ge=0, le=1_000_000, allow_inf_nan=False, examples=[0.5])
    output_price: float = Field(ge=0, le=1_000_000, allow_inf_nan=False, examples=[1.5])


class PriceView(BaseModel):
    """The price of a million tokens of a model: of those it reads, and of those it writes."""

    model: str = Field(examples=["gpt-4.1-mini"])
    currency: str = Field(examples=["EUR"])
    input_price: float
    output_price: float

    @classmethod
    def of(cls, row: ModelPrice) -> PriceView:
        """The view of a record."""
        return cls.model_validate(row, from_attributes=True)


class PricesView(BaseModel):
    """All prices. ``unpriced``: models that wrote answers and have none."""

    items: list[PriceView]
    unpriced: list[str]
