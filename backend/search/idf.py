"""Weighting a query's terms by how rare they are in the knowledge bases searched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
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
        self, query: Encoding, versions: Mapping[UUID, int]
    ) -> tuple[Encoding, dict[int, float]]:
        """``query`` with each sparse weight multiplied by its term's IDF, and those by term.

        ``versions``: the statistics' version of each knowledge base searched.
        """
        if query.sparse is None:
            return query, {}
        terms = query.sparse.indices
        known = await self._frequencies(terms.tolist(), versions)
        factors = idf([known.chunks[term] for term in terms.tolist()], known.total)
        weighted = SparseVector(terms, query.sparse.values * factors)
        return replace(query, sparse=weighted), dict(
            zip(terms.tolist(), factors.tolist(), strict=True)
        )

    async def _frequencies(self, terms: list[int], versions: Mapping[UUID, int]) -> _Frequencies:
        key = frozenset(versions)
        known = self._remembered.get(key)
        if known is None or known.versions != versions:
            known = None
        missing = [term for term in terms if known is None or term not in known.chunks]
        if known is not None and not missing:
            return known
        async with self._database.reading() as session:
            if known is None:
                total = await statistics.total_chunks(session, list(versions))
                known = _Frequencies(dict(versions), total)
                self._remember(key, known)
            known.chunks |= await statistics.term_frequencies(session, list(versions), missing)
        return known

    def _remember(self, key: frozenset[UUID], frequencies: _Frequencies) -> None:
        self._remembered[key] = frequencies
        self._remembered.move_to_end(key)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
