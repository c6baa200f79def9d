"""Document frequencies of sparse terms, per knowledge base.

Query weights are multiplied by the collection's inverse document frequency. It is computed here
and not by the engine, so that an explanation can show it. A document row keeps what it added to
the statistics (``term_counts``); replacing or removing the document takes back exactly that, in
the same transaction, so a repeated step changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, update

from knowledge.encode.idf import counted_terms
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import Chunk, KnowledgeBase, TermStatistic
from knowledge.types import SparseVector

_ROWS_PER_STATEMENT = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class TermStatistics:
    """Document frequencies of one or several knowledge bases together.

    ``terms``: ``uint32[n]`` ascending; ``chunks``: ``int64[n]``, in how many chunks each term
    counts; ``total``: number of chunks.
    """

    terms: NDArray[np.uint32]
    chunks: NDArray[np.int64]
    total: int

    def frequencies(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """``int64[m]``: the document frequency of each of ``terms`` (``uint32[m]``), 0 if none."""
        if self.terms.size == 0:
            return np.zeros(terms.size, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.terms, terms), self.terms.size - 1)
        return np.where(self.terms[at] == terms, self.chunks[at], 0)


def pack_counts(vectors: Iterable[SparseVector], least: float) -> bytes:
    """Count in how many of a document's vectors each term counts, as ``uint32`` pairs.

    ``least``: the encoder's ``counted_weight``.
    """
    columns = [counted_terms(vector, least) for vector in vectors]
    if not columns:
        return b""
    terms, counts = np.unique(np.concatenate(columns), return_counts=True)
    return np.stack([terms.astype(np.uint32), counts.astype(np.uint32)], axis=1).tobytes()


def unpack_counts(packed: bytes) -> dict[int, int]:
    """The reverse of :func:`pack_counts`: number of chunks by term."""
    pairs = np.frombuffer(packed, dtype=np.uint32).reshape(-1, 2)
    return dict(zip(pairs[:, 0].tolist(), pairs[:, 1].tolist(), strict=True))


def join_counts(packed: Iterable[bytes]) -> bytes:
    """The counts of several documents together, packed as each of them was."""
    joined = np.frombuffer(b"".join(packed), dtype=np.uint32).reshape(-1, 2)
    if joined.size == 0:
        return b""
    terms, places = np.unique(joined[:, 0], return_inverse=True)
    counts = np.bincount(places, weights=joined[:, 1], minlength=terms.size)
    return np.stack([terms, counts.astype(np.uint32)], axis=1).tobytes()


async def replace_counts(
    session: WriteSession, knowledge_base_id: UUID, before: bytes, after: bytes
) -> None:
    """Take back ``before`` and add ``after``, both packed, and raise the statistics' version."""
    change = unpack_counts(after)
    for term, count in unpack_counts(before).items():
        change[term] = change.get(term, 0) - count
    rows = [
        {"knowledge_base_id": knowledge_base_id, "term": term, "chunks": count}
        for term, count in sorted(change.items())
        if count
    ]
    statement = insert_for(session, TermStatistic)
    statement = statement.on_conflict_do_update(
        index_elements=["knowledge_base_id", "term"],
        set_={"chunks": TermStatistic.chunks + statement.excluded.chunks},
    )
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        await session.execute(statement, rows[start : start + _ROWS_PER_STATEMENT])
    if any(count < 0 for count in change.values()):
        await session.execute(
            delete(TermStatistic).where(
                TermStatistic.knowledge_base_id == knowledge_base_id, TermStatistic.chunks <= 0
            )
        )
    await session.execute(
        update(KnowledgeBase)
        .where(KnowledgeBase.id == knowledge_base_id)
        .values(statistics_version=KnowledgeBase.statistics_version + 1)
    )


async def versions(session: ReadSession, knowledge_base_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The statistics' version of each knowledge base named that exists."""
    rows = await session.execute(
        select(KnowledgeBase.id, KnowledgeBase.statistics_version).where(
            KnowledgeBase.id.in_(knowledge_base_ids)
        )
    )
    return {row.id: row.statistics_version for row in rows}


async def term_frequencies(
    session: ReadSession, knowledge_base_ids: Sequence[UUID], terms: Sequence[int]
) -> dict[int, int]:
    """In how many chunks of the knowledge bases each of ``terms`` counts; 0 if in none."""
    rows = await session.execute(
        select(TermStatistic.term, func.sum(TermStatistic.chunks))
        .where(
            TermStatistic.knowledge_base_id.in_(knowledge_base_ids), TermStatistic.term.in_(terms)
        )
        .group_by(TermStatistic.term)
    )
    return dict.fromkeys(terms, 0) | {row[0]: int(row[1]) for row in rows}


async def total_chunks(session: ReadSession, knowledge_base_ids: Sequence[UUID]) -> int:
    """How many chunks the knowledge bases hold together."""
    total = await session.scalar(
        select(func.count())
        .select_from(Chunk)
        .where(Chunk.knowledge_base_id.in_(knowledge_base_ids))
    )
    return total or 0


async def load(session: ReadSession, knowledge_base_ids: Sequence[UUID]) -> TermStatistics:
    """The document frequencies of the knowledge bases named, taken together."""
    rows = (
        await session.execute(
            select(TermStatistic.term, func.sum(TermStatistic.chunks))
            .where(TermStatistic.knowledge_base_id.in_(knowledge_base_ids))
            .group_by(TermStatistic.term)
            .order_by(TermStatistic.term)
        )
    ).all()
    return TermStatistics(
        terms=np.fromiter((row[0] for row in rows), dtype=np.uint32, count=len(rows)),
        chunks=np.fromiter((int(row[1]) for row in rows), dtype=np.int64, count=len(rows)),
        total=await total_chunks(session, knowledge_base_ids),
    )
