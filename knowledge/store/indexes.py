"""Which vector indexes there are, which encoder filled each, and which one is active."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from knowledge.store.database import Database
from knowledge.store.tables import IndexRecord


async def active_index(database: Database) -> IndexRecord | None:
    """The record of the active index, or ``None`` before the first one was made."""
    async with database.reading() as session:
        return await session.scalar(select(IndexRecord).where(IndexRecord.active))


async def add_index(database: Database, name: str, encoder: str, dense_size: int) -> None:
    """Record a new index, not active."""
    async with database.writing() as session:
        session.add(IndexRecord(name=name, encoder=encoder, dense_size=dense_size))


async def add_first_index(database: Database, name: str, encoder: str, dense_size: int) -> None:
    """Record the first index as active; nothing happens where another process has just done so."""
    try:
        async with database.writing() as session:
            if await session.scalar(select(IndexRecord.id).where(IndexRecord.active)) is None:
                session.add(
                    IndexRecord(name=name, encoder=encoder, dense_size=dense_size, active=True)
                )
    except IntegrityError:
        if await active_index(database) is None:
            raise


async def make_active(database: Database, name: str) -> None:
    """Make ``name`` the one active index."""
    async with database.writing() as session:
        await session.execute(update(IndexRecord).values(active=IndexRecord.name == name))


async def forget_index(database: Database, name: str) -> None:
    """Remove an index's record."""
    async with database.writing() as session:
        await session.execute(delete(IndexRecord).where(IndexRecord.name == name))
