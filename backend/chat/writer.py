"""The contract of whatever turns passages into an answer, and what it hands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from backend.chat.events import Citation, CitationFound, MessageDelta
from knowledge.types import Hit

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
    stand alone. ``history`` is in the order of the conversation.
    """

    question: str
    query: str
    language: str
    hits: tuple[Hit, ...]
    history: tuple[Exchange, ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished answer. ``given`` and ``cut``: passages that went in, and that the budget cut."""

    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    model: str
    given: tuple[UUID, ...] = ()
    cut: tuple[UUID, ...] = ()
    notice: str = ""


class AnswerWriter(Protocol):
    """Writes one answer: pieces and citations as they come, and one :class:`Written` at the end."""

    def write(self, task: Task) -> AsyncIterator[MessageDelta | CitationFound | Written]:
        """Raises :class:`LanguageModelError` where a language model fails."""
        ...
