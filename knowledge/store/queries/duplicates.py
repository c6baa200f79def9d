"""Documents that say the same: what they share, who is kept, and who has lost the one it copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.orm import aliased, undefer

from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.dialect import insert_rows
from knowledge.store.tables import Document, DocumentBand, DocumentState

_IDS_AT_ONCE = 500
_SEARCHED = (DocumentState.INDEXED, DocumentState.MISSING)


@dataclass(frozen=True, slots=True)
class Sharer:
    """A document that shares a number with another. ``exact``: those that stand for its bytes."""

    id: UUID
    address: str
    state: DocumentState
    duplicate_of: UUID | None
    version: int
    exact: frozenset[int]
    near: frozenset[int]


def number_of_bytes(content_hash: str) -> int:
    """The number that documents of the same bytes share: signed 64 bits of their hash."""
    digest = blake2b(content_hash.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@dataclass(frozen=True, slots=True)
class Bands:
    """What a document may share with others: its bytes, and the bands of its text."""

    document_id: UUID
    knowledge_base_id: UUID
    content_hash: str
    near: Sequence[int]

    def numbers(self) -> dict[int, bool]:
        """The numbers, each with whether it stands for the bytes."""
        numbers = dict.fromkeys(self.near, False)
        if self.content_hash:
            numbers[number_of_bytes(self.content_hash)] = True
        return numbers


async def replace_bands(session: WriteSession, changed: Sequence[Bands]) -> None:
    """Record what documents may share with others."""
    if not changed:
        return
    ids = [bands.document_id for bands in changed]
    await session.execute(delete(DocumentBand).where(DocumentBand.document_id.in_(ids)))
    rows = [
        {
            "document_id": bands.document_id,
            "knowledge_base_id": bands.knowledge_base_id,
            "value": value,
            "exact": exact,
        }
        for bands in changed
        for value, exact in bands.numbers().items()
    ]
    await insert_rows(session, DocumentBand, rows)


@dataclass(frozen=True, slots=True)
class Resembling:
    """An indexed document that shares a number with another. ``exact``: that of the bytes."""

    id: UUID
    address: str
    exact: bool


async def resembling(session: ReadSession, wanted: Sequence[Bands]) -> list[list[Resembling]]:
    """For each of the documents, the indexed ones of its knowledge base that share a number."""
    shared: dict[tuple[UUID, int], list[tuple[UUID, str, bool]]] = {}
    numbers = [bands.numbers() for bands in wanted]
    rows = await session.execute(
        select(
            DocumentBand.knowledge_base_id,
            DocumentBand.value,
            DocumentBand.exact,
            Document.id,
            Document.address,
        )
        .join(Document, Document.id == DocumentBand.document_id)
        .where(
            DocumentBand.knowledge_base_id.in_({bands.knowledge_base_id for bands in wanted}),
            DocumentBand.value.in_({number for some in numbers for number in some}),
            Document.state == DocumentState.INDEXED,
        )
    )
    for place, value, exact, found, address in rows:
        shared.setdefault((place, value), []).append((found, address, exact))
    answers = []
    for bands, some in zip(wanted, numbers, strict=True):
        mine: dict[UUID, Resembling] = {}
        for number in some:
            for found, address, exact in shared.get((bands.knowledge_base_id, number), ()):
                exact = exact or (found in mine and mine[found].exact)
                mine[found] = Resembling(found, address, exact)
        mine.pop(bands.document_id, None)
        answers.append(list(mine.values()))
    return answers


async def sharers(session: ReadSession, knowledge_base_id: UUID) -> list[Sharer]:
    """The documents of a knowledge base that share a number, and all that count as copies."""
    shared = (
        select(DocumentBand.value)
        .where(DocumentBand.knowledge_base_id == knowledge_base_id)
        .group_by(DocumentBand.value)
        .having(func.count() > 1)
    )
    bands = await session.execute(
        select(DocumentBand.document_id, DocumentBand.value, DocumentBand.exact).where(
            DocumentBand.knowledge_base_id == knowledge_base_id, DocumentBand.value.in_(shared)
        )
    )
    exact: dict[UUID, set[int]] = {}
    near: dict[UUID, set[int]] = {}
    for document_id, value, is_exact in bands:
        (exact if is_exact else near).setdefault(document_id, set()).add(value)
    rows = await _in_parts(session, [*{*exact, *near}], _places())
    copies = await session.execute(
        _places().where(
            Document.knowledge_base_id == knowledge_base_id,
            Document.state == DocumentState.DUPLICATE,
        )
    )
    found = {row.id: row for row in [*rows, *copies]}
    return [
        Sharer(
            row.id,
            row.address,
            DocumentState(row.state),
            row.duplicate_of,
            row.version,
            frozenset(exact.get(row.id, ())),
            frozenset(near.get(row.id, ())),
        )
        for row in found.values()
        if row.state == DocumentState.DUPLICATE or (row.chunk_count and row.state in _SEARCHED)
    ]


async def knowledge_bases_to_settle(session: ReadSession) -> list[UUID]:
    """The knowledge bases that hold a copy of a document that is searched no more."""
    original = aliased(Document)
    rows = await session.scalars(
        select(Document.knowledge_base_id)
        .outerjoin(original, original.id == Document.duplicate_of)
        .where(
            Document.state == DocumentState.DUPLICATE,
            or_(
                original.id.is_(None),
                and_(original.state.not_in(_SEARCHED), original.state != DocumentState.QUEUED),
            ),
        )
        .distinct()
    )
    return list(rows)


async def wordings(
    session: ReadSession, document_ids: Sequence[UUID]
) -> dict[UUID, tuple[str, str]]:
    """Title and text of each of the documents named that exists."""
    columns: list[Any] = [Document.id, Document.title, Document.text]
    rows = await _in_parts(session, document_ids, select(*columns))
    return {row.id: (row.title, row.text) for row in rows}


async def read_copy(session: ReadSession, document_id: UUID) -> Document | None:
    """A document with its text and marks, or ``None`` where it has gone."""
    return await session.scalar(
        select(Document)
        .where(Document.id == document_id)
        .options(undefer(Document.text), undefer(Document.marks))
    )


def _places() -> Select[Any]:
    columns: list[Any] = [
        Document.id,
        Document.address,
        Document.state,
        Document.duplicate_of,
        Document.version,
        Document.chunk_count,
    ]
    return select(*columns)


async def _in_parts(session: ReadSession, ids: Sequence[UUID], query: Select[Any]) -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = ids[start : start + _IDS_AT_ONCE]
        rows += (await session.execute(query.where(Document.id.in_(part)))).all()
    return rows
