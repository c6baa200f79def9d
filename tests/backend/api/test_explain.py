"""Explanations over HTTP, with a worker that really reads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.backend.api.conftest import Enter
from tests.backend.api.filling import filled_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True


async def test_a_hit_that_no_answer_reads_left_in_the_budget(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    query = {"query": "goods returned by ship"}
    last = (await client.post("/search", json=query)).json()["hits"][-1]
    missed = query | {"chunk_id": last["chunk_id"]}
    assert (await client.post("/explain/why-not", json=missed)).json()["stage"] == "found"
    told = (await client.post("/explain/why-not", json=missed | {"answer_hits": 1})).json()
    assert told["stage"] == "budget"
    assert "an answer reads the first 1" in told["detail"]
    (line,) = [one for one in told["cutoffs"] if one["what"] == "place"]
    assert (line["needed"], line["distance"]) == (1, line["own"] - 1)
    reads = await client.post("/explain/why-not", json=missed | {"answer": True})
    assert reads.json()["stage"] == "found"  # an answer reads more than there are
    no_hits = await client.post("/explain/why-not", json=missed | {"answer_hits": 0})
    assert (no_hits.status_code, "answer_hits" in no_hits.json()["detail"]) == (422, True)


async def test_a_rule_acts_in_every_path_and_the_ledger_shows_it(enter: Enter) -> None:
    client = await enter()
    base = await filled_base(client)
    made = {"name": "Shop", "knowledge_base_ids": [base]}
    assert (await client.post("/assistants", json=made)).status_code == 201
    pages = (await client.get("/documents")).json()["items"]
    returns = next(one["id"] for one in pages if one["address"] == "upload:///returns.md")
    question = "Within how many days can goods be returned?"
    completion = {"model": "Shop", "messages": [{"role": "user", "content": question}]}

    async def asked() -> list[dict[str, Any]]:
        """What chat and the OpenAI-compatible endpoint say of the same question."""
        chat = await client.post("/chat", json={"question": question, "stream": False})
        v1 = await client.post("http://candor.test/v1/chat/completions", json=completion)
        return [chat.json(), v1.json()["candor"]]

    async def save(rule: dict[str, Any]) -> str:
        body = {"rules": [rule], "reason": "To see.", "despite_contradiction": True}
        saved = await client.post(f"/knowledge-bases/{base}/rules", json=body)
        return str(saved.json()["items"][0]["id"])

    boost = await save({"kind": "boost", "document_id": returns, "factor": 3.0})
    for told in await asked():
        message = f"/conversations/{told['conversation_id']}/messages/{told['message_id']}"
        record = (await client.get(f"{message}/explanation")).json()["record"]
        cited = record["passages"][0]
        (rule,) = cited["rules"]
        assert (rule["rule_id"], rule["effect"]) == (boost, "document times 3")
        parts = [arm["part"] for arm in cited["arms"].values()]
        assert rule["part"] == 2 * math.fsum(parts)
        assert math.fsum([*parts, rule["part"]]) == cited["fused"]
    searched = (await client.post("/explain", json={"query": question})).json()["hits"][0]
    assert searched["ledger"]["rules"][0]["rule_id"] == boost

    await save({"kind": "hide", "document_id": returns, "query": "returned"})
    for told in await asked():
        assert all(one["address"] != "upload:///returns.md" for one in told["citations"])


async def test_what_is_another_workspaces_or_gone_is_not_found(enter: Enter) -> None:
    client, stranger = await enter(), await enter()
    base = await filled_base(client)
    await filled_base(stranger)
    query = {"query": "goods returned by ship"}
    hit = (await client.post("/search", json=query)).json()["hits"][0]
    chunk = {"chunk_id": hit["chunk_id"]}
    for body in (chunk, {"document_id": hit["document_id"]}):
        answer = await stranger.post("/explain/why-not", json=query | body)
        assert answer.status_code == 404
        assert "goods" not in answer.json()["detail"].lower()
    own = await stranger.post("/explain", json=query | {"chunk_ids": [hit["chunk_id"]]})
    assert own.json()["hits"] == []
    named = query | {"knowledge_bases": [base]}
    assert (await stranger.post("/explain", json=named)).status_code == 404
    pinned = query | {"add": [{"kind": "pin"} | chunk]}
    assert (await stranger.post("/explain/what-if", json=pinned)).json()["moves"] == []

    assert (await client.delete(f"/documents/{hit['document_id']}")).is_success
    gone = await client.post("/explain/why-not", json=query | chunk)
    assert (gone.status_code, "removed since" in gone.json()["action"]) == (404, True)
