"""How long searches take while the same process ingests a website with the bundled encoder."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from uuid import UUID

import numpy as np

from backend.search.search import Searcher, SearchRequest, SearchSettings
from benchmarks.ingestion_service import Bench, opened
from benchmarks.ingestion_site import words
from knowledge.encode.encoder import Encoder

_QUIET_SEARCHES = 100
_BETWEEN_S = 0.1


async def search_meanwhile(
    folder: Path, first: str, start: str, encoder: Encoder
) -> dict[str, float]:
    """Milliseconds of a search, nothing else going on and during a crawl of ``start``.

    ``first`` is a site that is indexed before. A search is begun every 0.1 s, as by visitors who
    do not wait for each other.
    """
    chance = random.Random(1)
    async with opened(folder, encoder) as bench:
        await bench.wait(await bench.queue(await bench.website("first", first)))
        searcher = Searcher(bench.database, bench.index, encoder, SearchSettings())
        quiet = [await _search(searcher, bench, chance) for _ in range(_QUIET_SEARCHES)]
        run = await bench.queue(await bench.website("second", start))
        busy = await _until_ended(searcher, bench, run, chance)
    return {
        "quiet_p50_ms": _percentile(quiet, 50),
        "quiet_p95_ms": _percentile(quiet, 95),
        "busy_p50_ms": _percentile(busy, 50),
        "busy_p95_ms": _percentile(busy, 95),
        "busy_searches": len(busy),
    }


async def _until_ended(
    searcher: Searcher, bench: Bench, run: UUID, chance: random.Random
) -> list[float]:
    ended = asyncio.create_task(bench.wait(run))
    searches = []
    while not ended.done():
        searches.append(asyncio.create_task(_search(searcher, bench, chance)))
        await asyncio.sleep(_BETWEEN_S)
    return list(await asyncio.gather(*searches))


async def _search(searcher: Searcher, bench: Bench, chance: random.Random) -> float:
    began = time.perf_counter()
    await searcher.search(SearchRequest(words(chance, 5), (bench.knowledge_base,)))
    return (time.perf_counter() - began) * 1000


def _percentile(times: list[float], share: int) -> float:
    return round(float(np.percentile(times, share)), 1)
