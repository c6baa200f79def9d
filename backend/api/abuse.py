"""Refusals that may be signs of abuse, in the log and among the figures, without personal data.

A *source* stands for a network address in the log: the same for all that comes from one address
while the process runs, and nothing that the address can be found from.
"""

from __future__ import annotations

import hashlib
import secrets

import structlog
from starlette.types import Scope

_log = structlog.get_logger()
_KEY = secrets.token_bytes(16)


def source_of(address: str) -> str:
    """What stands for an address in this process's log."""
    return hashlib.blake2b(address.encode(), key=_KEY, digest_size=6).hexdigest()


def note(scope: Scope, why: str, **facts: object) -> None:
    """Log a refusal of a visitor and count it.

    ``why``: ``origin``, ``no_origin``, ``anonymous``, ``identity``, ``replay``, ``session``,
    ``no_session``, ``limit`` or ``body``.
    """
    client = scope.get("client")
    _log.warning("visitor_refused", why=why, source=source_of(client[0] if client else ""), **facts)
    state = getattr(scope["app"].state, "candor", None) if "app" in scope else None
    if state is not None:
        state.metrics.refusals.labels(why).inc()
