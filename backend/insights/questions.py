"""Collecting the questions that were asked: what figures, clusters and gaps are made of.

Answers are collected after they are stored, never while a visitor waits: by a task of the server
every :data:`PAUSE_S` seconds, and the last ones when somebody looks. So every way to ask is
counted, and what was asked before an upgrade is collected too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from knowledge.encode.encoder import Encoder
from knowledge.errors import CandorError
from knowledge.evaluation.query_file import same_query
from knowledge.store.database import Database
from knowledge.store.queries.asked_questions import (
    Collected,
    EarlierQuestion,
    PendingAnswer,
    add_collected,
    earlier_questions,
    mark_reformulated,
    read_pending,
    read_strange_vectors,
    replace_vectors,
)
from knowledge.store.tables import Outcome

PAUSE_S = 20.0
BATCH = 128

REFORMULATED = 0.6
"""The least cosine of a question with the one before it that asks the same in other words."""

_SOON = timedelta(minutes=10)
_log = structlog.get_logger()


class QuestionCollector:
    """Collects the questions of one database, with the vectors of one encoder."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self._database = database
        self._encoder = encoder
        self._busy = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While open, collect in the background."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def collect(self, limit: int = BATCH) -> int:
        """Collect at most ``limit`` answers, the oldest first; returns how many there were.

        A question that resembles the one before it in its conversation, and came within ten
        minutes, marks that one as reformulated.
        """
        async with self._busy:
            async with self._database.reading() as session:
                pending = await read_pending(session, limit)
                if not pending:
                    return 0
                earlier = await earlier_questions(
                    session, sorted({one.conversation_id for one in pending})
                )
            vectors = await self._vectors([one.query for one in pending if is_question(one)])
            collected = [
                Collected(one, text_key(one.query), vectors.get(one.query, b"")) for one in pending
            ]
            again = _reformulated(collected, earlier)
            async with self._database.writing() as session:
                await add_collected(session, collected, self._encoder.spec.id)
                await mark_reformulated(session, again)
        return len(pending)

    async def renew(self, limit: int = BATCH) -> int:
        """Encode at most ``limit`` questions again whose vectors another encoder made."""
        async with self._busy:
            async with self._database.reading() as session:
                rows = await read_strange_vectors(session, self._encoder.spec.id, limit)
            if not rows:
                return 0
            vectors = await self._vectors([text for _, text in rows])
            renewed = {id: vectors[text] for id, text in rows}
            async with self._database.writing() as session:
                await replace_vectors(session, renewed, self._encoder.spec.id)
        return len(rows)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                while await self.collect() == BATCH or await self.renew() == BATCH:
                    pass
            except CandorError as error:
                _log.warning("questions_not_collected", detail=error.detail, action=error.action)
            except Exception as error:  # noqa: BLE001 - the edge: nobody else would hear of it
                _log.error("questions_not_collected", exc_info=error)

    async def _vectors(self, texts: Iterable[str]) -> dict[str, bytes]:
        """Text to its vector as it is kept; empty where the encoder has no dense side."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return {}
        encodings = await asyncio.to_thread(self._encoder.encode_queries, distinct)
        return {
            text: b"" if one.dense is None else packed(one.dense)
            for text, one in zip(distinct, encodings, strict=True)
        }


def text_key(text: str) -> str:
    """What spellings of one question share: 32 hexadecimal digits."""
    return hashlib.sha256(same_query(text).encode()).hexdigest()[:32]


def packed(vector: NDArray[np.float32]) -> bytes:
    """A vector as it is kept: ``float16``, which changes a cosine by less than 0.001."""
    return vector.astype(np.float16).tobytes()


def unpacked(vectors: Sequence[bytes]) -> NDArray[np.float32]:
    """``float32[n, d]`` of unit length, of vectors of one size."""
    rows = np.frombuffer(b"".join(vectors), np.float16).astype(np.float32)
    matrix = rows.reshape(len(vectors), -1)
    unit: NDArray[np.float32] = matrix / np.maximum(
        np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9
    )
    return unit


def is_question(answer: PendingAnswer) -> bool:
    """Whether something was asked."""
    return answer.outcome != Outcome.OTHER and bool(answer.query)


def _reformulated(
    collected: Sequence[Collected], earlier: dict[UUID, EarlierQuestion]
) -> list[UUID]:
    """The answers whose questions were asked again."""
    last = dict(earlier)
    again = []
    for one in collected:
        answer = one.answer
        before = last.get(answer.conversation_id)
        if not one.vector:
            continue
        if (
            before is not None
            and answer.asked_at - before.asked_at <= _SOON
            and len(before.vector) == len(one.vector)
        ):
            first, second = unpacked([before.vector, one.vector])
            if float(first @ second) >= REFORMULATED:
                again.append(before.message_id)
        last[answer.conversation_id] = EarlierQuestion(
            answer.message_id, answer.asked_at, one.vector
        )
    return again
