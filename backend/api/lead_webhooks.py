"""A new lead is told to the address that an assistant's owner has set, signed.

The message is that of Standard Webhooks (see ``webhook_signature``), type ``lead.created``. It is
tried four times within five minutes; what could not be told by then, or when the process ends, is
still in the list of leads.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import uuid4

import structlog

from backend.api.schemas.visitors import LeadView
from backend.api.webhook_signature import sign
from knowledge.errors import AddressRefused, FetchError
from knowledge.store.tables import Assistant

_log = structlog.get_logger()
_WAITS_S = (0.0, 5.0, 55.0, 240.0)
_AT_ONCE = 8


class Poster(Protocol):
    """What sends, and refuses private addresses."""

    async def check(self, address: str) -> None:
        """Raise a :class:`FetchError` where nothing may be sent there."""
        ...

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send. Raises a :class:`FetchError` where it was not taken."""
        ...


class LeadWebhooks:
    """Messages on their way out."""

    def __init__(self, poster: Poster, waits_s: Sequence[float] = _WAITS_S) -> None:
        self.poster = poster
        self._waits_s = waits_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def tell(self, assistant: Assistant, lead: LeadView) -> None:
        """Send a lead, in the background, where the assistant has an address for it."""
        if not assistant.lead_webhook:
            return
        task = asyncio.create_task(
            self._send(assistant.lead_webhook, assistant.lead_webhook_secret, lead)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, address: str, secret: str, lead: LeadView) -> None:
        message_id = f"msg_{uuid4().hex}"
        message = {
            "type": "lead.created",
            "timestamp": lead.created_at.isoformat(),
            "data": lead.model_dump(mode="json"),
        }
        body = json.dumps(message, ensure_ascii=False).encode()
        for wait in self._waits_s:
            await asyncio.sleep(wait)
            now = int(time.time())
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(now),
                "webhook-signature": sign(secret, message_id, now, body),
            }
            try:
                async with self._slots:
                    await self.poster.post(address, body, headers)
                return
            except FetchError as error:
                _log.warning("lead_webhook_failed", lead=str(lead.id), detail=error.detail)
                if isinstance(error, AddressRefused):
                    return
