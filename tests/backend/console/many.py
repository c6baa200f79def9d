"""A list that is long: documents written straight into the database."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert

from knowledge.store.tables import Document, DocumentState, Source, SourceKind, utc_now
from tests.backend.console.filling import Served


async def many_documents(served: Served, base: str, number: int) -> None:
    """Documents named ``Page 0``, ``Page 1`` and so on, in this order."""
    source, now = uuid4(), utc_now()
    async with served.state.database.writing() as session:
        session.add(
            Source(id=source, knowledge_base_id=UUID(base), kind=SourceKind.WEBSITE, name="long")
        )
        await session.flush()
        rows = [
            {
                "id": uuid4(),
                "created_at": now + timedelta(microseconds=at),
                "knowledge_base_id": UUID(base),
                "source_id": source,
                "address": f"https://long.example/{at}",
                "title": f"Page {at}",
                "state": DocumentState.INDEXED,
                "warnings": [],
                "marks": [],
            }
            for at in range(number)
        ]
        await session.execute(insert(Document), rows)
