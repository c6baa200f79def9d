"""What a knowledge base teaches an encoder, over HTTP, and to whom it is told."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from backend.api.state import AppState
from knowledge.store.conversations import Entry, NewAnswer, NewQuestion, Reader, add_messages
from knowledge.store.tables import Feedback, Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import SHIPPING, ended, make_base, upload

WORKS = True
pytestmark = pytest.mark.asyncio(loop_scope="module")

RETURNS = (
    "# Returns\n\n## Refunds\n\nGoods that you have not used can be returned within 30 days of "
    "delivery, and the money is sent back to your card.\n"
)


async def test_a_knowledge_base_yields_pairs(enter: Enter, state: AppState) -> None:
    client = await enter()
    base = await make_base(client)
    made = await upload(client, base, returns__md=RETURNS, shipping__md=SHIPPING)
    await ended(client, made["run"]["id"])
    queries = [{"query": "money back", "grades": {"upload:///returns.md": 2}}]
    made = await client.post(
        f"/knowledge-bases/{base}/query-sets", json={"name": "desk", "queries": queries}
    )
    assert made.status_code == 201, made.text
    hits = (await client.post("/search", json={"query": "parcels to Norway"})).json()["hits"]
    ship = next(hit for hit in hits if hit["address"] == "upload:///shipping.md")
    for question, helpful in (("by sea?", True), ("by air?", False)):
        await tell(state, client, question, ship["chunk_id"], helpful)

    answer = await client.get(f"/knowledge-bases/{base}/training-pairs")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    pairs = [json.loads(line) for line in answer.text.splitlines()]
    found = {(pair["source"], pair["query"]): pair["passage"] for pair in pairs}
    heading = found["heading", "Returns Refunds"]
    assert "30 days" in heading
    assert "Returns" not in heading
    assert found["judgment", "money back"].startswith("Returns > Refunds")
    assert "ship" in found["feedback", "by sea?"]
    assert not any(query == "by air?" for _, query in found)


async def test_strangers_and_viewers_learn_nothing(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    stranger, viewer = await enter(), await enter(Role.VIEWER, beside=client)
    path = f"/knowledge-bases/{base}/training-pairs"
    assert (await stranger.get(path)).status_code == 404
    assert (await viewer.get(path)).status_code == 403
    assert (await client.get(path)).text == ""


async def tell(
    state: AppState, client: httpx.AsyncClient, question: str, chunk_id: str, helpful: bool
) -> None:
    """A question with an answer that cites a passage, and what its reader thought of it."""
    conversation, message = uuid4(), uuid4()
    reader = Reader(client.workspace_id)  # type: ignore[attr-defined]
    cited = {"id": 1, "chunk_id": chunk_id, "address": "upload:///shipping.md"}
    async with state.database.writing() as session:
        answer = NewAnswer(message, "So it is.", query=question, citations=(cited,))
        said = (NewQuestion(reader, question), answer)
        await add_messages(session, [Entry(conversation, one) for one in said])
        session.add(Feedback(message_id=message, helpful=helpful))
