"""What a run has still to read: kept in the records, with a memory of what is known already."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ingestion.records import Records
from ingestion.sources.website import FoundPage


class Frontier:
    """The pages of one run, at most ``room`` of them.

    Nearly every link of a site leads to a page that is known: those never reach the database.
    """

    def __init__(self, records: Records, run_id: UUID, room: int, known: set[str]) -> None:
        self._records = records
        self._run_id = run_id
        self._room = room
        self._known = known

    @classmethod
    async def open(cls, records: Records, run_id: UUID, room: int) -> Frontier:
        """The frontier of a run that may have begun before."""
        return cls(records, run_id, room, await records.item_addresses(run_id))

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another page."""
        return len(self._known) >= self._room

    async def add(self, pages: Iterable[FoundPage]) -> None:
        """Add those pages that are new, as long as there is room."""
        new = {page.address: page for page in pages if page.address not in self._known}
        taken = list(new.values())[: max(self._room - len(self._known), 0)]
        if not taken:
            return
        # Known at once, so that nobody adds them twice. Whoever meets one of them meanwhile may
        # be through before it is stored: after a crash the page that led here is read again.
        self._known.update(page.address for page in taken)
        try:
            await self._records.add_items(self._run_id, taken)
        except BaseException:
            self._known.difference_update(page.address for page in taken)
            raise
