"""Which index is in use, and building another beside it.

The table ``indexes`` names every index and the encoder that filled it; exactly one is active. An
index with another encoder is built beside the active one and takes its place in one step::

    new = await begin_index(settings, database, spec)       # empty, not yet searched
    ...                                                     # write every chunk into it
    await activate_index(database, new.name)                # from now on the active one
    await drop_index(settings, database, old_name)          # once no process has it open
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import delete, select, update

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import EncoderMismatch, InvalidSettings
from knowledge.index.search_index import SearchIndex
from knowledge.settings import Settings
from knowledge.store.database import Database
from knowledge.store.tables import IndexRecord

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An open index and the name that the table ``indexes`` knows it by."""

    name: str
    index: SearchIndex


async def open_index(settings: Settings, database: Database, spec: EncoderSpec) -> SearchIndex:
    """Open the active index, or make the first one.

    Raises :class:`EncoderMismatch` where the active index was filled by another encoder, and what
    ``EmbeddedIndex.open`` and ``ServerIndex.open`` raise.
    """
    async with database.reading() as session:
        active = await session.scalar(select(IndexRecord).where(IndexRecord.active))
    if active is None:
        first = await begin_index(settings, database, spec)
        await activate_index(database, first.name)
        return first.index
    if active.encoder != spec.id:
        raise EncoderMismatch(
            f"The index {active.name} was filled by the encoder {active.encoder}; the settings "
            f"name {spec.id}.",
            "Run `candor reindex` to fill a new one from the stored texts, or set the encoder "
            "back.",
        )
    return await _open(settings, active.name, spec)


async def begin_index(settings: Settings, database: Database, spec: EncoderSpec) -> NamedIndex:
    """Make an empty index beside the active one, and record it as not active."""
    digest = hashlib.sha256(spec.id.encode()).hexdigest()[:8]
    name = f"{settings.qdrant_collection}-{digest}-{uuid4().hex[:6]}"
    index = await _open(settings, name, spec)
    async with database.writing() as session:
        session.add(IndexRecord(name=name, encoder=spec.id, dense_size=spec.dense_size))
    return NamedIndex(name, index)


async def activate_index(database: Database, name: str) -> None:
    """Make ``name`` the one active index."""
    async with database.writing() as session:
        await session.execute(update(IndexRecord).values(active=IndexRecord.name == name))


async def active_index_name(database: Database) -> str | None:
    """The name of the active index, or ``None`` before the first one was made."""
    async with database.reading() as session:
        return await session.scalar(select(IndexRecord.name).where(IndexRecord.active))


async def drop_index(settings: Settings, database: Database, name: str) -> None:
    """Remove an index that is not active, and its record."""
    if await active_index_name(database) == name:
        raise InvalidSettings(f"The index {name} is the active one and cannot be removed.")
    if settings.qdrant_url:
        client = _client(settings)
        try:
            await client.delete_collection(name)
        finally:
            await client.close()
    else:
        shutil.rmtree(settings.embedded_index_folder / name, ignore_errors=True)
    async with database.writing() as session:
        await session.execute(delete(IndexRecord).where(IndexRecord.name == name))


async def _open(settings: Settings, name: str, spec: EncoderSpec) -> SearchIndex:
    # Each engine is imported where it is used: together they cost a second of start-up.
    if not settings.qdrant_url:
        from knowledge.index.embedded import EmbeddedIndex

        return EmbeddedIndex.open(settings.embedded_index_folder / name, spec)
    from knowledge.index.server import ServerIndex

    client = _client(settings)
    try:
        return await ServerIndex.open(
            client, name, spec, settings.qdrant_shards, settings.qdrant_replicas
        )
    except BaseException:
        await client.close()
        raise


def _client(settings: Settings) -> AsyncQdrantClient:
    from qdrant_client import AsyncQdrantClient

    return AsyncQdrantClient(
        url=settings.qdrant_url,
        api_key=settings.qdrant_api_key.get_secret_value() or None,
        timeout=30,
        check_compatibility=False,
    )
