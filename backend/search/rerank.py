"""Reading the first hits again, together with the query, by a cross-encoder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Scores how well each text answers the query; higher is better."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score for each of ``texts``, in their order."""
        ...


class TimedReranker:
    """A reranker with a time budget: what is not ready by then does not count.

    A model cannot be interrupted, so after a timeout its thread works on; until it has ended,
    further queries are not reranked instead of queueing behind it.
    """

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self._running: asyncio.Task[list[float]] | None = None

    async def scores(
        self, query: str, texts: Sequence[str], budget_ms: int
    ) -> tuple[list[float] | None, str]:
        """The scores of ``texts``, or ``None`` and a sentence that says why there are none."""
        if self._running is not None and not self._running.done():
            return None, "The reranker was still busy with another query: the fused order stands."
        work = asyncio.create_task(asyncio.to_thread(self._reranker.rerank, query, texts))
        self._running = work
        done, _ = await asyncio.wait({work}, timeout=budget_ms / 1000)
        if not done:
            return None, f"Reranking took longer than {budget_ms} ms: the fused order stands."
        return work.result(), ""
