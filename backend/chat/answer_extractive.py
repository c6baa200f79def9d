"""Answers that quote: the sentences of the passages that answer best, or none.

::

    passages -> pieces -> shortlist by words -> score by meaning -> confident? -> select -> compose
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from backend.chat.compose import Part, compose
from backend.chat.events import CitationFound, MessageDelta
from backend.chat.evidence import Asked, Candidate, Passage, ask, open_passages, score, shortlist
from backend.chat.phrases import no_answer
from backend.chat.select import can_stand, select
from backend.chat.settings import ChatSettings
from backend.chat.writer import EXTRACTIVE, Parts, Task, Written
from knowledge.encode.dense_memory import DenseMemory
from knowledge.encode.encoder import Encoder

_MEANING, _WORDS, _BIAS = 5.56, 5.11, -5.97
"""Logistic regression on held-out questions with and without their answer in the collection; see
``benchmarks/abstention.py``. It holds for the bundled encoder, whose cosines it was fitted on."""


_PASSAGES_JUDGED = 3


@dataclass(frozen=True, slots=True)
class Quoted:
    """What was found to quote. ``parts`` is empty where nothing was good enough."""

    parts: tuple[Part, ...]
    confidence: float
    read: int


class ExtractiveWriter:
    """Implements ``AnswerWriter`` without a language model."""

    def __init__(self, encoder: Encoder, settings: ChatSettings) -> None:
        self._encoder = encoder
        self._memory = DenseMemory(encoder)
        self._settings = settings

    async def write(self, task: Task) -> Parts:
        """The answer in parts, each followed by its citations."""
        quoted = await asyncio.to_thread(self.quote, task)
        given = tuple(hit.chunk_id for hit in task.hits[: quoted.read])
        cut = tuple(hit.chunk_id for hit in task.hits[quoted.read :])
        if not quoted.parts:
            text = no_answer(task.language, task.query, task.hits)
            yield MessageDelta(text)
            yield Written(text, True, (), EXTRACTIVE, given, cut, confidence=quoted.confidence)
            return
        for part in quoted.parts:
            yield MessageDelta(part.text)
            for citation in part.citations:
                yield CitationFound(citation)
        yield Written(
            text="".join(part.text for part in quoted.parts),
            abstained=False,
            citations=tuple(found for part in quoted.parts for found in part.citations),
            model=EXTRACTIVE,
            given=given,
            cut=cut,
            confidence=quoted.confidence,
        )

    def quote(self, task: Task) -> Quoted:
        """Choose what to quote. Takes as long as one call of the encoder."""
        hits = task.hits[: self._settings.passages_read]
        encoding = task.encoding or self._encoder.encode_queries([task.query])[0]
        asked = ask(self._encoder, task.query, encoding, task.question)
        passages = open_passages(hits)
        candidates = [
            one
            for one in shortlist(asked, passages, self._settings.pieces_encoded)
            if can_stand(passages[one.rank].pieces, one.index)
        ]
        if not candidates:
            return Quoted((), 0.0, len(hits))
        scored = score(self._memory, asked, candidates, passages)
        sure = confidence(asked, scored, passages)
        least = self._settings.confidence if task.confidence is None else task.confidence
        if sure < least:
            return Quoted((), sure, len(hits))
        chosen = select(scored, passages, self._settings)
        return Quoted(tuple(compose(chosen, passages)), sure, len(hits))


def confidence(asked: Asked, scored: Sequence[Candidate], passages: Sequence[Passage]) -> float:
    """How likely it is that the passages answer the question, 0 to 1.

    A logistic function of the two figures of :func:`closeness`.
    """
    meaning, share = closeness(asked, scored, passages)
    return 1 / (1 + math.exp(-(_MEANING * meaning + _WORDS * share + _BIAS)))


def closeness(
    asked: Asked, scored: Sequence[Candidate], passages: Sequence[Passage]
) -> tuple[float, float]:
    """How near the passages come to the question, by meaning and by words, each 0 to 1.

    The highest cosine of any piece with the question; and the share of the question's words (each
    weighed by the encoder and by its rarity in the collection) that stand in one passage or its
    headings, the best of those that the three best pieces are from.
    """
    meaning = max(one.meaning for one in scored)
    ranks = {one.rank for one in scored[:_PASSAGES_JUDGED]}
    return meaning, max(asked.share(passages[rank].stems) for rank in ranks)
