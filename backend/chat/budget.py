"""How many of a search's hits an answer reads."""

from __future__ import annotations

import asyncio
from functools import partial

from backend.chat.prompt import brief
from backend.chat.turn import Chat
from backend.chat.writer import Task
from backend.explain.why_not import Budget
from backend.search.trace import SearchResult


def budget_of(chat: Chat) -> Budget:
    """What counts the hits that an answer of the server's own to a search would read.

    Quoted answers read a fixed number; a language model as many as fit into its window beside the
    question, without a conversation before it.
    """
    return partial(_hits_read, chat)


async def _hits_read(chat: Chat, result: SearchResult) -> int:
    settings = chat.settings
    if chat.language_model is None:
        return settings.passages_read
    task = Task(result.query, result.query, "", result.hits)
    count = chat.searcher.encoder.count_tokens
    briefing = await asyncio.to_thread(
        brief, task, count, settings.context_tokens, settings.answer_tokens
    )
    return len(briefing.given)
