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

from knowledge.encode.encoder import EncoderSpec
from knowledge.errors import EncoderMismatch, InvalidSettings
from knowledge.index.search_index import SearchIndex
from knowledge.settings import Settings
from knowledge.store.database import Database
from knowledge.store.indexes import (
    active_index,
    add_first_index,
    add_index,
    forget_index,
    make_active,
)

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
    active = await active_index(database)
    if active is None:
        # Two processes may start at once: both make the one that this name stands for.
        name = f"{settings.qdrant_collection}-{_digest(spec)}"
        index = await _open(settings, name, spec)
        await add_first_index(database, name, spec.id, spec.dense_size)
        return index
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
    name = f"{settings.qdrant_collection}-{_digest(spec)}-{uuid4().hex[:6]}"
    index = await _open(settings, name, spec)
    await add_index(database, name, spec.id, spec.dense_size)
    return NamedIndex(name, index)


async def activate_index(database: Database, name: str) -> None:
    """Make ``name`` the one active index."""
    await make_active(database, name)


async def active_index_name(database: Database) -> str | None:
    """The name of the active index, or ``None`` before the first one was made."""
    active = await active_index(database)
    return active.name if active else None


async def drop_index(settings: Settings, database: Database, name: str) -> None:
    """Remove an index that is not active, and its record."""
    if await active_index_name(database) == name:
        raise InvalidSettings(f"The index {name} is the active one and cannot be removed.")
    if settings.qdrant_url:
        from knowledge.index.server import server_errors

        client = _client(settings)
        try:
            with server_errors():
                await client.delete_collection(name)
        finally:
            await client.close()
    else:
        shutil.rmtree(settings.embedded_index_folder / name, ignore_errors=True)
    await forget_index(database, name)


def _digest(spec: EncoderSpec) -> str:
    return hashlib.sha256(spec.id.encode()).hexdigest()[:8]


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
