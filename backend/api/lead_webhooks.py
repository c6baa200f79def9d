"""A new lead is told to the address that an assistant's owner has set, signed.

The message is that of Standard Webhooks (see ``webhook_signature``), type ``lead.created``. It is
tried four times within five minutes; what could not be told by then, or when the process ends, is
still in the list of leads. What became of each message is kept for the assistant's page.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from backend.api.schemas.visitors import LeadView
from backend.api.webhook_signature import sign
from knowledge.errors import AddressRefused, Conflict, FetchError
from knowledge.store.database import Database
from knowledge.store.queries.lead_deliveries import begin_delivery, note_attempt
from knowledge.store.tables import Assistant, DeliveryState, LeadDelivery, utc_now

_log = structlog.get_logger()
_WAITS_S = (0.0, 5.0, 55.0, 240.0)
_AT_ONCE = 8
_STOPPED = "The server was stopped before it was taken."


class Poster(Protocol):
    """What sends, and refuses private addresses."""

    async def check(self, address: str) -> None:
        """Raise a :class:`FetchError` where nothing may be sent there."""
        ...

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send. Raises a :class:`FetchError` where it was not taken."""
        ...


@dataclass(frozen=True, slots=True)
class _Message:
    """A message as it is sent; ``delivery_id`` names its record and, in its header, itself."""

    delivery_id: UUID
    address: str
    secret: str = field(repr=False)
    body: bytes = field(repr=False)


class LeadWebhooks:
    """Messages on their way out, and the record of what became of each."""

    def __init__(
        self, database: Database, poster: Poster, waits_s: Sequence[float] = _WAITS_S
    ) -> None:
        self.poster = poster
        self._database = database
        self._waits_s = waits_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def tell(self, assistant: Assistant, lead: LeadView) -> None:
        """Send a lead, in the background, where the assistant has an address for it."""
        if not assistant.lead_webhook:
            return
        task = asyncio.create_task(self._tell(assistant, lead))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def test(self, assistant: Assistant) -> LeadDelivery:
        """Send a message ``lead.test`` once, now. Returns what became of it.

        Raises :class:`Conflict` where the assistant has no address.
        """
        if not assistant.lead_webhook:
            raise Conflict("New leads are sent nowhere yet.", "Set an address first.")
        data = {"assistant_id": str(assistant.id), "note": "A test: no visitor left this."}
        message = await self._begin(assistant, "lead.test", utc_now(), data, None)
        await self._send(message, (0.0,))
        async with self._database.reading() as session:
            return await session.get_one(LeadDelivery, message.delivery_id)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, assistant: Assistant, lead: LeadView) -> None:
        data = lead.model_dump(mode="json")
        message = await self._begin(assistant, "lead.created", lead.created_at, data, lead.id)
        await self._send(message, self._waits_s)

    async def _begin(
        self,
        assistant: Assistant,
        kind: str,
        at: datetime,
        data: Mapping[str, object],
        lead_id: UUID | None,
    ) -> _Message:
        body = {"type": kind, "timestamp": at.isoformat(), "data": data}
        async with self._database.writing() as session:
            row = await begin_delivery(session, assistant.id, kind, assistant.lead_webhook, lead_id)
        return _Message(
            row.id,
            assistant.lead_webhook,
            assistant.lead_webhook_secret,
            json.dumps(body, ensure_ascii=False).encode(),
        )

    async def _send(self, message: _Message, waits_s: Sequence[float]) -> None:
        """Send until it is taken or it has been tried as often as there are waits."""
        attempts = 0
        try:
            for wait in waits_s:
                await asyncio.sleep(wait)
                attempts += 1
                try:
                    await self._post(message)
                except FetchError as error:
                    _log.warning("lead_webhook_failed", delivery=str(message.delivery_id))
                    last = attempts == len(waits_s) or isinstance(error, AddressRefused)
                    state = DeliveryState.FAILED if last else DeliveryState.SENDING
                    await self._note(message, state, attempts, f"{error.detail} {error.action}")
                    if last:
                        return
                else:
                    await self._note(message, DeliveryState.TAKEN, attempts)
                    return
        except asyncio.CancelledError:
            await self._note(message, DeliveryState.FAILED, attempts, _STOPPED)
            raise

    async def _post(self, message: _Message) -> None:
        now = int(time.time())
        message_id = f"msg_{message.delivery_id.hex}"
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(message.secret, message_id, now, message.body),
        }
        async with self._slots:
            await self.poster.post(message.address, message.body, headers)

    async def _note(
        self, message: _Message, state: DeliveryState, attempts: int, detail: str = ""
    ) -> None:
        async with self._database.writing() as session:
            await note_attempt(session, message.delivery_id, state, attempts, detail)
