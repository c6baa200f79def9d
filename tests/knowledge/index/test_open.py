from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import EncoderMismatch, IndexUnavailable, InvalidSettings
from knowledge.index.embedded import EmbeddedIndex
from knowledge.index.open import (
    activate_index,
    active_index_name,
    begin_index,
    drop_index,
    open_index,
)
from knowledge.index.server import ServerIndex
from knowledge.settings import Settings
from knowledge.store.database import Database, sqlite_url
from knowledge.store.indexes import add_first_index

OLD = EncoderSpec(id="old", dense_size=4, sparse=True, uses_idf=False, max_tokens=8)
NEW = EncoderSpec(id="new", dense_size=8, sparse=True, uses_idf=False, max_tokens=8)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url(tmp_path / "candor.sqlite"))
    yield opened
    await opened.close()


async def test_another_encoder_fills_an_index_beside_and_takes_over_whole(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path)
    first = await open_index(settings, database, OLD)
    assert isinstance(first, EmbeddedIndex)
    first_name = await active_index_name(database)
    await first.close()

    for other in (NEW, OLD.with_context("none")):
        with pytest.raises(EncoderMismatch, match="candor reindex"):
            await open_index(settings, database, other)
    second = await begin_index(settings, database, NEW)
    assert await active_index_name(database) == first_name
    await second.index.close()

    await activate_index(database, second.name)
    assert await active_index_name(database) == second.name
    reopened = await open_index(settings, database, NEW)
    assert reopened.spec == NEW
    await reopened.close()

    with pytest.raises(InvalidSettings, match="active"):
        await drop_index(settings, database, second.name)
    assert (settings.embedded_index_folder / first_name).is_dir()
    await drop_index(settings, database, first_name)
    assert not (settings.embedded_index_folder / first_name).exists()


async def test_two_processes_that_start_at_once_make_one_index(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path)
    first = await open_index(settings, database, OLD)
    name = await active_index_name(database)
    # The other process saw no index either, and comes second.
    await add_first_index(database, name, OLD.id, OLD.dense_size)
    assert await active_index_name(database) == name
    await first.close()


async def test_a_server_that_is_not_there_is_named(database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, qdrant_url="http://127.0.0.1:9")
    with pytest.raises(IndexUnavailable, match="cannot be reached"):
        await open_index(settings, database, OLD)
    assert await active_index_name(database) is None


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
async def test_a_collection_refuses_another_encoder() -> None:
    client = AsyncQdrantClient(":memory:")
    await ServerIndex.open(client, "candor", OLD)
    with pytest.raises(EncoderMismatch, match="old, not by new"):
        await ServerIndex.open(client, "candor", NEW)
    await (await ServerIndex.open(client, "candor", OLD)).close()
