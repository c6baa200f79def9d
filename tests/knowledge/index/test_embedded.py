"""What the embedded engine needs beyond the contract: locks, crashes, folders."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import (
    EncoderMismatch,
    FolderLocked,
    FolderNotWritable,
    IndexFault,
    IndexUnavailable,
)
from knowledge.index import embedded
from knowledge.index.conditions import Empty, Filter, Named, the_point
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.search_index import Point
from knowledge.types import Encoding, SparseVector

SPEC = EncoderSpec(id="a-1", dense_size=4, sparse=True, uses_idf=False, max_tokens=8)
ROOT = Path(__file__).parents[3]

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.knowledge.index.test_embedded import SPEC, point
from knowledge.index.embedded import EmbeddedIndex

async def main():
    index = EmbeddedIndex.open(Path(sys.argv[1]), SPEC)
    await index.upsert([point(n) for n in range(200)])
    print("written", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def point(number: int, size: int = 4) -> Point:
    dense = np.zeros(size, dtype=np.float32)
    dense[0] = 1
    sparse = SparseVector(np.array([number], dtype=np.uint32), np.ones(1, dtype=np.float32))
    return Point(UUID(int=number + 1), Encoding(dense, sparse), {"knowledge_base": "shop"})


@pytest.fixture
def writer(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that has written 200 points into the folder and still has it open."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "index")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_and_a_crash_loses_nothing(
    writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(FolderLocked, match="in use by another process"):
        EmbeddedIndex.open(tmp_path / "index", SPEC)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    index = EmbeddedIndex.open(tmp_path / "index", SPEC)
    assert asyncio.run(index.count()) == 200
    asyncio.run(index.close())


async def test_it_reopens_with_what_it_had_and_refuses_another_encoder(tmp_path: Path) -> None:
    index = EmbeddedIndex.open(tmp_path, SPEC)
    await index.upsert([point(1), point(2)])
    await index.close()
    other = EncoderSpec(id="b-1", dense_size=4, sparse=True, uses_idf=False, max_tokens=8)
    with pytest.raises(EncoderMismatch, match="a-1, not by b-1"):
        EmbeddedIndex.open(tmp_path, other)
    again = EmbeddedIndex.open(tmp_path, SPEC)
    assert await again.count() == 2
    await again.close()


async def test_what_is_hidden_stays_hidden_after_reopening(tmp_path: Path) -> None:
    index = EmbeddedIndex.open(tmp_path, SPEC)
    shown = Filter((Empty("hidden"),))
    await index.upsert([point(1), point(2)])
    query = point(1).encoding
    assert len((await index.search_arms(query, ["dense"], shown, 5))["dense"]) == 2
    one = the_point(UUID(int=2))
    await index.set_payload(one, {"hidden": True})
    assert len((await index.search_arms(query, ["dense"], shown, 5))["dense"]) == 1
    await index.close()
    again = EmbeddedIndex.open(tmp_path, SPEC)
    assert len((await again.search_arms(query, ["dense"], shown, 5))["dense"]) == 1
    await again.close()


async def test_a_refused_batch_does_not_come_back(tmp_path: Path) -> None:
    index = EmbeddedIndex.open(tmp_path, SPEC)
    await index.upsert([point(1)])
    with pytest.raises(IndexFault):
        await index.upsert([point(2), point(3, size=5)])
    await index.close()
    again = EmbeddedIndex.open(tmp_path, SPEC)
    assert await again.count() == 1
    await again.close()


async def test_a_half_made_index_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "shard.new").mkdir()
    (tmp_path / "shard.new" / "rest").write_text("of a crash")
    index = EmbeddedIndex.open(tmp_path, SPEC)
    assert await index.count() == 0
    await index.close()


async def test_a_damaged_record_of_the_encoder_is_named(tmp_path: Path) -> None:
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(IndexUnavailable, match=r"encoder\.json is damaged"):
        EmbeddedIndex.open(tmp_path, SPEC)


async def test_a_closed_index_says_so(tmp_path: Path) -> None:
    index = EmbeddedIndex.open(tmp_path, SPEC)
    await index.close()
    await index.close()
    with pytest.raises(IndexUnavailable, match="closed"):
        await index.count()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(FolderNotWritable, match="closed"):
        EmbeddedIndex.open(folder / "index", SPEC)


def test_a_path_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderNotWritable, match="file"):
        EmbeddedIndex.open(tmp_path / "file" / "index", SPEC)


@pytest.mark.parametrize("sides", ["sparse", "dense"])
async def test_an_encoder_may_have_one_side(tmp_path: Path, sides: str) -> None:
    spec = EncoderSpec(
        id="one",
        dense_size=4 * (sides == "dense"),
        sparse=sides == "sparse",
        uses_idf=False,
        max_tokens=8,
    )
    full = point(1).encoding
    encoding = Encoding(full.dense, None) if sides == "dense" else Encoding(None, full.sparse)
    index = EmbeddedIndex.open(tmp_path, spec)
    await index.upsert([Point(UUID(int=1), encoding, {})])
    found = await index.search_arms(encoding, [sides], None, 5)
    assert [hit.score for hit in found[sides]] == [1.0]
    with pytest.raises(IndexFault, match="has no"):
        await index.upsert([Point(UUID(int=2), full, {})])
    await index.close()


async def test_a_compacted_index_answers_as_before_and_is_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LEAST_CHANGES", 100)

    def different(number: int) -> Point:
        angle = number / 2_000
        dense = np.array([np.cos(angle), np.sin(angle), 0, 0], dtype=np.float32)
        sparse = SparseVector(np.array([3], np.uint32), np.array([1 + angle], np.float32))
        return Point(point(number).id, Encoding(dense, sparse), {})

    index = EmbeddedIndex.open(tmp_path, SPEC)
    for start in range(0, 3_000, 200):
        await index.upsert([different(n) for n in range(start, start + 200)])
    gone = Named(tuple(point(n).id for n in range(2_000)))
    await index.delete(Filter((gone,)))
    query = different(2_500).encoding

    async def state() -> object:
        found = await index.search_arms(query, ["dense", "sparse"], None, 50)
        return found, sorted([p.id async for batch in index.scroll() for p in batch])

    before = await state()
    assert await index.optimize()
    assert await state() == before
    assert not await index.optimize(), "nothing has changed since"
    await index.upsert([different(5_000)])
    await index.close()

    # A crash between the two renames of the swap leaves the old shard beside its place.
    (tmp_path / "shard").rename(tmp_path / "shard.before")
    (tmp_path / "shard.compact").mkdir()
    index = EmbeddedIndex.open(tmp_path, SPEC)
    assert await index.count() == 1_001
    assert not (tmp_path / "shard.compact").exists()
    await index.close()
