"""Documents that say the same are indexed once: who is kept, and who counts as a copy of it.

Which of several copies is kept depends on their addresses alone (``preference``), not on which one
a crawl came to first. While a run goes on, a copy of what is indexed is set aside unencoded; at its
end :meth:`Duplicates.plan` compares what is with what should be, and the differences are settled:
a copy that came first gives its place up, and one whose original has gone takes its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from anyio import to_thread

from ingestion.grouping import Grouped
from ingestion.near_duplicates import Wording, are_copies, preference
from knowledge.store.database import Database
from knowledge.store.queries import duplicates
from knowledge.store.queries.duplicates import Bands, Resembling, Sharer
from knowledge.store.queries.run_items import Outcome
from knowledge.store.tables import Document, DocumentState, ItemState

_WORDINGS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Original:
    """The document that another is a copy of. ``exact``: to the byte."""

    id: UUID
    address: str
    exact: bool

    @property
    def outcome(self) -> Outcome:
        """How the item of a copy ends."""
        how = "The same" if self.exact else "Nearly the same"
        detail = f"{how} content is indexed already: {self.address}"[:1000]
        return Outcome(ItemState.SKIPPED, "duplicate", detail)


@dataclass(frozen=True, slots=True)
class Move:
    """A document that has to become a copy of another, or, where ``of`` is ``None``, stop to be."""

    id: UUID
    version: int
    of: Original | None


class Duplicates:
    """Finds copies among the documents of a knowledge base.

    ``near``: whether documents count that say nearly the same, beside those of the same bytes.
    """

    def __init__(self, database: Database, near: bool) -> None:
        self._database = database
        self._near = near
        self._lookups = Grouped(self._look_up)

    async def close(self) -> None:
        """Wait until everything is looked up."""
        await self._lookups.finish()

    async def original_of(
        self,
        document: Document,
        content_hash: str,
        wording: Wording,
        bands: Sequence[int],
    ) -> Original | None:
        """The indexed document that this one is a copy of, if it is to be kept before this one."""
        shared = Bands(
            document.id, document.knowledge_base_id, content_hash, bands if self._near else ()
        )
        mine = preference(document.address)
        found = [one for one in await self._lookups(shared) if preference(one.address) < mine]
        for one in sorted(found, key=lambda one: preference(one.address)):
            if one.exact or await self._says_the_same(wording, one.id):
                return Original(one.id, one.address, one.exact)
        return None

    async def _look_up(self, wanted: Sequence[Bands]) -> list[list[Resembling]]:
        async with self._database.reading() as session:
            return await duplicates.resembling(session, wanted)

    async def to_settle(self) -> list[UUID]:
        """Knowledge bases in which a copy has lost its original outside of a run."""
        async with self._database.reading() as session:
            return await duplicates.knowledge_bases_to_settle(session)

    async def plan(self, knowledge_base_id: UUID) -> list[Move]:
        """What has to change until every document is kept or a copy, as the addresses have it.

        One after the other in the order of preference, a document is a copy of the first that is
        kept and says the same.
        """
        async with self._database.reading() as session:
            sharers = await duplicates.sharers(session, knowledge_base_id)
        kept: defaultdict[int, list[Sharer]] = defaultdict(list)
        wordings: dict[UUID, Wording] = {}
        moves = []
        for one in sorted(sharers, key=_keeping_order):
            original = await self._original(one, kept, wordings)
            if original is None:
                for number in (*one.exact, *one.near):
                    kept[number].append(one)
                is_settled = one.state != DocumentState.DUPLICATE
            else:
                is_settled = (
                    one.state == DocumentState.DUPLICATE and one.duplicate_of == original.id
                )
            if not is_settled:
                moves.append(Move(one.id, one.version, original))
        # Room is made before it is taken.
        return sorted(moves, key=lambda move: move.of is None)

    async def _original(
        self, one: Sharer, kept: dict[int, list[Sharer]], wordings: dict[UUID, Wording]
    ) -> Original | None:
        for number in one.exact:
            for other in kept.get(number, ()):
                return Original(other.id, other.address, exact=True)
        if not self._near:
            return None
        others = {other.id: other for number in one.near for other in kept.get(number, ())}
        for other in sorted(others.values(), key=_keeping_order):
            await self._load(wordings, [one.id, other.id])
            mine, theirs = wordings.get(one.id), wordings.get(other.id)
            if mine is None or theirs is None:
                continue
            if await to_thread.run_sync(are_copies, mine, theirs):
                return Original(other.id, other.address, exact=False)
        return None

    async def _says_the_same(self, wording: Wording, other: UUID) -> bool:
        known: dict[UUID, Wording] = {}
        await self._load(known, [other])
        return other in known and await to_thread.run_sync(are_copies, wording, known[other])

    async def _load(self, known: dict[UUID, Wording], wanted: list[UUID]) -> None:
        missing = [one for one in wanted if one not in known]
        if not missing:
            return
        if len(known) > _WORDINGS_KEPT:
            for one in [one for one in known if one not in wanted]:
                del known[one]
        async with self._database.reading() as session:
            for found, words in (await duplicates.wordings(session, missing)).items():
                known[found] = Wording(*words)


def _keeping_order(one: Sharer) -> tuple[bool, tuple[bool, bool, int, str], int]:
    """A document that its source has lost is kept only where no other says the same."""
    return (one.state == DocumentState.MISSING, preference(one.address), one.id.int)
