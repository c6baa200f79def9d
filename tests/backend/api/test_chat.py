"""Asking over HTTP: streams and whole answers, for staff and for visitors of a website."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import filled_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True
SITE = "https://www.example.com"
QUESTION = "Within how many days can goods be returned?"


def events(text: str) -> list[tuple[int, str, Any]]:
    """The events of a stream: number, name, data."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = dict(line.split(": ", 1) for line in lines)
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


async def _assistant(client: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    base = await filled_base(client)
    body = {"name": "Shop", "knowledge_base_ids": [base], "allowed_origins": [SITE], **values}
    answer = await client.post("/assistants", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_answer_is_streamed_with_its_citations(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    answer = await client.post("/chat", json={"question": QUESTION})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    told = events(answer.text)
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert (told[0][1], told[-1][1]) == ("search_results", "final_answer")
    final = told[-1][2]
    assert "".join(data["delta"] for _, name, data in told if name == "message") == final["answer"]
    hits = {hit["chunk_id"]: hit for hit in told[0][2]["hits"]}
    for citation in final["citations"]:
        start, end = citation["span"]
        assert hits[citation["chunk_id"]]["text"][start:end].strip()


async def test_json_is_the_final_answer_alone(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    plain = await client.post("/chat", json={"question": QUESTION, "stream": False})
    asked = await client.post(
        "/chat", json={"question": QUESTION}, headers={"Accept": "application/json"}
    )
    assert plain.json()["answer"] == asked.json()["answer"]
    shown = (await client.get(f"/conversations/{plain.json()['conversation_id']}")).json()
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant"]
    explained = await client.get(
        f"/conversations/{plain.json()['conversation_id']}/messages/"
        f"{plain.json()['message_id']}/explanation"
    )
    assert explained.json()["changes"] == []
    for cited in explained.json()["record"]["passages"]:
        await client.delete(f"/documents/{cited['document_id']}")
    later = (await client.get(explained.request.url.path.removeprefix("/api/v1"))).json()
    assert later["record"] == explained.json()["record"]
    assert later["changes"]
    assert all("has been removed since" in change for change in later["changes"])


async def test_a_lost_stream_is_taken_up_where_it_broke(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    key = {"Idempotency-Key": "turn-1"}
    whole = events((await client.post("/chat", json={"question": QUESTION}, headers=key)).text)
    rest = events(
        (
            await client.post(
                "/chat", json={"question": QUESTION}, headers=key | {"Last-Event-ID": "2"}
            )
        ).text
    )
    assert rest == whole[2:]
    listed = (await client.get("/conversations")).json()["items"]
    assert len(listed) == 1


async def test_a_bad_question_is_refused_before_the_stream(enter: Enter) -> None:
    client = await enter(Role.VIEWER)
    for question in ("", "x" * 5_000):
        answer = await client.post("/chat", json={"question": question})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


async def test_visitors_of_allowed_origins_are_answered(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    assistant = await _assistant(await enter(), welcome="Hello", suggestions=["Returns?"])
    path = f"/api/v1/assistants/{assistant['public_key']}"
    for origin in (SITE, "http://candor.test"):
        headers = {"Origin": origin}
        profile = (await visitor.get(path, headers=headers)).json()
        assert profile.pop("session")["expires_in"] == 1800
        assert profile == {
            "name": "Shop",
            "welcome": "Hello",
            "suggestions": ["Returns?"],
            "appearance": {},
            "anonymous": True,
            "leads": None,
            "handoff": None,
        }
        body = {"question": QUESTION, "visitor": "secret-1", "stream": False}
        answer = await visitor.post(f"{path}/chat", json=body, headers=headers)
        assert answer.status_code == 200
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (SITE if origin == SITE else None)
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://www.example.com.evil.example"]
)
async def test_other_origins_are_refused(
    enter: Enter, visitor: httpx.AsyncClient, origin: str
) -> None:
    assistant = await _assistant(await enter())
    path = f"/api/v1/assistants/{assistant['public_key']}"
    for method, address in (("GET", path), ("POST", f"{path}/chat"), ("OPTIONS", f"{path}/chat")):
        answer = await visitor.request(
            method, address, json={"question": QUESTION}, headers={"Origin": origin}
        )
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_browsers_ask_first(enter: Enter, visitor: httpx.AsyncClient) -> None:
    assistant = await _assistant(await enter())
    path = f"/api/v1/assistants/{assistant['public_key']}/chat"
    answer = await visitor.request("OPTIONS", path, headers={"Origin": SITE})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "last-event-id" in answer.headers["access-control-allow-headers"]
    assert "Origin" in answer.headers["vary"]


async def test_a_visitor_reads_own_conversations_alone(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    assistant = await _assistant(client)
    path = f"/api/v1/assistants/{assistant['public_key']}"
    body = {"question": QUESTION, "visitor": "secret-1", "stream": False}
    asked = (await visitor.post(f"{path}/chat", json=body)).json()
    own = f"{path}/conversations/{asked['conversation_id']}"
    mine = await visitor.get(own, headers={"X-Candor-Visitor": "secret-1"})
    assert len(mine.json()["messages"]) == 2
    assert "explanation" not in mine.text
    for other in ({"X-Candor-Visitor": "secret-2"}, {}):
        assert (await visitor.get(own, headers=other)).status_code == 404
    stolen = body | {"conversation_id": asked["conversation_id"], "visitor": "secret-2"}
    assert (await visitor.post(f"{path}/chat", json=stolen)).status_code == 404
    liked = {
        "conversation_id": asked["conversation_id"],
        "message_id": asked["message_id"],
        "visitor": "secret-1",
        "helpful": False,
        "reason": "incomplete",
        "comment": "",
    }
    assert (await visitor.post(f"{path}/feedback", json=liked)).status_code == 204
    assert (await visitor.post(f"{path}/feedback", json=liked)).status_code == 204
    other = liked | {"visitor": "secret-2"}
    assert (await visitor.post(f"{path}/feedback", json=other)).status_code == 404


async def test_an_unknown_key_opens_nothing(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/api/v1/assistants/pk_nothing")).status_code == 404
    answer = await visitor.post("/api/v1/assistants/pk_nothing/chat", json={"question": "x"})
    assert answer.status_code == 404


async def test_assistants_are_changed_and_removed(enter: Enter, visitor: httpx.AsyncClient) -> None:
    client = await enter()
    assistant = await _assistant(client)
    path = f"/assistants/{assistant['id']}"
    changed = await client.patch(path, json={"allowed_origins": ["HTTPS://Other.example/"]})
    assert changed.json()["allowed_origins"] == ["https://other.example"]
    assert changed.json()["name"] == "Shop"
    bad = await client.patch(path, json={"allowed_origins": ["https://x.example/path"]})
    assert bad.status_code == 422
    page = await visitor.get(f"/a/{assistant['public_key']}")
    assert assistant["public_key"] in page.text
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://other.example")
    assert (await client.delete(path)).status_code == 204
    assert (await visitor.get(f"/a/{assistant['public_key']}")).status_code == 404


async def test_removing_a_knowledge_base_takes_it_from_assistants(enter: Enter) -> None:
    client = await enter()
    assistant = await _assistant(client)
    (base,) = assistant["knowledge_base_ids"]
    assert (await client.delete(f"/knowledge-bases/{base}")).status_code == 200
    shown = (await client.get(f"/assistants/{assistant['id']}")).json()
    assert shown["knowledge_base_ids"] == []
