"""A new lead on its way to the address that an owner has set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.api.lead_webhooks import LeadWebhooks
from backend.api.state import AppState
from backend.api.webhook_signature import verify
from ingestion.posting import Poster
from knowledge.errors import Unauthenticated
from tests.backend.api.conftest import Enter
from tests.receiver import Receiver

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
async def webhooks(state: AppState) -> AsyncIterator[LeadWebhooks]:
    """What the process sends with, quicker to try again."""
    poster = Poster("CandorBot/test", ("127.0.0.1",))
    made = LeadWebhooks(state.database, poster, waits_s=(0, 0.05, 0.05))
    object.__setattr__(state, "lead_webhooks", made)
    yield made
    object.__setattr__(state, "lead_webhooks", None)
    await made.close()


async def test_a_lead_is_told_signed_and_told_again(
    enter: Enter, visitor: httpx.AsyncClient, webhooks: LeadWebhooks
) -> None:
    client = await enter()
    assistant = (await client.post("/assistants", json={"name": "Shop"})).json()
    receiver = Receiver(500, 302, 204)
    async with receiver.listening():
        address = f"/assistants/{assistant['id']}/lead-webhook"
        set_ = await client.put(address, json={"address": receiver.address})
        assert set_.status_code == 200, set_.text
        secret = set_.json()["secret"]
        shown = (await client.get(f"/assistants/{assistant['id']}")).json()
        assert shown["lead_webhook"] == receiver.address
        assert secret not in json.dumps(shown)
        public = f"/api/v1/assistants/{assistant['public_key']}/leads"
        kept = await visitor.post(public, json={"email": "ann@example.com", "note": "Grüße"})
        await receiver.heard(3)
        ids = {verify(secret, headers, body) for headers, body in receiver.got}
        assert len(ids) == 1  # one message, told three times
        message = json.loads(receiver.got[-1][1])
        assert message["type"] == "lead.created"
        assert message["data"]["id"] == kept.json()["id"]
        assert message["data"]["note"] == "Grüße"
        with pytest.raises(Unauthenticated):
            verify(secret, receiver.got[0][0], receiver.got[0][1] + b" ")
        told = await _deliveries(client, address, "taken")
        assert [(one["kind"], one["attempts"]) for one in told] == [("lead.created", 3)]
        assert told[0]["lead_id"] == kept.json()["id"]
        assert (await client.delete(address)).status_code == 204
        assert (await visitor.post(public, json={"phone": "+47 1"})).status_code == 201
    assert len(receiver.got) == 3


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("http://10.0.0.1/hook", 422),
        ("http://[::1]/hook", 422),
        ("http://169.254.169.254/latest", 422),
        ("ftp://example.com/", 422),
        ("http://ann:secret@127.0.0.1/", 422),
        ("", 422),
    ],
)
async def test_an_address_that_nothing_is_sent_to(
    enter: Enter, webhooks: LeadWebhooks, address: str, status: int
) -> None:
    client, stranger = await enter(), await enter()
    assistant = (await client.post("/assistants", json={"name": "Shop"})).json()
    path = f"/assistants/{assistant['id']}/lead-webhook"
    assert (await client.put(path, json={"address": address})).status_code == status
    fine = {"address": "http://127.0.0.1:9/hook"}
    assert (await stranger.put(path, json=fine)).status_code == 404
    assert (await client.get(f"/assistants/{assistant['id']}")).json()["lead_webhook"] == ""


async def _deliveries(
    client: httpx.AsyncClient, address: str, state: str
) -> list[dict[str, object]]:
    """The record of deliveries, once the newest is in a state."""
    async with asyncio.timeout(20):
        while True:
            found = (await client.get(f"{address}/deliveries")).json()["items"]
            if found and found[0]["state"] == state:
                return list(found)
            await asyncio.sleep(0.02)


async def test_a_test_says_what_the_address_answers(enter: Enter, webhooks: LeadWebhooks) -> None:
    client, stranger = await enter(), await enter()
    assistant = (await client.post("/assistants", json={"name": "Shop"})).json()
    path = f"/assistants/{assistant['id']}/lead-webhook"
    assert (await client.post(f"{path}/test")).status_code == 409  # no address yet
    receiver = Receiver(204, 410)
    async with receiver.listening():
        made = await client.put(path, json={"address": receiver.address})
        taken = (await client.post(f"{path}/test")).json()
        assert (taken["state"], taken["kind"], taken["attempts"]) == ("taken", "lead.test", 1)
        verify(made.json()["secret"], *receiver.got[0])
        refused = (await client.post(f"{path}/test")).json()
    assert (refused["state"], refused["attempts"]) == ("failed", 1)
    assert "410" in refused["detail"]
    listed = (await client.get(f"{path}/deliveries", params={"limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [refused["id"]]
    assert listed["next_cursor"]
    assert (await stranger.post(f"{path}/test")).status_code == 404
    assert (await stranger.get(f"{path}/deliveries")).status_code == 404
