"""Passwords: argon2id hashes, made and checked off the event loop, two at a time.

A check takes 64 MiB and some tens of milliseconds on purpose; that is why only two run at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from knowledge.errors import InvalidInput

SHORTEST, LONGEST = 10, 200
_AT_ONCE = 2


def check_new_password(password: str, email: str) -> None:
    """Raise :class:`InvalidInput` for a password that is guessed too easily, or too long.

    Length counts, after NIST SP 800-63B; characters of given kinds are not asked for.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            "Several words that are easy to remember do well.",
        )
    if len(set(password)) < 5 or password.lower() == email.lower():
        raise InvalidInput(
            "This password is guessed at once.", "Take several words that nobody connects with you."
        )


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters."""
    return await to_thread.run_sync(_hasher().hash, password, limiter=_limiter())


async def find_match(password: str, hashes: Sequence[str]) -> int | None:
    """Which of the hashes, some of them perhaps empty, the password belongs to.

    Takes as long where there is none to compare with: who has an account cannot be found out.
    """
    if len(password) > LONGEST:
        return None
    nobody = await to_thread.run_sync(_nobody)
    for place, kept in enumerate(hashes or [""]):
        if await to_thread.run_sync(_is_right, kept or nobody, password, limiter=_limiter()):
            return place
    return None


def _is_right(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return _hasher().hash(secrets.token_urlsafe(32))


@cache
def _limiter() -> CapacityLimiter:
    return CapacityLimiter(_AT_ONCE)
