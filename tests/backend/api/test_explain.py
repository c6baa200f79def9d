"""Explanations over HTTP, with a worker that really reads."""

from __future__ import annotations

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
