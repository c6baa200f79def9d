"""The pages about search and visitors in light and dark, wide and narrow: accessible, within the
screen, without errors. The pictures go to ``artifacts/console``.
"""

from __future__ import annotations

import itertools
import json
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Page, expect

from knowledge.store.queries.model_costs import ModelTokens, add_model_use
from knowledge.store.queries.visits import Use, add_use
from knowledge.store.query_sets import add_queries, create_query_set
from knowledge.store.tables import Role, utc_now
from tests.backend.console.conftest import PICTURES, Sign
from tests.backend.console.filling import Served, Stocked
from tests.backend.console.test_pages import JUDGED
from tests.browser import WCAG, violations

pytestmark = pytest.mark.asyncio(loop_scope="package")

COMPILING_MS = 120_000
"""Metrics may be compiled when a process measures for the first time."""


async def paths(served: Served, shop: Stocked) -> dict[str, str]:
    """Every page with something on it, by name."""
    client = shop.client
    async with served.state.database.writing() as session:
        made = await create_query_set(session, UUID(shop.base), "Help desk")
        queries = [("parcel goods", {"upload:///returns.md": 2}), ("gone", {"https://a.b/": 1})]
        await add_queries(session, made.id, queries)
    runs = []
    for name in ("before", "after"):
        answer = await client.post(
            f"/query-sets/{made.id}/runs", json={"name": name}, timeout=COMPILING_MS / 1000
        )
        runs.append(answer.json()["id"])
    hit = (await client.post("/search", json={"query": "parcel goods"})).json()["hits"][-1]
    rule = {"kind": "pin", "document_id": hit["document_id"], "query": "receipt"}
    body = {"rules": [rule], "reason": "It is what people mean by it."}
    await client.post(f"/knowledge-bases/{shop.base}/rules", json=body)
    behaviour = {
        "handoff": {"enabled": True, "email": "help@shop.example"},
        "leads": {"when": ["abstained"]},
    }
    body = {"name": "Ask the shop", "knowledge_base_ids": [shop.base], "behaviour": behaviour}
    assistant = (await client.post("/assistants", json=body)).json()
    talk, handoff = await _visit(served, assistant["public_key"])
    lead = (await client.get("/leads")).json()["items"][0]["id"]
    await client.patch(f"/leads/{lead}", json={"state": "contacted", "rating": "good"})
    hook = f"/assistants/{assistant['id']}/lead-webhook"
    await client.put(hook, json={"address": "http://127.0.0.1:9/hook"})
    await client.post(f"{hook}/test")
    await _spend(served, UUID(assistant["id"]))
    price = {"currency": "EUR", "input_price": 0.4, "output_price": 1.6}
    await client.put("/insights/prices/gpt-4.1-mini", json=price)
    pin = {"kind": "pin", "document_id": hit["document_id"], "query": "goods"}
    change = json.dumps(pin, separators=(",", ":"))
    return {
        "what-if": f"/explain?q=parcel+goods&try={change}&set={made.id}",
        "rules": "/rules?history=true",
        "evaluation": "/evaluation",
        "query-set": f"/evaluation/{made.id}",
        "comparison": f"/evaluation/{made.id}/compare?before={runs[0]}&after={runs[1]}",
        "freshness": "/freshness",
        "insights": "/insights",
        "questions": "/insights/questions",
        "gaps": "/insights/gaps",
        "sources-used": "/insights/sources",
        "handoffs": "/handoffs",
        "handoff": f"/handoffs/{handoff}",
        "leads": "/leads",
        "lead": f"/leads/{lead}",
        "chain": f"/conversations/{talk}",
        "assistant-answers": f"/assistants/{assistant['id']}/answers",
        "assistant-people": f"/assistants/{assistant['id']}/people",
    }


