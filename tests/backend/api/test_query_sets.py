"""Judged queries and runs over HTTP: from a file, by hand, from feedback; measured and compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from backend.api.state import AppState
from knowledge.store.conversations import Entry, NewAnswer, NewQuestion, Reader, add_messages
from knowledge.store.tables import Feedback, Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import RETURNS, SHIPPING, ended, make_base, upload
from tests.backend.chat.openai_server import OpenAIServer

WORKS = True
pytestmark = pytest.mark.asyncio(loop_scope="module")

RETURNS_PAGE, SHIPPING_PAGE = "upload:///returns.md", "upload:///shipping.md"
LONG = " Whoever sends goods back packs them well and writes the number of the order on the parcel."


@pytest_asyncio.fixture(loop_scope="module")
async def filled(enter: Enter) -> tuple[httpx.AsyncClient, str]:
    client = await enter()
    base = await make_base(client)
    made = await upload(client, base, returns__md=RETURNS + LONG * 2, shipping__md=SHIPPING)
    await ended(client, made["run"]["id"])
    return client, base


async def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def make_set(client: httpx.AsyncClient, base: str, name: str = "help desk") -> str:
    queries = [
        {"query": "Within how many days can goods be returned?", "grades": {RETURNS_PAGE: 2}},
        {"query": "parcels to Norway", "grades": {SHIPPING_PAGE + "#top": 1}},
    ]
    made = await ok(
        await client.post(
            f"/knowledge-bases/{base}/query-sets", json={"name": name, "queries": queries}
        )
    )
    return str(made["id"])


async def test_a_set_is_made_edited_and_removed(
    filled: tuple[httpx.AsyncClient, str], enter: Enter
) -> None:
    client, base = filled
    made = await make_set(client, base)
    other = await make_base(client, "other")
    await ok(await client.post(f"/knowledge-bases/{other}/query-sets", json={"name": "empty"}))
    listed = await ok(await client.get("/query-sets"))
    assert [(one["name"], one["queries"]) for one in listed["items"]] == [
        ("help desk", 2),
        ("empty", 0),
    ]
    only = await ok(await client.get("/query-sets", params={"knowledge_base": base}))
    assert [one["id"] for one in only["items"]] == [made]
    assert (
        await client.post(f"/knowledge-bases/{base}/query-sets", json={"name": "help desk"})
    ).status_code == 409

    page = await ok(await client.get(f"/query-sets/{made}/queries", params={"limit": 1}))
    (first,) = page["items"]
    assert page["next_cursor"]
    assert (first["origin"], first["grades"]) == ("typed", {RETURNS_PAGE: 2})
    address = f"/query-sets/{made}/queries/{first['id']}"
    judged = await ok(
        await client.patch(address, json={"grades": {RETURNS_PAGE: 0, "upload:///gone.md": 1}})
    )
    assert judged["grades"] == {"upload:///gone.md": 1}
    assert (await ok(await client.get(f"/query-sets/{made}")))["unknown"] == ["upload:///gone.md"]
    assert (await client.patch(address, json={"grades": {RETURNS_PAGE: 7}})).status_code == 422
    assert (await client.patch(address, json={"query": "Parcels to  norway?"})).status_code == 409
    reworded = await ok(await client.patch(address, json={"query": "Can I send goods back?"}))
    assert reworded["id"] != first["id"]
    assert reworded["grades"] == judged["grades"]

    viewer = await enter(Role.VIEWER, client)
    assert (await viewer.get(f"/query-sets/{made}")).is_success
    assert (await viewer.delete(f"/query-sets/{made}")).status_code == 403
    again = f"/query-sets/{made}/queries/{reworded['id']}"
    assert (await client.delete(again)).status_code == 204
    assert (await client.delete(again)).status_code == 404
    assert (await ok(await client.patch(f"/query-sets/{made}", json={"name": "desk"})))[
        "queries"
    ] == 1
    assert (await client.delete(f"/query-sets/{made}")).status_code == 204
    assert (await client.get(f"/query-sets/{made}")).status_code == 404


async def test_a_file_is_imported_and_exported(filled: tuple[httpx.AsyncClient, str]) -> None:
    client, base = filled
    made = await make_set(client, base)
    table = (
        "query,address,grade\n"
        f"Parcels to Norway,{SHIPPING_PAGE},3\n"
        "how long do refunds take,upload:///no-such-page.md,1\n"
    )
    address = f"/query-sets/{made}/import"
    done = await ok(await client.post(address, content=table))
    assert done == {
        "added": 1,
        "changed": 1,
        "removed": 0,
        "unknown": ["upload:///no-such-page.md"],
    }
    whole = await ok(await client.post(address, params={"replace": True}, content=table))
    assert (whole["added"], whole["removed"]) == (0, 1)
    bad = await client.post(address, content='{"query": 3}')
    assert (bad.status_code, "Line 1" in bad.json()["detail"]) == (422, True)
    assert (await client.post(address, content=b"\xff\xfe")).status_code == 422

    for format in ("csv", "jsonl"):
        file = await client.get(f"/query-sets/{made}/export", params={"format": format})
        assert "attachment" in file.headers["content-disposition"]
        same = await ok(await client.post(address, params={"replace": True}, content=file.content))
        assert (same["added"], same["changed"], same["removed"]) == (0, 0, 0)


async def test_runs_are_kept_and_compared(filled: tuple[httpx.AsyncClient, str]) -> None:
    client, base = filled
    made = await make_set(client, base)
    runs = f"/query-sets/{made}/runs"
    key = {"Idempotency-Key": "one"}
    before = await ok(await client.post(runs, json={"name": "before"}, headers=key))
    assert (await ok(await client.post(runs, json={"name": "before"}, headers=key)))[
        "id"
    ] == before["id"]
    assert before["figures"]["mrr@10"] == 1.0
    assert before["encoder"] == "hashing-1"
    assert before["settings"]["content"]["documents"] == 2

    documents = (await ok(await client.get("/documents")))["items"]
    page = next(one["id"] for one in documents if one["address"] == SHIPPING_PAGE)
    tried = await ok(
        await client.post(
            "/explain/what-if",
            json={"query_set_id": made, "add": [{"kind": "hide", "document_id": page}]},
        )
    )
    assert tried["query_set"]["after"]["mrr@10"] == 0.5
    empty = await ok(
        await client.post(f"/knowledge-bases/{base}/query-sets", json={"name": "not judged"})
    )
    await ok(
        await client.post(
            f"/query-sets/{empty['id']}/queries", json={"queries": [{"query": "lamps"}]}
        )
    )
    every = {"all_query_sets": True, "add": [{"kind": "hide", "document_id": page}]}
    each = (await ok(await client.post("/explain/what-if", json=every)))["query_sets"]
    (mine,) = [one for one in each if one["id"] == made]
    assert {name: mine[name] for name in tried["query_set"]} == tried["query_set"]
    assert mine["name"]
    assert empty["id"] not in [one["id"] for one in each]
    await ok(
        await client.post(
            f"/knowledge-bases/{base}/rules",
            json={"rules": [{"kind": "hide", "document_id": page}], "reason": "To see."},
        )
    )
    after = await ok(await client.post(runs, json={"name": "after"}))
    told = await ok(
        await client.get(
            f"/evaluation-runs/{after['id']}/comparison", params={"baseline": before["id"]}
        )
    )
    assert told["figures"]["after"] == tried["query_set"]["after"]
    assert (told["verdict"], told["queries"][0]["query"]) == ("same", "parcels to Norway")
    assert (told["queries"][0]["place_before"], told["queries"][0]["place_after"]) == (1, None)
    assert told["differences"] == ["Rules were saved or ended between the runs."]

    listed = await ok(await client.get(runs))
    assert [one["name"] for one in listed["items"]] == ["after", "before"]
    seen = await ok(await client.get(f"/query-sets/{made}"))
    assert seen["latest_run"]["id"] == after["id"]
    whole = await ok(await client.get(f"/evaluation-runs/{before['id']}"))
    assert sorted(pages[0] for pages in whole["rankings"].values()) == [
        RETURNS_PAGE,
        SHIPPING_PAGE,
    ]
    assert (await client.delete(f"/evaluation-runs/{before['id']}")).status_code == 204
    assert (await client.get(f"/evaluation-runs/{before['id']}")).status_code == 404


async def test_a_stranger_finds_nothing(
    filled: tuple[httpx.AsyncClient, str], enter: Enter
) -> None:
    client, base = filled
    made = await make_set(client, base)
    run = await ok(await client.post(f"/query-sets/{made}/runs", json={}))
    query = (await ok(await client.get(f"/query-sets/{made}/queries")))["items"][0]["id"]
    stranger = await enter()
    one, body = f"/query-sets/{made}", {"queries": [{"query": "bulb"}]}
    calls = [
        ("POST", f"/knowledge-bases/{base}/query-sets", {"name": "mine"}),
        ("GET", one, None),
        ("PATCH", one, {"name": "mine"}),
        ("DELETE", one, None),
        ("GET", f"{one}/queries", None),
        ("POST", f"{one}/queries", body),
        ("PATCH", f"{one}/queries/{query}", {"grades": {}}),
        ("DELETE", f"{one}/queries/{query}", None),
        ("POST", f"{one}/import", body["queries"][0]),
        ("GET", f"{one}/export", None),
        ("POST", f"{one}/from-feedback", None),
        ("POST", f"{one}/from-passages", {"count": 1}),
        ("GET", f"{one}/runs", None),
        ("POST", f"{one}/runs", {}),
        ("POST", "/explain/what-if", {"query_set_id": made}),
        ("GET", f"/evaluation-runs/{run['id']}", None),
        ("DELETE", f"/evaluation-runs/{run['id']}", None),
        ("GET", f"/evaluation-runs/{run['id']}/comparison?baseline={run['id']}", None),
    ]
    for method, address, sent in calls:
        answer = await stranger.request(method, address, json=sent)
        assert answer.status_code == 404, (method, address, answer.text)
    assert (await ok(await stranger.get("/query-sets")))["items"] == []
    every = {"query": "bulb", "all_query_sets": True}
    assert (await ok(await stranger.post("/explain/what-if", json=every)))["query_sets"] == []
    every["knowledge_bases"] = [base]
    assert (await stranger.post("/explain/what-if", json=every)).status_code == 404


async def test_helpful_answers_become_judgments(
    filled: tuple[httpx.AsyncClient, str], state: AppState
) -> None:
    client, base = filled
    made = await make_set(client, base)
    reader = Reader(client.workspace_id)  # type: ignore[attr-defined]
    told = [
        ("How long is a refund open", RETURNS_PAGE, True),
        ("how long is a refund open?", RETURNS_PAGE, True),
        ("How long is a refund open?", SHIPPING_PAGE, False),
        ("Parcels to Norway", RETURNS_PAGE, True),
        ("a page that is gone", "upload:///gone.md", True),
    ]
    for question, page, helpful in told:
        await tell(state, reader, question, page, helpful)
    done = await ok(await client.post(f"/query-sets/{made}/from-feedback"))
    assert done == {"added": 1, "changed": 0, "removed": 0, "unknown": []}
    rows = (await ok(await client.get(f"/query-sets/{made}/queries")))["items"]
    assert {one["query"].casefold(): one["origin"] for one in rows} == {
        "within how many days can goods be returned?": "typed",
        "parcels to norway": "typed",
        "how long is a refund open?": "feedback",
    }
    assert rows[1]["grades"] == {SHIPPING_PAGE: 1}  # What a person has judged stands.
    assert (await ok(await client.post(f"/query-sets/{made}/from-feedback")))["added"] == 0


async def tell(state: AppState, reader: Reader, question: str, page: str, helpful: bool) -> UUID:
    conversation, message = uuid4(), uuid4()
    cited = {"id": 1, "chunk_id": str(uuid4()), "address": f"{page}#page=2"}
    async with state.database.writing() as session:
        answer = NewAnswer(message, "So it is.", query=question, citations=(cited,))
        said = (NewQuestion(reader, question), answer)
        await add_messages(session, [Entry(conversation, one) for one in said])
        session.add(Feedback(message_id=message, helpful=helpful))
    return message


async def test_a_language_model_writes_questions(
    filled: tuple[httpx.AsyncClient, str], state: AppState
) -> None:
    client, base = filled
    made = await make_set(client, base)
    address = f"/query-sets/{made}/from-passages"
    refused = await client.post(address, json={"count": 3})
    assert (refused.status_code, "CANDOR_LLM_PROVIDER" in refused.text) == (422, True)
    async with OpenAIServer() as server:
        server.say('"How do I ', 'send something back?"')
        with language_model(state, server.url):
            done = await ok(await client.post(address, json={"count": 3}))
            # The other page is too short to ask about, and this one has its question.
            none_left = await client.post(address, json={"count": 3})
        assert "Whoever sends goods back" in server.prompt()
    assert (done["added"], none_left.status_code) == (1, 404)
    rows = (await ok(await client.get(f"/query-sets/{made}/queries")))["items"]
    assert [(one["query"], one["grades"]) for one in rows if one["origin"] == "model"] == [
        ("How do I send something back?", {RETURNS_PAGE: 1})
    ]


@contextmanager
def language_model(state: AppState, url: str) -> Iterator[None]:
    from backend.chat.llm import LanguageModel, ModelSettings

    settings = ModelSettings("openai", "scripted-1", base_url=url, api_key="secret")
    state.chat.language_model = LanguageModel(settings)
    try:
        yield
    finally:
        state.chat.language_model = None
