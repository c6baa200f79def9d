"""What a run has still to read: kept in the records, with a memory of what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ingestion.records import Records
from ingestion.sources.website import FoundPage
from knowledge.crawl_limits import MOST_LEFT_OUT, Limit, RunNote, beyond
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import ItemState


class Frontier:
    """The pages of one run, within its ``limits``.

    Nearly every link of a site leads to a page that is known: those never reach the database.
    ``known`` addresses are those of all items, of which the run has left out ``left_out``.
    """

    def __init__(
        self,
        records: Records,
        run_id: UUID,
        limits: Mapping[Limit, int],
        known: set[str],
        left_out: int = 0,
    ) -> None:
        self._records = records
        self._run_id = run_id
        self._limits = limits
        self._known = known
        self._left_out = left_out
        self._reached = Limit.PAGES

    @classmethod
    async def open(cls, records: Records, run_id: UUID, limits: Mapping[Limit, int]) -> Frontier:
        """The frontier of a run that may have begun before."""
        return cls(records, run_id, limits, *await records.item_addresses(run_id))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been added yet."""
        return not self._known

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to be gained from another page: not even that it is counted."""
        return self._room <= 0 and self._left_out >= MOST_LEFT_OUT

    @property
    def _room(self) -> int:
        if self._reached is not Limit.PAGES:
            return 0
        return self._limits[Limit.PAGES] - (len(self._known) - self._left_out)

    async def add(self, pages: Iterable[FoundPage]) -> None:
        """Add those pages that are new, as long as there is room; leave out the others."""
        new = list(
            {page.address: page for page in pages if page.address not in self._known}.values()
        )
        room = max(self._room, 0)
        taken, rest = new[:room], new[room:][: max(MOST_LEFT_OUT - self._left_out, 0)]
        if not taken and not rest:
            return
        # Known at once, so that nobody adds them twice. Whoever meets one of them meanwhile may
        # be through before it is stored: after a crash the page that led here is read again.
        self._known.update(page.address for page in (*taken, *rest))
        self._left_out += len(rest)
        try:
            if taken:
                await self._records.add_items(self._run_id, taken)
            if rest:
                await self._records.leave_out(self._run_id, rest, self.beyond(self._reached))
        except BaseException:
            self._known.difference_update(page.address for page in (*taken, *rest))
            self._left_out -= len(rest)
            raise

    async def close(self, limit: Limit, begun: Sequence[UUID]) -> None:
        """A limit is reached: what is not ``begun``, and what is found after it, is left out."""
        self._reached = limit
        await self._records.leave_out_rest(self._run_id, begun, self.beyond(limit))

    def beyond(self, limit: Limit) -> Outcome:
        """The end of an item that lies beyond a limit."""
        detail, action = beyond(limit, self._limits[limit])
        return Outcome(ItemState.LEFT_OUT, limit, detail, action)

    async def notes(self) -> list[RunNote]:
        """What the limits kept out so far."""
        left_out = await self._records.left_out(self._run_id)
        return [
            RunNote.of_limit(limit, most, left_out[limit])
            for limit, most in self._limits.items()
            if limit in left_out
        ]
