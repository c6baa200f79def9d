"""Limits of visitors that several processes count together, each in one statement.

A token bucket is kept as the time at which it is full again (the generic cell rate algorithm): to
take a token is to put that time off by what one token takes, unless it then lies too far ahead.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, delete

from knowledge.store.database import WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import LimitUse


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of up to ``burst`` tokens that gains ``per_second``."""

    name: str
    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Wait:
    """How long until there is a token in the bucket at a place of a list."""

    at: int
    seconds: float


async def take_tokens(
    session: WriteSession, buckets: Sequence[Bucket], now: float | None = None
) -> Wait | None:
    """Take a token of each bucket, in order. Returns the wait for the first that has none; the
    caller then rolls back. ``now``: seconds since 1970.
    """
    now = time.time() if now is None else now
    for at, bucket in enumerate(buckets):
        key, step = _key(bucket.name), 1 / bucket.per_second
        most = now + (bucket.burst - 1) * step
        full_at = case((LimitUse.amount > now, LimitUse.amount), else_=now) + step
        made = insert_for(session, LimitUse).values(key=key, amount=now + step, ends_at=now + step)
        taken = made.on_conflict_do_update(
            index_elements=[LimitUse.key],
            set_={"amount": full_at, "ends_at": full_at},
            where=LimitUse.amount <= most,
        ).returning(LimitUse.amount)
        if await session.scalar(taken) is None:
            row = await session.get(LimitUse, key)
            return Wait(at, max(0.0, row.amount - most) if row else step)
    return None


async def count_up(session: WriteSession, name: str, most: int, ends_at: float) -> bool:
    """Add one to a count that ends at a time, up to ``most``. Returns whether it was added."""
    made = insert_for(session, LimitUse).values(key=_key(name), amount=1, ends_at=ends_at)
    counted = made.on_conflict_do_update(
        index_elements=[LimitUse.key],
        set_={"amount": LimitUse.amount + 1},
        where=LimitUse.amount < most,
    ).returning(LimitUse.amount)
    return most > 0 and await session.scalar(counted) is not None


async def forget_past_uses(session: WriteSession, now: float | None = None) -> None:
    """Remove what means nothing any more."""
    past = time.time() if now is None else now
    await session.execute(delete(LimitUse).where(LimitUse.ends_at < past))


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
