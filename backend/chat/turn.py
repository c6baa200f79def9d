"""One turn of a conversation: from a question to a stored, cited answer.

::

    question -> understand -> search -> answer -> cite -> explain -> store -> events

How to call it::

    chat = Chat(database, searcher, encoder, ChatSettings(), language_model=None)
    reader = Reader(workspace_id, assistant_id, visitor)   # visitor=None: staff
    turn = await chat.begin(Question("How do I ...?", reader, knowledge_base_ids))

    async for event in turn.events():      # a stream: search_results ... final_answer | error
        send(event.name, event.data())
    final = await turn.finish()            # or, without a stream, the final answer alone

:meth:`Chat.begin` raises what is wrong with the question (:class:`InvalidQuery`,
:class:`NotFound`) while nothing has been sent yet. From then on a :class:`CandorError` is the last
event of :meth:`Turn.events`, while :meth:`Turn.finish` raises it. A turn runs once. It holds no
session while it is read, so a reader may leave at any event (``aclose`` or cancellation): the
question is kept, and no task is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from uuid import UUID, uuid4

import structlog

from backend.chat.answer_extractive import ExtractiveWriter
from backend.chat.answer_llm import LanguageModelWriter
from backend.chat.events import (
    ChatEvent,
    Citation,
    CitationFound,
    FinalAnswer,
    JsonObject,
    MessageDelta,
    SearchResults,
    TurnFailed,
    citation_data,
)
from backend.chat.language_models import LanguageModels
from backend.chat.llm import LanguageModel
from backend.chat.record import Record
from backend.chat.settings import Answering, ChatSettings
from backend.chat.understand import Understood, clean, understand
from backend.chat.writer import EXTRACTIVE, AnswerWriter, Exchange, Task, Written
from backend.explain.explain import Explainer
from backend.search.search import Searcher, SearchRequest, SearchResult
from knowledge.encode.encoder import Encoder
from knowledge.errors import CandorError, NotFound, StoreFault
from knowledge.store.conversations import (
    NewAnswer,
    NewQuestion,
    Reader,
    find_conversation,
    read_exchanges,
)
from knowledge.store.database import Database
from knowledge.types import Span

_log = structlog.get_logger()

_SEARCHES_AT_ONCE = 8
"""A crowd's searches take turns: side by side they would all end when the last one does."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, and where the answer may come from.

    ``tone`` is how the assistant is to speak, for a language model alone: quoted sentences keep
    the words of their source. ``page`` is what the website says of the page that the reader has
    open; a language model gets it as data. ``history`` stands for a conversation that is not kept
    here.
    """

    text: str
    reader: Reader
    knowledge_base_ids: tuple[UUID, ...]
    conversation_id: UUID | None = None
    tone: str = ""
    page: str = ""
    history: tuple[Exchange, ...] = ()
    answering: Answering = field(default_factory=Answering)


class Chat:
    """Everything that turns share. Without a language model, answers are quoted sentences.

    ``language_model`` is the server's own; ``models`` opens those that assistants name.
    """

    def __init__(
        self,
        database: Database,
        searcher: Searcher,
        encoder: Encoder,
        settings: ChatSettings | None = None,
        language_model: LanguageModel | None = None,
        models: LanguageModels | None = None,
    ) -> None:
        self.database = database
        self.record = Record(database)
        self.searching = asyncio.Semaphore(_SEARCHES_AT_ONCE)
        self.searcher = searcher
        self.settings = settings or ChatSettings()
        self.language_model = language_model
        self.explainer = Explainer(searcher)
        self.models = models or LanguageModels()
        self.quoting = ExtractiveWriter(encoder, self.settings)

    def model_of(self, answering: Answering) -> LanguageModel | None:
        """The language model that answers; ``None`` where sentences are quoted."""
        if answering.quoted:
            return None
        return self.models.of(answering.model) if answering.model else self.language_model

    def writer_of(self, model: LanguageModel | None) -> AnswerWriter:
        """What writes answers with a model, or without one."""
        if model is None:
            return self.quoting
        settings = self.settings
        if model is not self.language_model:
            own = model.settings
            settings = replace(
                settings, context_tokens=own.context_tokens, answer_tokens=own.answer_tokens
            )
        return LanguageModelWriter(model, self.searcher.encoder, settings, self.quoting)

    @asynccontextmanager
    async def warming(self) -> AsyncGenerator[None, None]:
        """While open, import the language model's library in the background.

        The first answer is then as quick as the others. A library that is missing is logged: the
        turn that needs it says what to install. At the end, what is to be kept is written.
        """
        task = asyncio.create_task(self._warm())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.record.settled()

    async def _warm(self) -> None:
        if self.language_model is None:
            return
        try:
            await self.language_model.warm()
        except CandorError as error:
            _log.warning("language_model_missing", detail=error.detail, action=error.action)

    async def begin(self, question: Question) -> Turn:
        """Check the question and read the conversation so far.

        Raises :class:`InvalidQuery` where there is nothing to search for or too much, and
        :class:`NotFound` where the conversation is not this reader's.
        """
        text = clean(question.text, self.settings.question_characters)
        turns = self.settings.history_turns
        history = question.history[-turns:] if turns else ()
        if question.conversation_id is not None:
            async with self.database.reading() as session:
                found = await find_conversation(session, question.reader, question.conversation_id)
                if found.visitor != question.reader.visitor_name:
                    raise NotFound(
                        "This conversation belongs to a visitor, who alone can continue it.",
                        "Ask without it to begin a new one.",
                    )
                pairs = await read_exchanges(session, found.id, self.settings.history_turns)
            history = tuple(Exchange(*pair) for pair in pairs)
        return Turn(self, question, text, history)


class Turn:
    """One question on its way to an answer. Made by :meth:`Chat.begin`; runs once."""

    def __init__(
        self, chat: Chat, question: Question, text: str, history: tuple[Exchange, ...]
    ) -> None:
        self.conversation_id = question.conversation_id or uuid4()
        self.message_id = uuid4()
        self._chat = chat
        self._question = question
        self._model = chat.model_of(question.answering)
        self._text = text
        self._history = history
        self._started = perf_counter()
        self._sent: list[str] = []
        self._cited: list[Citation] = []
        self._kept: list[asyncio.Future[None]] = []

    async def finish(self) -> FinalAnswer:
        """Run the turn without a stream. Raises the error that a stream would end with."""
        async with aclosing(self.events()) as events:
            async for event in events:
                if isinstance(event, TurnFailed):
                    raise event.error
                if isinstance(event, FinalAnswer):
                    return event
        raise AssertionError("a turn ends with a final answer or an error")

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Run the turn. The flow of the module's first lines, top to bottom."""
        query = self._text
        try:
            understood = await understand(self._text, self._history, self._model)
            query = understood.query
            request, result = await self._search(understood)
            self._keep_question()
            yield self._results(result)
            written: Written | None = None
            async with aclosing(self._write(understood, result)) as parts:
                async for part in parts:
                    if isinstance(part, Written):
                        written = part
                    else:
                        yield part
            assert written is not None, "a writer ends with what it has written"
            explanation = await self._explain(request, result, written)
            final = self._final(written)
            self._keep_answer(final, query, explanation)
            await asyncio.gather(*map(asyncio.shield, self._kept))
            yield final
        except CandorError as error:
            self._keep_failure(error, query)
            await self._settle()
            yield TurnFailed(error)
        finally:
            await self._settle()  # the reader may have left on the way

    async def _search(self, understood: Understood) -> tuple[SearchRequest, SearchResult]:
        """Search, unless the words ask for nothing (a greeting)."""
        request = SearchRequest(
            query=understood.query,
            knowledge_base_ids=self._question.knowledge_base_ids,
            limit=self._chat.settings.hits,
        )
        if understood.reply:
            return request, SearchResult(understood.query, (), 0.0, ())
        async with self._chat.searching:
            return request, await self._chat.searcher.search(request)

    def _results(self, result: SearchResult) -> SearchResults:
        return SearchResults(
            self.conversation_id, self.message_id, result.query, result.took_ms, result.hits
        )

    async def _write(
        self, understood: Understood, result: SearchResult
    ) -> AsyncGenerator[ChatEvent | Written, None]:
        """The answer's pieces and citations, remembered for the case that the turn fails."""
        if understood.reply:
            yield MessageDelta(understood.reply)
            yield Written(understood.reply, abstained=False, citations=(), model=EXTRACTIVE)
            return
        task = Task(
            question=self._text,
            query=understood.query,
            language=understood.language,
            hits=result.hits,
            encoding=result.trace.query if result.trace else None,
            history=self._history,
            tone=self._question.tone,
            page=self._question.page,
            confidence=self._question.answering.confidence,
        )
        async with aclosing(self._chat.writer_of(self._model).write(task)) as parts:
            async for part in parts:
                if isinstance(part, MessageDelta):
                    self._sent.append(part.delta)
                elif isinstance(part, CitationFound):
                    self._cited.append(part.citation)
                yield part

    async def _explain(
        self, request: SearchRequest, result: SearchResult, written: Written
    ) -> JsonObject:
        """Why each cited passage was found, and which passages the answer was written from."""
        reasons: JsonObject = {
            "given": [str(chunk_id) for chunk_id in written.given],
            "cut": [str(chunk_id) for chunk_id in written.cut],
            "confidence": written.confidence,
        }
        spans: dict[UUID, list[Span]] = {}
        for citation in written.citations:
            spans.setdefault(citation.chunk_id, []).append(citation.span)
        if not spans:
            return reasons
        record = self._chat.explainer.record
        return reasons | await record(request, result, tuple(spans), spans)

    def _final(self, written: Written) -> FinalAnswer:
        return FinalAnswer(
            conversation_id=self.conversation_id,
            message_id=self.message_id,
            answer=written.text,
            abstained=written.abstained,
            citations=written.citations,
            took_ms=(perf_counter() - self._started) * 1000,
            model=written.model,
            notice=written.notice,
        )

    async def _settle(self) -> None:
        """Wait until what was kept is written, or could not be."""
        if self._kept:
            await asyncio.wait(self._kept)

    def _keep(self, message: NewQuestion | NewAnswer) -> None:
        self._kept.append(self._chat.record.keep(self.conversation_id, message))

    def _keep_question(self) -> None:
        begins = self._question.conversation_id is None
        self._keep(NewQuestion(self._question.reader, self._text, begins))

    def _keep_answer(self, final: FinalAnswer, query: str, explanation: JsonObject) -> None:
        self._keep(
            NewAnswer(
                message_id=self.message_id,
                text=final.answer,
                query=query,
                abstained=final.abstained,
                citations=tuple(citation_data(final.citations)),
                explanation=explanation,
                model=final.model,
                took_ms=final.took_ms,
            )
        )

    def _keep_failure(self, error: CandorError, query: str) -> None:
        """Keep the question, and what of the answer had been sent, marked with the error."""
        if isinstance(error, StoreFault | NotFound):
            return  # the records themselves are what failed
        if not self._kept:
            self._keep_question()
        self._keep(
            NewAnswer(
                message_id=self.message_id,
                text="".join(self._sent),
                query=query,
                citations=tuple(citation_data(self._cited)),
                took_ms=(perf_counter() - self._started) * 1000,
                error_code=error.code,
            )
        )
