"""Figures, clusters, gaps and freshness over HTTP, from questions that were really answered."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from backend.api.state import AppState
from knowledge.store.queries.model_costs import ModelTokens, add_model_use
from knowledge.store.tables import (
    AssistantUse,
    Feedback,
    Lead,
    LeadTrigger,
    Role,
    SearchEvent,
    SearchEventKind,
    utc_now,
)
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import filled_base, make_base

WORKS = True
pytestmark = pytest.mark.asyncio(loop_scope="module")

RETURN = "Within how many days can goods be returned?"
NORWAY = "Do parcels to Norway travel by ship and arrive within two weeks?"
NOTHING = "Which colour has the moon of Jupiter?"
TODAY = utc_now().date()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(enter: Enter) -> httpx.AsyncClient:
    client = await enter()
    await filled_base(client)
    return client


async def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


async def ask(client: httpx.AsyncClient, question: str, conversation: str | None = None) -> Any:
    body = {"question": question, "stream": False, "conversation_id": conversation}
    return await ok(await client.post("/chat", json=body))


async def judge(state: AppState, answer: Any, helpful: bool) -> None:
    async with state.database.writing() as session:
        session.add(Feedback(message_id=UUID(answer["message_id"]), helpful=helpful))


async def test_questions_are_counted(shop: httpx.AsyncClient, state: AppState) -> None:
    assert (await ok(await shop.get("/insights/volume")))["total"]["questions"] == 0
    first = await ask(shop, RETURN)
    await judge(state, first, helpful=True)
    await ask(shop, "hello", first["conversation_id"])
    second = await ask(shop, NOTHING, first["conversation_id"])
    assert second["abstained"]
    await ask(shop, f"{NOTHING} Tell me", first["conversation_id"])
    norway = await ask(shop, NORWAY)
    await judge(state, norway, helpful=False)

    seen = await ok(await shop.get("/insights/volume"))
    assert len(seen["days"]) == 30
    total = {"conversations": 2, "questions": 4, "answered": 2, "abstained": 2, "failed": 0}
    total |= {"helpful": 1, "unhelpful": 1, "reformulated": 1, "handed_off": 0}
    assert seen["total"] == total | {"day": TODAY.isoformat()}
    assert seen["days"][-1] == seen["total"]
    async with state.database.writing() as session:
        session.add(
            SearchEvent(
                workspace_id=shop.workspace_id,  # type: ignore[attr-defined]
                message_id=UUID(norway["message_id"]),
                kind=SearchEventKind.REFORMULATION,
            )
        )
        for kind, milliseconds in (("citation", None), ("dwell", 3000), ("dwell", 5000)):
            session.add(
                SearchEvent(
                    workspace_id=shop.workspace_id,  # type: ignore[attr-defined]
                    message_id=UUID(norway["message_id"]),
                    kind=SearchEventKind(kind),
                    milliseconds=milliseconds,
                )
            )
    again = await ok(await shop.get("/insights/volume", params={"first": TODAY, "last": TODAY}))
    assert (len(again["days"]), again["total"]["reformulated"]) == (1, 2)

    read = (await ok(await shop.get("/insights/reading")))["items"][-1]
    acts = {"opened": 1, "visited": 0, "dwells": 2, "dwell_ms": 4000.0}
    assert read == acts | {"day": TODAY.isoformat()}

    table = await shop.get("/insights/volume", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert (len(rows), rows[-1]["abstained"]) == (30, "2")
    assert "attachment" in table.headers["content-disposition"]

    times = (await ok(await shop.get("/insights/latency")))["items"]
    assert [(one["model"], one["answers"]) for one in times] == [("", 4), ("extractive", 4)]
    assert 0 < times[0]["p50"] <= times[0]["p95"] <= times[0]["p99"]

    used = await ok(await shop.get("/insights/documents"))
    pages = {one["address"]: (one["shown"] > 0, one["cited"]) for one in used["items"]}
    assert pages == {"upload:///returns.md": (True, 1), "upload:///shipping.md": (True, 1)}
    assert [(one["documents"], one["cited"]) for one in used["sources"]] == [(2, 2)]
    none = await ok(await shop.get("/insights/documents", params={"use": "never"}))
    assert (none["items"], none["total"]) == ([], 0)
    sources = await ok(await shop.get("/insights/sources"))
    (row,) = sources["items"]
    assert (row["name"], row["documents"], row["cited"]) == ("Uploaded files", 2, 2)
    table = (await shop.get("/insights/sources", params={"format": "csv"})).text.splitlines()
    assert table[0].split(",")[-1] == "name"
    assert table[1].endswith(",2,2,0,0,2,Uploaded files")

    top = (await ok(await shop.get("/insights/questions")))["items"]
    assert [(one["asked"], one["badly"]) for one in top] == [(2, 2), (1, 1), (1, 0)]
    assert set(top[0]["examples"]) == {NOTHING, f"{NOTHING} Tell me"}

    # What is removed is counted no more.
    address = f"/conversations/{first['conversation_id']}"
    assert (await shop.delete(address)).status_code == 204
    assert (await ok(await shop.get("/insights/volume")))["total"]["questions"] == 1


async def test_tokens_of_an_assistant(shop: httpx.AsyncClient, state: AppState) -> None:
    made = await ok(
        await shop.post("/assistants", json={"name": "=Shop", "knowledge_base_ids": []})
    )
    yesterday = TODAY - timedelta(days=1)
    async with state.database.writing() as session:
        for day, tokens in ((TODAY, 700), (yesterday, 30), (TODAY - timedelta(days=60), 5)):
            row = AssistantUse(assistant_id=UUID(made["id"]), day=day, questions=2, tokens=tokens)
            session.add(row)
    seen = await ok(await shop.get("/insights/tokens", params={"assistant": made["id"]}))
    assert (seen["tokens"], len(seen["items"])) == (730, 2)
    table = (await shop.get("/insights/tokens", params={"format": "csv"})).text
    assert "'=Shop" in table


async def test_cost_is_tokens_times_the_price_that_is_set(
    shop: httpx.AsyncClient, state: AppState, enter: Enter
) -> None:
    made = await ok(await shop.post("/assistants", json={"name": "Desk"}))
    yesterday = TODAY - timedelta(days=1)
    used = [
        (TODAY, "meta/llama", ModelTokens(2, 1_000_000, 500_000)),
        (yesterday, "meta/llama", ModelTokens(1, 1_000_000, 0)),
        (TODAY, "unknown", ModelTokens(1, 10, 20)),
    ]
    async with state.database.writing() as session:
        for day, model, tokens in used:
            await add_model_use(session, UUID(made["id"]), day, model, tokens)
        await add_model_use(session, UUID(made["id"]), TODAY, "unknown", ModelTokens(1, 5, 5))
    seen = await ok(await shop.get("/insights/costs"))
    assert (seen["totals"], seen["unpriced"]) == ({}, ["meta/llama", "unknown"])
    assert {one["cost"] for one in seen["items"]} == {None}  # nothing is assumed
    price = {"currency": "EUR", "input_price": 0.25, "output_price": 2}
    await ok(await shop.put("/insights/prices/meta/llama", json=price))
    seen = await ok(await shop.get("/insights/costs", params={"assistant": made["id"]}))
    costs = {(one["day"], one["model"]): one["cost"] for one in seen["items"]}
    assert costs == {
        (yesterday.isoformat(), "meta/llama"): 0.25,
        (TODAY.isoformat(), "meta/llama"): 1.25,
        (TODAY.isoformat(), "unknown"): None,
    }
    assert (seen["totals"], seen["unpriced"]) == ({"EUR": 1.5}, ["unknown"])
    unknown = next(one for one in seen["items"] if one["model"] == "unknown")
    assert (unknown["answers"], unknown["input_tokens"], unknown["output_tokens"]) == (2, 15, 25)
    assert ",EUR,1.25" in (await shop.get("/insights/costs", params={"format": "csv"})).text
    prices = await ok(await shop.get("/insights/prices"))
    assert prices == {"items": [price | {"model": "meta/llama"}], "unpriced": ["unknown"]}
    for wrong in ({"currency": "euro"}, {"input_price": -1}, {"output_price": "Infinity"}):
        answer = await shop.put("/insights/prices/unknown", json=price | wrong)
        assert answer.status_code == 422, wrong
    stranger = await enter()
    assert (await ok(await stranger.get("/insights/prices")))["items"] == []
    assert (await stranger.delete("/insights/prices/meta/llama")).status_code == 404
    viewer = await enter(Role.VIEWER, beside=shop)
    assert (await viewer.put("/insights/prices/unknown", json=price)).status_code == 403
    assert (await shop.delete("/insights/prices/meta/llama")).status_code == 204
    assert (await ok(await shop.get("/insights/costs")))["totals"] == {}


async def test_quality_of_leads(shop: httpx.AsyncClient, state: AppState, enter: Enter) -> None:
    workspace_id: UUID = shop.workspace_id  # type: ignore[attr-defined]
    async with state.database.writing() as session:
        for trigger, note in (("asked", "Ten chairs"), ("asked", ""), ("abstained", "")):
            session.add(
                Lead(
                    workspace_id=workspace_id,
                    email="ann@example.com",
                    trigger=LeadTrigger(trigger),
                    note=note,
                )
            )
    ids = [one["id"] for one in (await ok(await shop.get("/leads")))["items"]]
    for id, change in zip(
        ids, ({"rating": "poor"}, {"rating": "good", "state": "contacted"}, {}), strict=True
    ):
        changed = await ok(await shop.patch(f"/leads/{id}", json=change))
        assert (changed["contacted_at"] is not None) == ("state" in change)
    again = await ok(await shop.patch(f"/leads/{ids[1]}", json={"state": "closed"}))
    assert again["rating"] == "good"  # what is left out stays
    seen = await ok(await shop.get("/insights/leads"))
    assert seen["conversations"] == seen["from_conversations"] == 0
    total, *kinds = seen["items"]
    assert total | {"hours": None} == {
        "trigger": None, "leads": 3, "reachable": 3, "asked": 1, "contacted": 1, "open": 2,
        "good": 1, "poor": 1, "hours": None,
    }  # fmt: skip
    assert 0 <= total["hours"] < 1
    assert {one["trigger"]: one["leads"] for one in kinds} == {"abstained": 1, "asked": 2}
    assert "abstained,1,1" in (await shop.get("/insights/leads", params={"format": "csv"})).text
    stranger = await enter()
    assert (await ok(await stranger.get("/insights/leads")))["items"][0]["leads"] == 0
    viewer = await enter(Role.VIEWER, beside=shop)
    assert (await viewer.get("/insights/leads")).status_code == 403


async def test_gaps_tell_missing_content_from_missed_content(
    shop: httpx.AsyncClient, state: AppState
) -> None:
    for question in (NOTHING, f"{NOTHING} Please", NOTHING):
        await ask(shop, question)
    missed = await ask(shop, NORWAY)
    assert not missed["abstained"]
    documents = (await ok(await shop.get("/documents")))["items"]
    page = next(one for one in documents if one["address"].endswith("shipping.md"))
    rule = {"kind": "hide", "document_id": page["id"]}
    saved = await ok(
        await shop.post(
            f"/knowledge-bases/{page['knowledge_base_id']}/rules",
            json={"rules": [rule], "reason": "By mistake."},
        )
    )
    assert (await ask(shop, NORWAY))["abstained"]

    found = (await ok(await shop.get("/insights/gaps")))["items"]
    none, hidden = found
    assert (none["asked"], none["badly"], none["abstained"]) == (3, 3, 3)
    assert (hidden["asked"], hidden["badly"], hidden["abstained"]) == (2, 1, 1)
    assert (none["finding"]["kind"], none["finding"]["why_not"]) == ("no_content", None)
    assert hidden["finding"]["kind"] == "missed"
    assert hidden["finding"]["address"] == "upload:///shipping.md"
    assert hidden["finding"]["why_not"]["stage"] == "hidden"
    assert hidden["explain"].startswith("/console/explain?q=Do+parcels+to+Norway")
    assert "why=upload%3A%2F%2F%2Fshipping.md" in hidden["explain"]
    table = await shop.get("/insights/gaps", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["kind"] for row in rows] == ["no_content", "missed"]

    await ok(
        await shop.delete(
            f"/knowledge-bases/{page['knowledge_base_id']}/rules/{saved['items'][0]['id']}"
        )
    )
    repaired = (await ok(await shop.get("/insights/gaps")))["items"][1]
    assert repaired["finding"]["kind"] == "answered_now"


async def test_changed_pages_are_found(shop: httpx.AsyncClient) -> None:
    (base,) = (await ok(await shop.get("/knowledge-bases")))["items"]
    told = await ok(await shop.get(f"/knowledge-bases/{base['id']}/freshness"))
    assert (len(told["pages"]), told["found"], told["on_time"]) == (2, 2, 2)
    first = next(one for one in told["pages"] if one["address"].endswith("returns.md"))
    assert (first["title_place"], first["text_place"], first["found"]) == (1, 1, True)
    assert first["text"].startswith("Goods can be returned within 30 days")
    never = await ok(
        await shop.get(f"/knowledge-bases/{base['id']}/freshness", params={"within_minutes": 1e-9})
    )
    assert (never["found"], never["on_time"]) == (2, 0)


async def test_a_stranger_sees_nothing(shop: httpx.AsyncClient, enter: Enter) -> None:
    await ask(shop, NOTHING)
    base = await make_base(shop, "mine")
    made = await ok(await shop.post("/assistants", json={"name": "A", "knowledge_base_ids": []}))
    stranger = await enter()
    for name in ("volume", "latency", "tokens", "questions", "gaps", "reading", "costs"):
        address = f"/insights/{name}"
        empty = await ok(await stranger.get(address))
        assert not any(one.get("opened", 1) for one in empty.get("items", []))
        assert empty.get("total", {}).get("questions", 0) == 0
        refused = await stranger.get(address, params={"assistant": made["id"]})
        assert refused.status_code == 404, address
    used = await stranger.get("/insights/documents", params={"knowledge_base": base})
    assert used.status_code == 404
    assert (await ok(await stranger.get("/insights/sources")))["items"] == []
    assert (await stranger.get(f"/knowledge-bases/{base}/freshness")).status_code == 404


@pytest.mark.parametrize(
    "days",
    [
        {"first": "2026-02-01", "last": "2026-01-01"},
        {"first": "2024-01-01", "last": "2026-01-01"},
    ],
)
async def test_a_period_that_cannot_be_is_refused(
    shop: httpx.AsyncClient, days: dict[str, str]
) -> None:
    assert (await shop.get("/insights/volume", params=days)).status_code == 422
