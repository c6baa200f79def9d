"""The contract of whatever turns passages into an answer, and what it hands on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from backend.chat.events import Citation, CitationFound, MessageDelta
from knowledge.types import Encoding, Hit

EXTRACTIVE = "extractive"
"""The ``model`` of answers that quote."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier question of the conversation and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Task:
    """What a writer works from.

    ``question`` is what the reader wrote, ``query`` what was searched for: the question made to
    stand alone; ``encoding`` is the query's as it met the index (``None``: to be encoded again).
    ``history`` is in the order of the conversation. ``page`` is what the website says of the page
    that the reader has open: data, for a language model alone. ``confidence`` stands in for that of
    the settings.
    """

    question: str
    query: str
    language: str
    hits: tuple[Hit, ...]
    encoding: Encoding | None = None
    history: tuple[Exchange, ...] = ()
    tone: str = ""
    page: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A finished answer.

    ``given`` and ``cut``: passages that it was written from, and that its budget left out.
    ``confidence``: how likely the passages answer the question, 0 to 1, where that was judged.
    """

    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    model: str
    given: tuple[UUID, ...] = ()
    cut: tuple[UUID, ...] = ()
    notice: str = ""
    confidence: float | None = None


Parts = AsyncGenerator[MessageDelta | CitationFound | Written, None]
"""Pieces of an answer and citations as they come, and one :class:`Written` at the end."""


class AnswerWriter(Protocol):
    """Writes one answer."""

    def write(self, task: Task) -> Parts:
        """Raises :class:`LanguageModelError` where a language model fails."""
        ...
