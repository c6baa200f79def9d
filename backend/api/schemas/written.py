"""Texts, and questions with their answers, that people write in the console."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from backend.api.schemas.base import Body

Title = Annotated[str, Field(min_length=1, max_length=500, examples=["Returns"])]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Pair(Body):
    """A question with its answer. Markdown is understood in the answer."""

    question: Said = Field(max_length=1000, examples=["How long may I return goods?"])
    answer: Said = Field(max_length=20_000, examples=["Within 30 days of delivery."])


Pairs = Annotated[list[Pair], Field(min_length=1, max_length=500)]


class NewPairs(Body):
    """Questions with their answers, typed by hand."""

    kind: Literal["pairs"]
    title: Title = "Questions and answers"
    pairs: Pairs


class PairsView(Body):
    """All questions and answers of a source. Sent back whole, they take the place of the old."""

    pairs: Pairs


class TextView(BaseModel):
    """The text of a source, as it was written."""

    text: str


class TextChange(Body):
    """Another text for a source."""

    text: str = Field(min_length=1, max_length=900_000)
