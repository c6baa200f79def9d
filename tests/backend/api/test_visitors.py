"""What visitors leave and do beside asking, and what staff make of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = {"X-Candor-Visitor": "secret-1"}
OFFERS = {
    "leads": {"when": ["abstained"], "fields": ["name", "email"], "consent": "We write once."},
    "handoff": {"enabled": True, "email": "help@example.com"},
}


async def _assistant(client: httpx.AsyncClient, **behaviour: Any) -> tuple[str, str]:
    """An assistant's id and the address of its public side."""
    body = {"name": "Shop", "behaviour": behaviour or OFFERS}
    made = await client.post("/assistants", json=body)
    assert made.status_code == 201, made.text
    return made.json()["id"], f"/api/v1/assistants/{made.json()['public_key']}"


async def _asked(visitor: httpx.AsyncClient, path: str) -> dict[str, Any]:
    body = {"question": "Who may return goods?", "visitor": "secret-1", "stream": False}
    answer = await visitor.post(f"{path}/chat", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize(
    "behaviour",
    [
        {"leads": {"when": ["sometimes"]}},
        {"leads": {"fields": []}},
        {"handoff": {"enabled": True, "email": "nobody"}},
        {"limits": {"questions": -1}},
        {"anonymous": "perhaps"},
    ],
)
async def test_a_behaviour_that_means_nothing_is_refused(
    enter: Enter, behaviour: dict[str, Any]
) -> None:
    client = await enter()
    answer = await client.post("/assistants", json={"name": "Shop", "behaviour": behaviour})
    assert answer.status_code == 422


async def test_the_profile_says_what_is_offered(enter: Enter, visitor: httpx.AsyncClient) -> None:
    client = await enter()
    _, path = await _assistant(client)
    told = (await visitor.get(path)).json()
    assert told["leads"]["when"] == ["abstained"]
    offer = {"message": "", "after_unanswered": 0, "words": []}
    assert told["handoff"] == offer | {"present": False, "email": "help@example.com"}
    assert (await client.put("/handoffs/presence", json={"present": True})).status_code == 204
    assert (await visitor.get(path)).json()["handoff"]["present"] is True
    await client.put("/handoffs/presence", json={"present": False})
    assert (await visitor.get(path)).json()["handoff"]["present"] is False
    _, plain = await _assistant(client, tone="Be brief.")
    told = (await visitor.get(plain)).json()
    assert (told["leads"], told["handoff"]) == (None, None)
    refused = await visitor.post(f"{plain}/handoffs", json={"visitor": "secret-1"})
    assert refused.status_code == 404


async def test_a_lead_is_kept_worked_on_and_deleted(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    admin = await enter(Role.ADMIN)
    assistant, path = await _assistant(admin)
    asked = await _asked(visitor, path)
    lead = {
        "name": "=Ann", "email": "ann@example.com", "consent": "We write once.",
        "trigger": "abstained", "page": "https://shop.example/returns",
        "conversation_id": asked["conversation_id"], "visitor": "secret-1",
    }  # fmt: skip
    kept = await visitor.post(f"{path}/leads", json=lead)
    assert kept.status_code == 201, kept.text
    (listed,) = (await admin.get("/leads")).json()["items"]
    assert listed["id"] == kept.json()["id"]
    assert (listed["state"], listed["assistant_id"]) == ("new", assistant)
    assert listed["consent"] == "We write once."
    address = f"/leads/{listed['id']}"
    changed = await admin.patch(address, json={"state": "contacted"})
    assert changed.json()["state"] == "contacted"
    assert (await admin.get("/leads", params={"state": "new"})).json()["items"] == []
    assert len((await admin.get("/leads", params={"text": "ANN@"})).json()["items"]) == 1
    table = await admin.get("/leads/export")
    assert table.headers["content-disposition"] == 'attachment; filename="leads.csv"'
    assert "'=Ann,ann@example.com" in table.text  # opens as text, not as a formula
    # The visitor's conversation goes; the wish to be contacted stays until it is deleted.
    assert (await admin.delete(f"/conversations/{asked['conversation_id']}")).status_code == 204
    assert (await admin.get(address)).json()["conversation_id"] is None
    editor = await enter(Role.EDITOR, beside=admin)
    assert (await editor.delete(address)).status_code == 403
    assert (await admin.delete(address)).status_code == 204
    assert (await admin.get(address)).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "", "phone": ""}, 422),
        ({"email": "nobody"}, 422),
        ({"phone": "call me"}, 422),
        ({"note": "x" * 4001}, 422),
        ({"conversation_id": str(uuid4())}, 404),
        ({"unknown": 1}, 422),
    ],
)
async def test_a_lead_that_cannot_be_used_is_refused(
    enter: Enter, visitor: httpx.AsyncClient, change: dict[str, Any], status: int
) -> None:
    _, path = await _assistant(await enter())
    body = {"email": "ann@example.com", "visitor": "secret-1"} | change
    assert (await visitor.post(f"{path}/leads", json=body)).status_code == status


