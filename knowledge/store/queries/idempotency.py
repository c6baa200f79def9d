"""Creating requests that are repeated: the second gets the answer of the first."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from knowledge.errors import Conflict, InvalidInput
from knowledge.store.database import WriteSession
from knowledge.store.tables import IdempotencyKey, utc_now
from knowledge.store.tables.base import JsonObject

KEPT = timedelta(hours=24)


async def claim(
    session: WriteSession, workspace_id: UUID, key: str, request_hash: str
) -> IdempotencyKey | None:
    """Take a key for this transaction. Returns the earlier answer where there is one.

    Raises :class:`InvalidInput` where the key came with another request, and :class:`Conflict`
    where the first request is still being worked on.
    """
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < utc_now() - KEPT)
    )
    earlier = await session.get(IdempotencyKey, (workspace_id, key))
    if earlier is not None:
        if earlier.request_hash != request_hash:
            raise InvalidInput(
                "This Idempotency-Key came with another request before.",
                "Use a new key for every request that is not a repetition.",
            )
        return earlier
    session.add(
        IdempotencyKey(
            workspace_id=workspace_id,
            key=key,
            request_hash=request_hash,
            status=0,
            response={},
            created_at=utc_now(),
        )
    )
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            "The first request with this Idempotency-Key has not ended yet.",
            "Repeat it in a moment.",
        ) from error
    return None


async def keep(
    session: WriteSession, workspace_id: UUID, key: str, status: int, response: JsonObject
) -> None:
    """Keep the answer that a claimed key got."""
    record = await session.get(IdempotencyKey, (workspace_id, key))
    if record is not None:
        record.status, record.response = status, response
