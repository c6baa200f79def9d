"""Term statistics: what a document added is taken back exactly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from knowledge.store.database import Database, database_url
from knowledge.store.statistics import (
    join_counts,
    load,
    pack_counts,
    replace_counts,
    unpack_counts,
    versions,
)
from knowledge.store.tables import KnowledgeBase, Workspace
from knowledge.types import SparseVector


def vector(*terms: int, weight: float = 1.0) -> SparseVector:
    return SparseVector(np.array(terms, np.uint32), np.full(len(terms), weight, np.float32))


@pytest.fixture
async def database(database_address: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(database_url(database_address, tmp_path))
    yield opened
    await opened.close()


async def _base(database: Database) -> UUID:
    async with database.writing() as session:
        workspace = Workspace(name="test")
        session.add(workspace)
        await session.flush()
        base = KnowledgeBase(workspace_id=workspace.id, name="base")
        session.add(base)
    return base.id


def test_counts_are_of_chunks_not_of_words() -> None:
    packed = pack_counts([vector(1, 5), vector(5, 4_000_000_000)], 0.0)
    assert unpack_counts(packed) == {1: 1, 5: 2, 4_000_000_000: 1}
    assert unpack_counts(pack_counts([], 0.0)) == {}


def test_faint_terms_are_not_counted() -> None:
    vectors = [vector(1, 5, weight=0.5), vector(5, 9, weight=0.49)]
    assert unpack_counts(pack_counts(vectors, 0.5)) == {1: 1, 5: 1}
    assert unpack_counts(pack_counts(vectors, 0.0)) == {1: 1, 5: 2, 9: 1}


def test_counts_of_documents_add_up() -> None:
    first = pack_counts([vector(1, 5)], 0.0)
    second = pack_counts([vector(5), vector(5, 7)], 0.0)
    assert unpack_counts(join_counts([first, b"", second])) == {1: 1, 5: 3, 7: 1}
    assert join_counts([]) == b""


async def test_what_was_added_is_taken_back(database: Database) -> None:
    base = await _base(database)
    old = pack_counts([vector(1, 5), vector(5)], 0.0)
    new = pack_counts([vector(5, 9)], 0.0)
    async with database.writing() as session:
        await replace_counts(session, base, b"", old)
    async with database.writing() as session:
        await replace_counts(session, base, old, new)
    async with database.reading() as session:
        found = await load(session, [base])
        assert (await versions(session, [base]))[base] is not None
    assert found.terms.tolist() == [5, 9]
    assert found.chunks.tolist() == [1, 1]
    async with database.writing() as session:
        await replace_counts(session, base, new, b"")
    async with database.reading() as session:
        assert (await load(session, [base])).terms.size == 0


async def test_frequencies_of_unknown_terms_are_zero(database: Database) -> None:
    base = await _base(database)
    async with database.writing() as session:
        await replace_counts(session, base, b"", pack_counts([vector(3, 8)], 0.0))
    async with database.reading() as session:
        found = await load(session, [base])
    asked = np.array([0, 3, 4, 8, 99], dtype=np.uint32)
    assert found.frequencies(asked).tolist() == [0, 1, 0, 1, 0]
