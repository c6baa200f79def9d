"""Every creating request, sent twice with one key, makes one thing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from backend.api.state import AppState
from knowledge.store.tables import Assistant
from tests.backend.api.conftest import Enter

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAKES_NOTHING = {
    "/search",
    "/explain",
    "/explain/why-not",
    "/explain/what-if",
    "/sources/preview",
    "/v1/chat/completions",
    "/assistants/{assistant_id}/language-model/try",
    "/assistants/{assistant_id}/answer-threshold/try",
    # What is so already stays as it is.
    "/runs/{run_id}/cancel",
    "/runs/{run_id}/pause",
    "/runs/{run_id}/resume",
    "/handoffs/{handoff_id}/close",
    "/assistants/{public_key}/handoffs/{handoff_id}/close",
    "/assistants/{public_key}/feedback",
    # A signed word that nothing keeps, and a beacon, which has no headers.
    "/assistants/{public_key}/sessions",
    "/assistants/{public_key}/events",
    # Sends a message each time, which is what it is for.
    "/assistants/{assistant_id}/lead-webhook/test",
    # Messages of webhooks have ids of their own.
    "/webhooks/{source_id}",
}


async def test_every_creating_route_takes_a_key(app: FastAPI) -> None:
    described = app.openapi()["paths"]
    lacking = {
        path
        for path, operations in described.items()
        if "post" in operations
        and not any(
            one["name"] == "idempotency-key" for one in operations["post"].get("parameters", [])
        )
    }
    assert {path.removeprefix("/api/v1") for path in lacking} == MAKES_NOTHING


async def twice(client: httpx.AsyncClient, path: str, body: Any) -> list[httpx.Response]:
    headers = {"Idempotency-Key": f"twice {path}"}
    answers = [await client.post(path, json=body, headers=headers) for _ in range(2)]
    assert all(answer.is_success for answer in answers), [answer.text for answer in answers]
    assert answers[0].status_code == answers[1].status_code
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"
    return answers


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/knowledge-bases", {"name": "second"}, ""),
        ("/tokens", {"name": "t"}, "token"),
        ("/users", {"email": "new@example.com", "name": "New"}, ""),
        ("/sign-in-links", {}, "path"),
        ("/reindex", None, ""),
        ("/knowledge-bases/{base}/webhooks", {"name": "shop"}, "secret"),
        ("/sources/{webhook}/webhook-secret", None, "secret"),
        ("/knowledge-bases/{base}/rules/{rule}/undo", None, ""),
        ("/knowledge-bases/{base}/query-sets", {"name": "asked"}, ""),
        ("/assistants", {"name": "A"}, ""),
    ],
)
async def test_what_was_made_is_told_again(enter: Enter, path: str, body: Any, secret: str) -> None:
    client = await enter()
    base = (await client.post("/knowledge-bases", json={"name": "first"})).json()["id"]
    webhook = await client.post(f"/knowledge-bases/{base}/webhooks", json={"name": "hook"})
    rules = await client.post(
        f"/knowledge-bases/{base}/rules",
        json={"rules": [{"kind": "term", "text": "old", "factor": 0}], "reason": "it is old"},
    )
    names = {
        "base": base,
        "webhook": webhook.json()["source"]["id"],
        "rule": rules.json()["items"][0]["id"],
    }
    first, again = await twice(client, path.format(**names), body)
    made = first.json()
    assert again.json() == (made | {secret: ""} if secret else made)
    if secret:
        assert made[secret]


async def test_a_backup_is_noted_once(enter: Enter, state: AppState) -> None:
    if not state.database.is_sqlite:
        pytest.skip("PostgreSQL is backed up by its own tools")
    client = await enter()
    headers = {"Idempotency-Key": "backup"}
    answers = [await client.post("/backups", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert all(len(answer.content) > 10_000 for answer in answers)
    entries = (await client.get("/audit")).json()["items"]
    assert [entry["action"] for entry in entries].count("backup.create") == 1


async def test_visitors_have_keys_of_their_own(
    enter: Enter, visitor: httpx.AsyncClient, state: AppState
) -> None:
    staff = await enter()
    base = (await staff.post("/knowledge-bases", json={"name": "b"})).json()["id"]
    async with state.database.writing() as session:
        assistant = Assistant(
            workspace_id=staff.workspace_id,  # type: ignore[attr-defined]
            name="A",
            public_key="key-of-visitors",
            knowledge_base_ids=[base],
            behaviour={"handoff": {"enabled": True}},
        )
        session.add(assistant)
    path = f"/api/v1/assistants/{assistant.public_key}"
    asked: dict[str, str] = {}
    for number, who in enumerate(("a" * 32, "b" * 32), start=1):
        lead = {"email": f"{who[0]}@example.com", "consent": "Yes", "visitor": who}
        first, again = await twice(visitor, f"{path}/leads", lead)
        assert again.json() == first.json()
        assert len((await staff.get("/leads")).json()["items"]) == number
        handoff = {"text": "Is anybody there?", "visitor": who}
        begun, same = await twice(visitor, f"{path}/handoffs", handoff)
        assert same.json() == begun.json()
        asked[who] = begun.json()["id"]
        said = f"{path}/handoffs/{asked[who]}/messages"
        await twice(visitor, said, {"text": "Hello?", "visitor": who})
        transcript = (await staff.get(f"/handoffs/{asked[who]}")).json()
        assert [one["text"] for one in transcript["messages"]] == ["Is anybody there?", "Hello?"]
    assert len(set(asked.values())) == 2
