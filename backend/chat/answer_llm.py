"""Answers that a language model writes from the passages, with every citation checked.

::

    passages -> prompt -> stream -> markers out -> sentences -> checked citations
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

from backend.chat.events import Citation, CitationFound, MessageDelta
from backend.chat.llm import LanguageModel, Stop
from backend.chat.markers import Marker, MarkerFilter
from backend.chat.passage import sentence_spans
from backend.chat.phrases import no_answer
from backend.chat.prompt import NO_ANSWER, Briefing, brief
from backend.chat.settings import ChatSettings
from backend.chat.support import SupportChecker
from backend.chat.writer import AnswerWriter, Parts, Task, Written
from knowledge.encode.encoder import Encoder
from knowledge.errors import LanguageModelError
from knowledge.types import Span

_CUT = "The answer was cut at its token limit."
_UNCITED = "No sentence of this answer could be tied to a passage."
_QUOTED_INSTEAD = "The language model failed ({detail}) These are sentences quoted from the pages."
_REFUSAL = re.compile(
    r"\b(?:passages?|context|documents?|sources?|information|texts?)\b[^.]{0,40}"
    r"\b(?:do(?:es)? not|don't|doesn't|no|not)\b|\b(?:i (?:do not|don't) know|cannot answer|"
    r"can't answer|no information|not (?:mentioned|provided|specified|covered))\b|"
    r"\b(?:keine (?:informationen|angaben|antwort)|nicht beantworten|aucune information|"
    r"ne (?:contiennent|contient) pas|no (?:contienen|contiene|hay información))\b",
    re.IGNORECASE,
)


class LanguageModelWriter:
    """Implements ``AnswerWriter`` with a language model.

    ``quoting`` writes where there is nothing to give to the model, and, if the settings say so,
    where the model fails before its first word.
    """

    def __init__(
        self,
        model: LanguageModel,
        encoder: Encoder,
        settings: ChatSettings,
        quoting: AnswerWriter,
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._settings = settings
        self._quoting = quoting

    async def write(self, task: Task) -> Parts:
        """The answer as it comes, each citation after its sentence."""
        if not task.hits:
            async with aclosing(self._quoting.write(task)) as quoted:
                async for part in quoted:
                    yield part
            return
        said = False
        try:
            async with aclosing(self._stream(task)) as parts:
                async for part in parts:
                    said = True
                    yield part
        except LanguageModelError as error:
            if said or not self._settings.quote_on_failure:
                raise
            notice = _QUOTED_INSTEAD.format(detail=error.detail)
            async with aclosing(self._quoting.write(task)) as quoted:
                async for part in quoted:
                    yield replace(part, notice=notice) if isinstance(part, Written) else part

    async def _stream(self, task: Task) -> Parts:
        briefing = await asyncio.to_thread(
            brief,
            task,
            self._encoder.count_tokens,
            self._settings.context_tokens,
            self._settings.answer_tokens,
        )
        answer = _Answer(task, briefing, SupportChecker(self._encoder, task.question))
        cut = False
        async with aclosing(self._model.stream(briefing.prompt)) as deltas:
            async for delta in deltas:
                if isinstance(delta, Stop):
                    cut = delta.cut
                    break
                for part in answer.feed(delta):
                    yield part
                for citation in await answer.settle(last=False):
                    yield CitationFound(citation)
        for part in answer.end():
            yield part
        for citation in await answer.settle(last=True):
            yield CitationFound(citation)
        yield self._written(answer, task, cut)

    def _written(self, answer: _Answer, task: Task, cut: bool) -> Written:
        cited = tuple(answer.citations)
        abstained = answer.refused or (not cited and bool(_REFUSAL.search(answer.text)))
        notices = [_CUT] if cut else []
        if not cited and not abstained:
            notices.append(_UNCITED)
        return Written(
            text=answer.text,
            abstained=abstained,
            citations=cited,
            model=self._model.name,
            given=tuple(hit.chunk_id for hit in answer.briefing.given),
            cut=tuple(hit.chunk_id for hit in answer.briefing.cut),
            notice=" ".join(notices),
        )


class _Answer:
    """An answer while it is written: its text so far, and the citations that were checked."""

    def __init__(self, task: Task, briefing: Briefing, checker: SupportChecker) -> None:
        self.briefing = briefing
        self.citations: list[Citation] = []
        self.refused = False
        self._task = task
        self._checker = checker
        self._filter = MarkerFilter()
        self._markers: list[Marker] = []
        self._opening = ""
        self._opened = False
        self._settled = 0
        self._shown: dict[int, int] = {}

    @property
    def text(self) -> str:
        """The answer so far, without markers."""
        return self._own if self.refused else self._filter.text

    @property
    def _own(self) -> str:
        return no_answer(self._task.language, self._task.query, self._task.hits)

    def feed(self, delta: str) -> Iterator[MessageDelta]:
        """Take in what the model says. The first words wait until they are no refusal."""
        if self.refused:
            return
        if not self._opened:
            self._opening = (self._opening + delta).lstrip()
            if NO_ANSWER.startswith(self._opening[: len(NO_ANSWER)]):
                return
            delta, self._opened = self._opening, True
        yield from self._say(self._filter.feed(delta))

    def end(self) -> Iterator[MessageDelta]:
        """The model has ended: say what was held back."""
        if not self._opened and (not self._opening or self._opening.startswith(NO_ANSWER)):
            self.refused = True
            yield MessageDelta(self._own)
            return
        if not self._opened:
            yield from self._say(self._filter.feed(self._opening))
        yield from self._say(self._filter.end())

    async def settle(self, *, last: bool) -> list[Citation]:
        """The citations of the sentences that have become complete, as far as they are real."""
        found: list[Citation] = []
        for sentence in [] if self.refused else self._complete(last):
            numbers = self._cited_in(sentence)
            if numbers:
                found += await asyncio.to_thread(self._check, sentence, numbers)
            self._settled = sentence[1]
        self.citations.extend(found)
        return found

    def _say(self, parts: Iterator[str | Marker]) -> Iterator[MessageDelta]:
        for part in parts:
            if isinstance(part, Marker):
                self._markers.append(part)
            else:
                yield MessageDelta(part)

    def _complete(self, last: bool) -> list[Span]:
        """Sentences not checked yet; the last one is complete once another has begun."""
        text = self._filter.text
        spans = [
            span for span in answer_sentences(text, self._task.language) if span[0] >= self._settled
        ]
        return spans if last else spans[:-1]

    def _cited_in(self, sentence: Span) -> list[int]:
        """The numbers of passages given that the sentence's markers name, in their order."""
        text = self._filter.text
        numbers = dict.fromkeys(
            marker.number
            for marker in self._markers
            if sentence[0] < len(text[: marker.position].rstrip()) <= sentence[1]
        )
        return [number for number in numbers if 1 <= number <= len(self.briefing.given)]

    def _check(self, sentence: Span, numbers: list[int]) -> list[Citation]:
        """The citations of one sentence that are real. Blocking: it may call the encoder."""
        cited = [self.briefing.given[number - 1] for number in numbers]
        spans = self._checker.supported(self._filter.text[slice(*sentence)], cited)
        return [
            Citation(
                id=self._shown.setdefault(number, len(self._shown) + 1),
                sentence=sentence,
                chunk_id=hit.chunk_id,
                span=span,
                address=hit.address,
                title=hit.title,
            )
            for number, hit, span in zip(numbers, cited, spans, strict=True)
            if span is not None
        ]


_LINE = re.compile(r"[^\n]+")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s+")


def answer_sentences(text: str, language: str) -> list[Span]:
    """The sentences of an answer, line by line; a fenced code block counts as one sentence."""
    found: list[Span] = []
    fence: int | None = None
    for line in _LINE.finditer(text):
        if line.group().lstrip().startswith("```"):
            if fence is not None:
                found.append((fence, line.end()))
            fence = line.start() if fence is None else None
        elif fence is None:
            mark = _LIST_MARK.match(text, line.start(), line.end())
            start = mark.end() if mark else line.start()
            found.extend(
                (start + first, start + last)
                for first, last in sentence_spans(text[start : line.end()], language)
            )
    if fence is not None:
        found.append((fence, len(text)))
    return found
