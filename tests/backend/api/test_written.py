"""Texts and answers that are typed in: kept as they are, titled as their author says, changed."""

from __future__ import annotations

import pytest

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import ended, make_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True
PAIRS = [
    {"question": "Do you repair lamps?", "answer": "On Tuesdays.\n\n## Not a question"},
    {"question": "Where is the shop?", "answer": "At the *harbour*."},
]


async def test_a_text_has_its_author_s_title_and_is_written_anew(enter: Enter) -> None:
    client = await enter(Role.EDITOR)
    base = await make_base(client)
    body = {"kind": "text", "title": "Hours", "text": "We are open from nine to five."}
    made = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    await ended(client, made["run"]["id"])
    source = made["source"]["id"]
    run = (await client.put(f"/sources/{source}/text", json={"text": "Open at ten."})).json()
    await ended(client, run["id"])
    assert (await client.get(f"/sources/{source}/text")).json() == {"text": "Open at ten."}
    (document,) = (await client.get("/documents", params={"source": source})).json()["items"]
    assert (document["title"], document["state"]) == ("Hours", "indexed")
    hits = (await client.post("/search", json={"query": "open", "knowledge_bases": [base]})).json()
    assert [hit["text"] for hit in hits["hits"]] == ["Open at ten."]
    assert (await client.get(f"/sources/{source}/pairs")).status_code == 404
    assert (await client.put(f"/sources/{source}/pairs", json={"pairs": PAIRS})).status_code == 404


async def test_pairs_are_read_back_as_they_were_typed(enter: Enter) -> None:
    client = await enter(Role.EDITOR)
    base = await make_base(client)
    body = {"kind": "pairs", "title": "Asked often", "pairs": PAIRS}
    made = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    run = await ended(client, made["run"]["id"])
    assert run["items"] == {"indexed": 1}, run
    source = made["source"]["id"]
    assert (await client.get(f"/sources/{source}/pairs")).json() == {"pairs": PAIRS}
    (document,) = (await client.get("/documents", params={"source": source})).json()["items"]
    assert document["title"] == "Asked often"
    text = (await client.get(f"/documents/{document['id']}")).json()["text"]
    assert "## Do you repair lamps?" in text
    stranger, viewer = await enter(), await enter(Role.VIEWER, beside=client)
    assert (await stranger.get(f"/sources/{source}/pairs")).status_code == 404
    for other, status in ((stranger, 404), (viewer, 403)):
        answer = await other.put(f"/sources/{source}/pairs", json={"pairs": PAIRS})
        assert answer.status_code == status
    for bad in ([], [{"question": " ", "answer": "x"}], [{"question": "x"}]):
        refused = await client.put(f"/sources/{source}/pairs", json={"pairs": bad})
        assert refused.status_code == 422