async def test_a_person_answers_live(enter: Enter, visitor: httpx.AsyncClient) -> None:
    client = await enter()
    _, path = await _assistant(client)
    asked = await _asked(visitor, path)
    begin = {
        "visitor": "secret-1", "text": "A person, please",
        "conversation_id": asked["conversation_id"],
    }  # fmt: skip
    begun = (await visitor.post(f"{path}/handoffs", json=begin)).json()
    assert (begun["state"], begun["present"], begun["email"]) == (
        "waiting", False, "help@example.com",
    )  # fmt: skip
    again = (await visitor.post(f"{path}/handoffs", json=begin | {"text": ""})).json()
    assert again["id"] == begun["id"]
    own = f"{path}/handoffs/{begun['id']}"
    following = asyncio.create_task(visitor.get(f"{own}/events", headers=SECRET))
    for text in ("Hello!", "How can I help?"):
        key = {"Idempotency-Key": text}
        for _ in range(2):  # a repetition is not a second reply
            reply = await client.post(
                f"/handoffs/{begun['id']}/messages", json={"text": text, "name": "Bo"}, headers=key
            )
            assert reply.status_code == 201, reply.text
    said = {"visitor": "secret-1", "text": "Thanks"}
    assert (await visitor.post(f"{own}/messages", json=said)).status_code == 201
    shown = (await client.get(f"/handoffs/{begun['id']}")).json()
    assert (shown["state"], len(shown["messages"])) == ("active", 4)
    assert (await client.post(f"/handoffs/{begun['id']}/close")).json()["state"] == "closed"
    told = (await following).text
    lines = [line.removeprefix("data: ") for line in told.splitlines() if line.startswith("data")]
    events = [json.loads(line) for line in lines]
    assert [event["text"] for event in events if "text" in event] == [
        "A person, please", "Hello!", "How can I help?", "Thanks",
    ]  # fmt: skip
    assert events[-1] == {"state": "closed"}
    assert "author" not in told
    rest = await visitor.get(f"{own}/events", headers=SECRET | {"Last-Event-ID": "3"})
    assert "Thanks" in rest.text
    assert "Hello!" not in rest.text
    late = await visitor.post(f"{own}/messages", json=said)
    assert late.status_code == 409


async def test_a_hand_off_goes_with_its_conversation(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    _, path = await _assistant(client)
    begun = (
        await visitor.post(f"{path}/handoffs", json={"visitor": "secret-1", "text": "Hi"})
    ).json()
    own = f"{path}/conversations/{begun['conversation_id']}"
    assert (await visitor.delete(own, headers={"X-Candor-Visitor": "other"})).status_code == 404
    assert (await visitor.delete(own, headers=SECRET)).status_code == 204
    assert (await visitor.get(own, headers=SECRET)).status_code == 404
    assert (await client.get(f"/handoffs/{begun['id']}")).status_code == 404
    assert (await client.get("/handoffs")).json()["items"] == []


async def test_strangers_see_nothing(enter: Enter, visitor: httpx.AsyncClient) -> None:
    mine, other = await enter(), await enter()
    _, path = await _assistant(mine)
    _, elsewhere = await _assistant(other)
    asked = await _asked(visitor, path)
    lead = await visitor.post(f"{path}/leads", json={"email": "ann@example.com"})
    begun = await visitor.post(f"{path}/handoffs", json={"visitor": "secret-1", "text": "Hi"})
    handoff = begun.json()["id"]
    for method, address, body in (
        ("GET", f"/leads/{lead.json()['id']}", None),
        ("PATCH", f"/leads/{lead.json()['id']}", {"state": "closed"}),
        ("DELETE", f"/leads/{lead.json()['id']}", None),
        ("GET", f"/handoffs/{handoff}", None),
        ("POST", f"/handoffs/{handoff}/messages", {"text": "x"}),
        ("POST", f"/handoffs/{handoff}/close", None),
    ):
        answer = await other.request(method, address, json=body)
        assert answer.status_code == 404, (method, address)
    assert (await other.get("/leads")).json()["items"] == []
    assert (await other.get("/handoffs")).json()["items"] == []
    assert "ann@" not in (await other.get("/leads/export")).text
    event = {"message_id": asked["message_id"], "kind": "citation", "rank": 1}
    for base, secret in ((path, "secret-2"), (elsewhere, "secret-1")):
        header = {"X-Candor-Visitor": secret}
        said = await visitor.post(
            f"{base}/handoffs/{handoff}/messages", json={"visitor": secret, "text": "x"}
        )
        assert said.status_code == 404
        follow = await visitor.get(f"{base}/handoffs/{handoff}/events", headers=header)
        assert follow.status_code == 404
        told = await visitor.post(f"{base}/events", json={"visitor": secret, "events": [event]})
        assert told.status_code == 404
    assert (
        await visitor.post(f"{path}/events", json={"visitor": "secret-1", "events": [event]})
    ).status_code == 204
    assert (await visitor.post(f"{path}/events", json={"events": [event]})).status_code == 422
