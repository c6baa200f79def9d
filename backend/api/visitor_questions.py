"""Questions of visitors and of programs on their behalf: what they may read, what they may cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from backend.api.day_use import DayLimits
from backend.api.schemas.behaviour import Behaviour
from backend.api.schemas.visitors import PageContext
from backend.api.state import AppState
from backend.api.turns import AnyTurn, Ask
from backend.chat.events import ChatEvent, FinalAnswer, SearchResults
from backend.chat.turn import Question
from backend.chat.writer import EXTRACTIVE, Exchange
from knowledge.encode.words import words
from knowledge.store.conversations import Reader
from knowledge.store.queries.model_costs import ModelTokens
from knowledge.store.queries.visits import Act, add_search_events, last_exchange
from knowledge.store.tables import Assistant, SearchEventKind

_SAFETY = 1.3
"""The model's tokens are counted by the encoder's tokenizer, which may count fewer."""


def question_of(
    assistant: Assistant,
    behaviour: Behaviour,
    reader: Reader,
    text: str,
    conversation_id: UUID | None = None,
    page: PageContext | None = None,
    history: tuple[Exchange, ...] = (),
) -> Question:
    """A question to an assistant, over the knowledge bases that it reads."""
    parts = (page.title, page.address, page.text) if page else ()
    return Question(
        text,
        reader,
        tuple(UUID(base) for base in assistant.knowledge_base_ids),
        conversation_id,
        tone=behaviour.tone,
        page="\n".join(part for part in parts if part),
        history=history,
        answering=behaviour.answering(),
    )


def metered(state: AppState, assistant: Assistant, reader: Reader, address: str = "") -> Ask:
    """Begins turns that count against the limits of the assistant's day.

    What it begins raises :class:`LimitExceeded` where a limit is reached.
    """
    limits = day_limits(state.limits.day, Behaviour.of(assistant.behaviour))

    async def ask(question: Question) -> AnyTurn:
        await state.day_use.take(state.database, assistant.id, reader.visitor_name, address, limits)
        if question.conversation_id is not None:
            await _note_reformulation(state, reader, question.conversation_id, question.text)
        return _Metered(state, assistant.id, question, await state.chat.begin(question))

    return ask


async def _note_reformulation(
    state: AppState, reader: Reader, conversation_id: UUID, text: str
) -> None:
    """Note where a question puts the one before it in other words: its answer did not satisfy."""
    async with state.database.reading() as session:
        last = await last_exchange(session, reader, conversation_id)
    if last is None or not is_reformulation(last.question, text):
        return
    act = Act(last.message_id, SearchEventKind.REFORMULATION)
    async with state.database.writing() as session:
        await add_search_events(session, reader, [act])


def is_reformulation(before: str, question: str) -> bool:
    """Whether two questions share at least half the words of the one that has fewer."""
    one, other = ({word.stem for word in words(text)} for text in (before, question))
    fewer = min(len(one), len(other))
    return fewer > 0 and 2 * len(one & other) >= fewer


def day_limits(standard: DayLimits, behaviour: Behaviour) -> DayLimits:
    """The limits of an assistant's day: its own, where it has them."""
    own = behaviour.limits
    return DayLimits(
        questions=own.questions or standard.questions,
        visitor_questions=own.visitor_questions or standard.visitor_questions,
        tokens=own.tokens or standard.tokens,
    )


class _Metered:
    """A turn whose language-model tokens are counted once it has ended."""

    def __init__(
        self, state: AppState, assistant_id: UUID, question: Question, turn: AnyTurn
    ) -> None:
        self._state = state
        self._assistant_id = assistant_id
        self._question = question
        self._turn = turn

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        read = [self._question.text]
        async with aclosing(self._turn.events()) as events:
            async for event in events:
                if isinstance(event, SearchResults):
                    read += [hit.text for hit in event.hits]
                if isinstance(event, FinalAnswer) and event.model != EXTRACTIVE:
                    await self._count(event.model, read, event.answer)
                yield event

    async def _count(self, model: str, read: list[str], answer: str) -> None:
        lengths = await asyncio.to_thread(self._state.encoder.count_tokens, [*read, answer])
        spent = ModelTokens(1, round(_SAFETY * sum(lengths[:-1])), round(_SAFETY * lengths[-1]))
        self._state.day_use.add_model(self._state.database, self._assistant_id, model, spent)
