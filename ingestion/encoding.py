"""Passages to vectors for all runs of a process: in fair turns, and after searches.

The encoder never waits for a document to be fetched or parsed, as long as another has passages
waiting. One call encodes passages of one document alone, those of similar length side by side, so
that little is spent on padding: a quantised model gives a text other vectors beside other texts,
and an index must not depend on what else was read at the time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from knowledge.encode.encoder import Encoder
from knowledge.traffic import Traffic
from knowledge.types import Encoding

_TURN = 32
"""Passages that a knowledge base has encoded until it is the next one's turn."""

_CHARACTERS_AT_ONCE = 3_000
"""What one call encodes: two long passages or more, about 50 ms. Then a search comes first."""

_GIVES_WAY_S = 0.1


@dataclass(slots=True)
class _Wanted:
    """The passages of one document. ``parts``: the places of those that each call is to take."""

    texts: Sequence[str]
    done: asyncio.Future[list[Encoding]]
    parts: deque[list[int]]
    made: dict[int, Encoding] = field(default_factory=dict)


class PassageEncoding:
    """Encodes what is asked for, off the event loop.

    A large import must not keep a small one waiting: after every turn it is that of the next
    group, and within a group that of the next document. Between two calls of the encoder it gives
    way to ``searches``.
    """

    def __init__(self, encoder: Encoder, searches: Traffic) -> None:
        self.encoder = encoder
        self._searches = searches
        self._waiting: OrderedDict[Hashable, deque[_Wanted]] = OrderedDict()
        self._worker: asyncio.Task[None] | None = None
        # One thread for all encoding: every thread that has encoded keeps tens of megabytes of
        # the allocator's, and the loop's own pool has dozens of threads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")

    async def encode(self, group: Hashable, texts: Sequence[str]) -> list[Encoding]:
        """Both vectors of each passage, in the order given. Raises what the encoder raises."""
        if not texts:
            return []
        done: asyncio.Future[list[Encoding]] = asyncio.get_running_loop().create_future()
        wanted = _Wanted(texts, done, deque(_alike(texts)))
        self._waiting.setdefault(group, deque()).append(wanted)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await done

    def close(self) -> None:
        """Let go of the thread, after the call it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _work(self) -> None:
        try:
            while self._waiting:
                group, queue = next(iter(self._waiting.items()))
                left = _TURN
                while queue and left > 0:
                    wanted = queue.popleft()
                    left -= await self._encode(wanted, left)
                    if not wanted.done.done():
                        queue.append(wanted)
                self._waiting.move_to_end(group)
                if not queue:
                    del self._waiting[group]
        finally:
            self._worker = None
            for queue in self._waiting.values():
                for wanted in queue:
                    wanted.done.cancel()

    async def _encode(self, wanted: _Wanted, most: int) -> int:
        """Encode about ``most`` passages of a document, or what it has; how many it were."""
        loop = asyncio.get_running_loop()
        before = len(wanted.made)
        while not wanted.done.done() and len(wanted.made) < before + most:
            await self._searches.give_way(_GIVES_WAY_S)
            call = loop.run_in_executor(self._thread, self._call, wanted, before + most)
            (error,) = await asyncio.gather(call, return_exceptions=True)
            if wanted.done.done():
                break
            if error is not None:
                wanted.done.set_exception(error)
            elif not wanted.parts:
                wanted.done.set_result([wanted.made[at] for at in range(len(wanted.texts))])
        return len(wanted.made) - before

    def _call(self, wanted: _Wanted, until: int) -> None:
        """Encode part after part, in the thread, until a search comes."""
        while wanted.parts and len(wanted.made) < until and not wanted.done.done():
            part = wanted.parts.popleft()
            encodings = self.encoder.encode_passages([wanted.texts[at] for at in part])
            wanted.made.update(zip(part, encodings, strict=True))
            if self._searches.is_busy:
                return


def _alike(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of the passages by length, in parts for one call each."""
    part: list[int] = []
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        is_full = len(texts[place]) * (len(part) + 1) > _CHARACTERS_AT_ONCE or len(part) == _TURN
        if part and is_full:
            yield part
            part = []
        part.append(place)
    yield part
