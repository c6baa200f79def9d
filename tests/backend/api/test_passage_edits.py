"""Passages that editors change: what searches find, and what a new reading makes of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import ended, make_base, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True


def _section(title: str, words: str) -> str:
    """A section that is long enough to be a passage of its own."""
    rest = " ".join(f"{title} rule number {n} is about case {n} alone." for n in range(18))
    return f"# {title}\n\n{words} {rest}\n\n"


RETURNS = _section("Returns", "Goods can be returned within 30 days.") + _section(
    "Delivery", "Parcels to Norway travel by ship."
)


class Editing:
    """A knowledge base with one document of two passages."""

    def __init__(self, client: httpx.AsyncClient, base: str) -> None:
        self.client, self.base = client, base

    async def read(self, text: str) -> None:
        made = await upload(self.client, self.base, **{"terms.md": text})
        await ended(self.client, made["run"]["id"])

    async def document(self) -> str:
        listed = await self.client.get("/documents", params={"knowledge_base": self.base})
        return str(listed.json()["items"][0]["id"])

    async def chunks(self) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/documents/{await self.document()}/chunks")
        return list(answer.json()["items"])

    async def chunk(self, words: str) -> dict[str, Any]:
        return next(one for one in await self.chunks() if words in one["text"])

    async def change(self, words: str, **body: object) -> None:
        chunk = await self.chunk(words)
        answer = await self.client.patch(f"/chunks/{chunk['id']}", json=body)
        assert answer.status_code == 200, answer.text
        await ended(self.client, answer.json()["run"]["id"])

    async def found(self, query: str) -> list[str]:
        body = {"query": query, "knowledge_bases": [self.base]}
        answer = await self.client.post("/search", json=body)
        return [hit["text"] for hit in answer.json()["hits"]]

    async def edits(self) -> list[dict[str, Any]]:
        return list((await self.client.get(f"/documents/{await self.document()}/edits")).json())


@pytest_asyncio.fixture(loop_scope="module")
async def editing(enter: Enter) -> Editing:
    client = await enter(Role.EDITOR)
    made = Editing(client, await make_base(client))
    await made.read(RETURNS)
    return made


async def test_an_edit_is_found_by_its_words_and_taken_back(editing: Editing) -> None:
    await editing.change("30 days", text="Goods can be returned within sixty moons.")
    assert (await editing.found("sixty moons"))[0] == "Goods can be returned within sixty moons."
    chunk = await editing.chunk("sixty moons")
    assert chunk["edited"] is True
    (edit,) = await editing.edits()
    assert "30 days" in edit["original"]
    assert edit["lost"] is False
    run = (await editing.client.delete(f"/chunks/{chunk['id']}/edit")).json()
    await ended(editing.client, run["id"])
    assert (await editing.chunk("30 days"))["edited"] is False
    assert await editing.edits() == []


async def test_what_is_hidden_is_out_at_once_and_stays_out(editing: Editing) -> None:
    chunk = await editing.chunk("Norway")
    answer = await editing.client.patch(f"/chunks/{chunk['id']}", json={"hidden": True})
    assert not any("Norway" in text for text in await editing.found("Norway"))
    await ended(editing.client, answer.json()["run"]["id"])
    assert not any("Norway" in text for text in await editing.found("Norway"))
    assert (await editing.chunk("Norway"))["hidden"] is True
    await editing.change("Norway", hidden=False)
    assert any("Norway" in text for text in await editing.found("Norway"))


async def test_edits_survive_a_reading_that_leaves_their_words(editing: Editing) -> None:
    await editing.change("30 days", text="Goods can be returned within sixty moons.")
    await editing.change("Norway", hidden=True)
    await editing.read(RETURNS + _section("Payment", "Invoices are sent by post."))
    assert (await editing.chunk("sixty moons"))["edited"] is True
    assert (await editing.chunk("Norway"))["hidden"] is True
    assert not any("Norway" in text for text in await editing.found("Norway"))
    (base,) = (await editing.client.get("/knowledge-bases")).json()["items"]
    assert base["chunks"] == len(await editing.chunks())


async def test_an_edit_whose_words_are_gone_is_said_to_be_lost(
    editing: Editing, enter: Enter
) -> None:
    await editing.change("30 days", text="Goods can be returned within sixty moons.")
    await editing.read(RETURNS.replace("30 days", "40 days"))
    assert await editing.chunk("40 days")
    (edit,) = await editing.edits()
    assert edit["lost"] is True
    stranger = await enter()
    assert (await stranger.delete(f"/edits/{edit['id']}")).status_code == 404
    assert (await editing.client.delete(f"/edits/{edit['id']}")).status_code == 204
    assert await editing.edits() == []


async def test_an_edit_that_a_passage_has_is_not_discarded(editing: Editing) -> None:
    await editing.change("30 days", text="Goods can be returned within sixty moons.")
    (edit,) = await editing.edits()
    refused = await editing.client.delete(f"/edits/{edit['id']}")
    assert refused.status_code == 404
    assert "taken back with the passage" in refused.json()["action"]


async def test_who_may_edit(editing: Editing, enter: Enter) -> None:
    chunk = await editing.chunk("30 days")
    document = await editing.document()
    stranger, viewer = await enter(), await enter(Role.VIEWER, beside=editing.client)
    for client, status in ((stranger, 404), (viewer, 403)):
        changed = await client.patch(f"/chunks/{chunk['id']}", json={"hidden": True})
        assert changed.status_code == status
        assert (await client.delete(f"/chunks/{chunk['id']}/edit")).status_code == status
    assert (await stranger.get(f"/documents/{document}/edits")).status_code == 404
    for body in ({}, {"text": "  "}, {"text": "x" * 20_001}):
        refused = await editing.client.patch(f"/chunks/{chunk['id']}", json=body)
        assert refused.status_code == 422
