"""What another threshold would do to the answers of a set of questions, before it is saved."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.chat.turn import Chat
from backend.chat.writer import Task
from backend.search.search import SearchRequest
from knowledge.errors import InvalidQuery

MOST_QUESTIONS = 200
"""Questions of a set that are tried, its first ones."""


@dataclass(frozen=True, slots=True)
class TriedQuestion:
    """A question, and how likely the passages found answer it, 0 to 1."""

    question: str
    confidence: float


async def try_questions(
    chat: Chat, knowledge_base_ids: tuple[UUID, ...], questions: Sequence[str]
) -> list[TriedQuestion]:
    """How likely each question is answered, in their order; at most :data:`MOST_QUESTIONS`.

    What cannot be searched for is left out.
    """
    tried = []
    for question in questions[:MOST_QUESTIONS]:
        request = SearchRequest(question, knowledge_base_ids, chat.settings.hits)
        try:
            async with chat.searching:
                result = await chat.searcher.search(request)
        except InvalidQuery:
            continue
        # Nothing is as sure as this, so that it is judged and not composed.
        task = Task(
            question=question,
            query=result.query,
            language="",
            hits=result.hits,
            encoding=result.trace.query if result.trace else None,
            confidence=math.inf,
        )
        quoted = await asyncio.to_thread(chat.quoting.quote, task)
        tried.append(TriedQuestion(question, quoted.confidence))
    return tried
