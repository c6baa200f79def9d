"""Weighting a query's terms by how rare they are in the knowledge bases searched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from knowledge.encode.idf import idf
from knowledge.store import statistics
from knowledge.store.database import Database
from knowledge.types import Encoding, SparseVector

_REMEMBERED = 64


@dataclass(slots=True)
class _Frequencies:
    """Document frequencies of the terms met so far in one set of knowledge bases."""

    versions: dict[UUID, int]
    total: int
    chunks: dict[int, int] = field(default_factory=dict)


class CollectionIdf:
    """Inverse document frequencies, read as queries need them and kept until the chunks change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: OrderedDict[frozenset[UUID], _Frequencies] = OrderedDict()

    async def weigh(
        self, query: Encoding, knowledge_base_ids: Sequence[UUID]
    ) -> tuple[Encoding, dict[int, float]]:
        """``query`` with each sparse weight multiplied by its term's IDF, and those by term."""
        if query.sparse is None:
            return query, {}
        terms = query.sparse.indices
        chunks, total = await self._frequencies(terms.tolist(), knowledge_base_ids)
        factors = idf([chunks[term] for term in terms.tolist()], total)
        weighted = SparseVector(terms, query.sparse.values * factors)
        return replace(query, sparse=weighted), dict(
            zip(terms.tolist(), factors.tolist(), strict=True)
        )

    async def _frequencies(
        self, terms: list[int], knowledge_base_ids: Sequence[UUID]
    ) -> tuple[dict[int, int], int]:
        key = frozenset(knowledge_base_ids)
        async with self._database.reading() as session:
            versions = await statistics.versions(session, knowledge_base_ids)
            known = self._remembered.get(key)
            if known is None or known.versions != versions:
                total = await statistics.total_chunks(session, knowledge_base_ids)
                known = _Frequencies(versions, total)
                self._remember(key, known)
            missing = [term for term in terms if term not in known.chunks]
            if missing:
                known.chunks |= await statistics.term_frequencies(
                    session, knowledge_base_ids, missing
                )
        return known.chunks, known.total

    def _remember(self, key: frozenset[UUID], frequencies: _Frequencies) -> None:
        self._remembered[key] = frequencies
        self._remembered.move_to_end(key)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