async def _spend(served: Served, assistant_id: UUID) -> None:
    """Tokens of two language models, one of them without a price."""
    today = utc_now().date()
    async with served.state.database.writing() as session:
        await add_use(session, assistant_id, today, Use(0, 4_100_000))
        for model, tokens in (("gpt-4.1-mini", 3_200_000), ("llama-3.3-70b", 700_000)):
            spent = ModelTokens(900, tokens, tokens // 16)
            await add_model_use(session, assistant_id, today, model, spent)


async def _visit(served: Served, key: str) -> tuple[str, str]:
    """What a visitor leaves behind: the ids of a conversation and of a hand-off."""
    base = f"{served.origin}/api/v1/assistants/{key}"
    async with httpx.AsyncClient(base_url=base, headers={"Origin": served.origin}) as visitor:
        session = (await visitor.get(base)).json()["session"]["token"]
        visitor.headers["Authorization"] = f"Bearer {session}"
        who = {"visitor": "a-secret-of-24-letters!"}
        question = {"question": "How long may I return goods?", "stream": False}
        told = (await visitor.post("/chat", json=who | question)).json()
        talk = told["conversation_id"]
        acts = [{"message_id": told["message_id"], "kind": act} for act in ("citation", "visit")]
        acts.append({"message_id": told["message_id"], "kind": "dwell", "milliseconds": 4200})
        await visitor.post("/events", json=who | {"events": acts})
        await visitor.post("/chat", json=who | question | {"question": "Who was Mona Lisa?"})
        words = {"text": "I would like to speak to somebody.", "conversation_id": talk}
        handoff = (await visitor.post("/handoffs", json=who | words)).json()["id"]
        lead = {"name": "Ada Lovelace", "email": "ada@example.com", "note": "Call me, please."}
        await visitor.post("/leads", json=who | lead | {"conversation_id": talk})
    return talk, handoff


async def _opened(page: Page, name: str) -> None:
    """Open what a page has folded in, and wait for what comes later."""
    if name == "what-if":
        await expect(page.locator(".whatif .tiles")).to_be_visible(timeout=COMPILING_MS)
    if name == "query-set":
        await page.locator(".judging summary").first.click()
        await expect(page.locator(".grades li").first).to_be_visible()
    if name == "freshness":
        await expect(page.get_by_role("table", name="Pages that changed last")).to_be_visible()
    if name == "gaps":
        await expect(page.locator(".gaps li").first).to_be_visible()
        await expect(page.get_by_text("Being looked into")).to_have_count(0)
    if name == "questions":
        await expect(page.get_by_role("table", name="Top questions")).to_be_visible()
    if name == "insights":
        await expect(page.get_by_role("img", name="Sources opened: 2 from")).to_be_visible()
        await expect(page.locator(".tiles > div", has_text="Read for")).to_contain_text("4.2 s")
        await page.get_by_text("The numbers").first.click()
    if name == "chain":
        await page.get_by_text("What each sentence rests on").first.click()
        await expect(page.locator(".rests li").first).to_be_visible()
    if name == "handoff":
        await page.get_by_text("What was said to the assistant before").click()
    if name == "assistant-answers":
        await expect(page.get_by_role("button", name="See the effect").last).to_be_visible()
        await page.get_by_label("Answers are").click()
        await page.get_by_role("option", name="a language model of its own").click()
    if name == "assistant-people":
        await page.get_by_role("checkbox", name="Monday").click()


async def test_every_page_of_the_desk(served: Served, shop: Stocked, sign_in: Sign) -> None:
    person = await sign_in(Role.OWNER, shop.workspace_id)
    page = person.page
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, path in (await paths(served, shop)).items():
        assert await person.open(path) == 200, path
        await _opened(page, name)
        for width, look in itertools.product((1280, 390), ("light", "dark")):
            await page.set_viewport_size({"width": width, "height": 860})
            await page.emulate_media(color_scheme=look)  # type: ignore[arg-type]
            wide = await page.evaluate("document.documentElement.scrollWidth")
            judged = (width, look) in JUDGED
            found[name, width, look] = await violations(page, tags=WCAG) if judged else []
            if wide > width:
                found[name, width, look].append(f"{wide} pixels wide")
            await page.screenshot(path=PICTURES / f"{name}-{width}-{look}.png", full_page=True)
        await page.set_viewport_size({"width": 1280, "height": 860})
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("path", "opens"),
    [
        ("/explain?q=parcel", "Add a change"),
        ("/evaluation", "New query set"),
    ],
)
async def test_a_dialog_of_the_desk_is_used_by_keyboard(
    shop: Stocked, sign_in: Sign, path: str, opens: str
) -> None:
    person = await sign_in(Role.OWNER, shop.workspace_id, width=390)
    page = person.page
    await person.open(path)
    if "explain" in path:
        await page.locator(".whatif summary").click()
    await page.get_by_role("button", name=opens).focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await dialog.locator(".sheet").wait_for()
    await page.wait_for_timeout(350)  # the dialog's fade would blur contrast
    assert await violations(page, ".sheet", WCAG) == []
    assert await dialog.evaluate("box => box.contains(document.activeElement)")
    await page.screenshot(path=PICTURES / f"dialog-{opens.lower().replace(' ', '-')}-390.png")
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
