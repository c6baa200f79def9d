"""Passages to vectors for all runs of a process: in full batches, in fair turns, after searches.

Most documents are short: encoded one by one, they would leave the encoder waiting for the next.
What several documents of a knowledge base have waiting is encoded together, passages of similar
length side by side, so that little is spent on padding.
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

_CHARACTERS_AT_ONCE = 2_000
"""What is encoded in one call, about 50 ms of it: no search waits longer than for that."""

_GIVES_WAY_S = 0.1


@dataclass(slots=True)
class _Wanted:
    """The passages of one document. ``begun``: how many have had their turn."""

    texts: Sequence[str]
    done: asyncio.Future[list[Encoding]]
    begun: int = 0
    made: dict[int, Encoding] = field(default_factory=dict)


_Place = tuple[_Wanted, int]


class PassageEncoding:
    """Encodes what is asked for, off the event loop.

    A large import must not keep a small one waiting: after every turn it is that of the next
    group, whatever each has waiting. Between two calls of the encoder it gives way to ``searches``.
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
        wanted = _Wanted(texts, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(group, deque()).append(wanted)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await wanted.done

    def close(self) -> None:
        """Let go of the thread, after the call it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _work(self) -> None:
        try:
            # Whoever is about to ask in this turn of the loop comes along.
            await asyncio.sleep(0)
            while turn := self._next_turn():
                for part in _alike(turn):
                    await self._searches.give_way(_GIVES_WAY_S)
                    await self._encode(part)
        finally:
            self._worker = None
            for queue in self._waiting.values():
                for wanted in queue:
                    wanted.done.cancel()

    def _next_turn(self) -> list[_Place]:
        """The passages of the next turn; none where nothing waits."""
        while self._waiting:
            group, queue = next(iter(self._waiting.items()))
            turn: list[_Place] = []
            while queue and len(turn) < _TURN:
                wanted = queue.popleft()
                if wanted.done.done():
                    # It was given up meanwhile.
                    continue
                last = min(len(wanted.texts), wanted.begun + _TURN - len(turn))
                turn += [(wanted, place) for place in range(wanted.begun, last)]
                wanted.begun = last
                if last < len(wanted.texts):
                    queue.append(wanted)
            if queue:
                self._waiting.move_to_end(group)
            else:
                del self._waiting[group]
            if turn:
                return turn
        return []

    async def _encode(self, part: Sequence[_Place]) -> None:
        part = [(wanted, place) for wanted, place in part if not wanted.done.done()]
        if not part:
            return
        texts = [wanted.texts[place] for wanted, place in part]
        call = asyncio.get_running_loop().run_in_executor(
            self._thread, self.encoder.encode_passages, texts
        )
        (made,) = await asyncio.gather(call, return_exceptions=True)
        if isinstance(made, BaseException):
            await self._encode_apart(part, made)
            return
        for (wanted, place), encoding in zip(part, made, strict=True):
            wanted.made[place] = encoding
            if len(wanted.made) == len(wanted.texts) and not wanted.done.done():
                wanted.done.set_result([wanted.made[at] for at in range(len(wanted.texts))])

    async def _encode_apart(self, part: Sequence[_Place], error: BaseException) -> None:
        """What fails for several documents is done for each alone, so that one fails alone."""
        documents = {id(wanted): wanted for wanted, _ in part}
        if len(documents) == 1:
            (wanted,) = documents.values()
            if not wanted.done.done():
                wanted.done.set_exception(error)
            return
        for alone in documents.values():
            await self._encode([one for one in part if one[0] is alone])


def _alike(turn: Sequence[_Place]) -> Iterator[list[_Place]]:
    """The passages of a turn by length, in parts for one call each."""
    part: list[_Place] = []
    for one in sorted(turn, key=lambda one: len(one[0].texts[one[1]])):
        size = len(one[0].texts[one[1]])
        if part and size * (len(part) + 1) > _CHARACTERS_AT_ONCE:
            yield part
            part = []
        part.append(one)
    if part:
        yield part
