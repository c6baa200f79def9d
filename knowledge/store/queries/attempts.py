"""Guessing a password takes long: attempts are counted before they are tried, in the database, so
that they hold for all processes and over a restart.

An account may be tried :data:`ACCOUNT_TRIES` times and an address :data:`ADDRESS_TRIES` times;
then each further try waits twice as long as the one before, up to :data:`LONGEST`. That bounds
guesses at one account to about a hundred a day, from however many addresses they come. A right
password clears the account; a day without a try forgets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, update

from knowledge.errors import LimitExceeded
from knowledge.store.database import WriteSession
from knowledge.store.dialect import insert_for
from knowledge.store.tables import SignInAttempts, utc_now

ACCOUNT_TRIES, ADDRESS_TRIES = 5, 30
FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that attempts are counted for: ``allowed`` of them come without a wait."""

    key: str
    allowed: int

    @classmethod
    def account(cls, email: str) -> Counted:
        """An account, whether there is one with this e-mail address or not."""
        return cls(_key("account", email.strip().lower()), ACCOUNT_TRIES)

    @classmethod
    def address(cls, address: str) -> Counted:
        """A network address."""
        return cls(_key("address", address), ADDRESS_TRIES)


def wait_after(failures: int, allowed: int) -> timedelta:
    """How long after the last of so many failures the next attempt may be made."""
    over = failures - allowed
    if over < 0:
        return timedelta(0)
    return min(LONGEST, FIRST * (1 << min(over, _MOST_DOUBLINGS)))


async def begin_attempt(session: WriteSession, counted: Sequence[Counted]) -> None:
    """Count an attempt before it is made, as one that fails; :func:`forgive` takes it back.

    Raises :class:`LimitExceeded` with the seconds to wait; such an attempt is not counted.
    """
    now = utc_now()
    await session.execute(delete(SignInAttempts).where(SignInAttempts.last_at < now - _FORGOTTEN))
    for one in counted:
        made = insert_for(session, SignInAttempts).values(key=one.key, failures=0, last_at=now)
        await session.execute(made.on_conflict_do_nothing())
        row = await session.get_one(SignInAttempts, one.key, with_for_update=True)
        left = row.last_at + wait_after(row.failures, one.allowed) - now
        if row.failures >= one.allowed and left > timedelta(0):
            seconds = max(1, round(left.total_seconds()))
            raise LimitExceeded(
                "There were too many attempts to sign in.",
                f"Try again in {_words(seconds)}, or use a sign-in link.",
                retry_after=seconds,
            )
        row.failures += 1
        row.last_at = now
    await session.flush()


async def forgive(session: WriteSession, account: Counted, address: Counted | None = None) -> None:
    """Take back an attempt that succeeded. Of the address only this one: somebody who guesses may
    have an account of their own.
    """
    await session.execute(delete(SignInAttempts).where(SignInAttempts.key == account.key))
    if address is not None:
        await session.execute(
            update(SignInAttempts)
            .where(SignInAttempts.key == address.key, SignInAttempts.failures > 0)
            .values(failures=SignInAttempts.failures - 1)
        )


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def _words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
