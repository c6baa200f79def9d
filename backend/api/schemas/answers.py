"""How an assistant's answers come about, over the wire."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body


class ModelState(BaseModel):
    """What writes an assistant's answers. ``model`` is empty where sentences are quoted.

    ``endpoint``: where it is asked; ``key``: whether the server has a key for it.
    """

    model: str = Field(examples=["gpt-4.1-mini"])
    endpoint: str = Field(examples=["https://api.openai.com"])
    key: bool


class ModelTried(BaseModel):
    """What a language model said to a test, and after how many milliseconds it had said it."""

    model: str
    said: str
    took_ms: float


class ThresholdTrial(Body):
    """A threshold to try on a query set."""

    query_set: UUID
    confidence: float = Field(ge=0, le=1, examples=[0.2])


class ThresholdQuestion(BaseModel):
    """A question that one threshold answers and the other does not."""

    question: str
    confidence: float
    answered: bool = Field(description="Whether it would be, with the threshold tried.")


class ThresholdEffect(BaseModel):
    """Questions answered with the threshold that holds now, and with the one tried."""

    questions: int
    confidence_now: float
    answered_now: int
    answered_then: int
    changed: list[ThresholdQuestion]
