"""Hand-offs, leads and conversations: what visitors send, and what staff do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect
from sqlalchemy import insert

from knowledge.store.tables import Conversation, Message, Role, utc_now
from tests.backend.console.conftest import Sign
from tests.backend.console.filling import Served, Stocked, client_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


@dataclass
class Visitor:
    """Somebody on the website, through the public API alone."""

    client: httpx.AsyncClient
    conversation: str

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.client.post(path, json={"visitor": "a-secret-of-24-letters!", **body})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def visitor(served: Served, shop: Stocked) -> Any:
    """A visitor of the shop who has asked something."""
    behaviour = {
        "handoff": {"enabled": True, "email": "help@shop.example"},
        "leads": {"when": ["abstained"], "fields": ["name", "email"]},
    }
    body = {"name": "Ask the shop", "knowledge_base_ids": [shop.base], "behaviour": behaviour}
    made = (await shop.client.post("/assistants", json=body)).json()
    base = f"{served.origin}/api/v1/assistants/{made['public_key']}"
    headers = {"Origin": served.origin}
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        session = (await client.get(base)).json()["session"]["token"]
        client.headers["Authorization"] = f"Bearer {session}"
        one = Visitor(client, "")
        told = await one.post("/chat", question="How long may I return goods?", stream=False)
        one.conversation = told["conversation_id"]
        yield one


async def test_a_visitor_is_answered_by_a_person_live(
    shop: Stocked, sign_in: Sign, visitor: Visitor
) -> None:
    person = await sign_in(Role.EDITOR, shop.workspace_id)
    page = person.page
    await person.open("/handoffs")
    await expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    await page.get_by_role("switch", name="I am here for visitors").click()
    await expect(page.get_by_text("Visitors see that somebody is here.")).to_be_visible()
    words = "My <b>parcel</b> is lost."
    begun = await visitor.post("/handoffs", text=words, conversation_id=visitor.conversation)
    assert begun["present"]
    # The list changes by itself.
    await page.get_by_role("link", name="How long may I return goods?").click()
    log = page.get_by_role("log")
    await expect(log).to_contain_text(words)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("There is nothing to send yet.")).to_be_visible()
    await page.get_by_label("Your answer").fill("Which one is it?")
    await page.get_by_label("Signed as").fill("Ada")
    await page.get_by_label("Your answer").press("Control+Enter")
    await expect(log).to_contain_text("Which one is it?")
    await expect(page.get_by_label("Your answer")).to_have_value("")
    await expect(page.get_by_text("With a person")).to_be_visible()
    await page.get_by_label("Your answer").fill("half a sent")
    await visitor.post(f"/handoffs/{begun['id']}/messages", text="The one of Monday.")
    await expect(log).to_contain_text("The one of Monday.")
    await expect(page.get_by_label("Your answer")).to_have_value("half a sent")
    seen = (await shop.client.get(f"/handoffs/{begun['id']}")).json()["messages"]
    assert [(one["sender"], one["name"]) for one in seen] == [
        ("visitor", ""),
        ("staff", "Ada"),
        ("visitor", ""),
    ]

    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    await viewer.open(f"/handoffs/{begun['id']}")
    await expect(viewer.page.get_by_role("log")).to_contain_text("Which one is it?")
    await expect(viewer.page.get_by_text("An editor can answer here.")).to_be_visible()
    stranger = await sign_in()
    assert await stranger.open(f"/handoffs/{begun['id']}") == 404
    await stranger.open("/handoffs?state=")
    await expect(stranger.page.get_by_text("Nobody has asked for a person yet")).to_be_visible()

    await page.get_by_role("button", name="Close hand-off").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close it").click()
    await expect(page.get_by_text("Hand-off closed")).to_be_visible()
    await expect(viewer.page.get_by_text("Hand-off closed")).to_be_visible()
    await person.open(f"/conversations/{visitor.conversation}")
    await expect(page.locator(".talk").first).to_contain_text("The one of Monday.")
    await person.open("/conversations?went=handed")
    await expect(page.locator("tbody tr")).to_have_count(1)


async def test_a_lead_is_read_moved_on_exported_and_forgotten(
    served: Served, shop: Stocked, sign_in: Sign, visitor: Visitor
) -> None:
    person = await sign_in(Role.ADMIN, shop.workspace_id)
    page = person.page
    await person.open("/leads")
    await expect(page.get_by_text("No lead yet")).to_be_visible()
    lead = {"name": "=cmd()", "email": "ada@example.com", "note": "Prices, please."}
    lead |= {"consent": "You may write to me.", "conversation_id": visitor.conversation}
    await visitor.post("/leads", **lead, page="https://shop.example/prices")
    await person.open("/leads")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export").click()
    table = (await (await download.value).path()).read_text()
    assert "'=cmd()" in table  # a spreadsheet runs nothing of it
    await page.get_by_role("link", name="=cmd()").click()
    await expect(page.get_by_text("You may write to me.")).to_be_visible()
    await page.get_by_label("State").click()
    await page.get_by_role("option", name="Contacted").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    row = (await shop.client.get("/leads")).json()["items"][0]
    assert (row["state"], row["rating"]) == ("contacted", "")
    await page.get_by_label("Judgement").click()
    await page.get_by_role("option", name="Good lead").click()
    await person.open("/leads")
    await expect(page.get_by_role("row", name="=cmd()")).to_contain_text("Good lead")
    await person.open("/insights")
    figures = page.locator(".tiles > div")
    await expect(figures.filter(has_text="Good, of those judged")).to_contain_text("1 100%")
    await expect(page.get_by_role("table", name="Leads by")).to_contain_text("By their own wish")
    await person.open(f"/leads/{row['id']}")
    await page.get_by_role("link", name="How long may I return goods?").click()
    await expect(page.locator(".turn.assistant").first).to_contain_text("30 days")

    viewer = await sign_in(Role.VIEWER, shop.workspace_id)
    assert await viewer.open("/leads") == 403
    await viewer.open("/insights")
    await expect(viewer.page.get_by_role("table", name="Leads by")).to_have_count(0)
    assert await viewer.open(f"/leads/{row['id']}") == 403
    async with await client_of(served, shop.workspace_id, Role.VIEWER) as client:
        assert (await client.get("/leads")).status_code == 403
        assert (await client.get("/conversations/export")).status_code == 403
    stranger = await sign_in()
    assert await stranger.open(f"/leads/{row['id']}") == 404
    await person.open(f"/leads/{row['id']}")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No lead yet")).to_be_visible()


async def test_each_sentence_shows_what_it_rests_on(
    shop: Stocked, sign_in: Sign, visitor: Visitor
) -> None:
    person = await sign_in(Role.VIEWER, shop.workspace_id)
    page = person.page
    await person.open(f"/conversations/{visitor.conversation}")
    await page.get_by_text("What each sentence rests on").first.click()
    first = page.locator(".rests li").first
    await expect(first.locator("blockquote")).to_contain_text("within 30 days")
    await expect(first).to_contain_text("version 1")
    await expect(first).to_contain_text("words 1")
    await first.get_by_role("link", name="Explain this passage").click()
    await expect(page.locator(".hit[open]")).to_contain_text("within 30 days")


async def test_ten_thousand_conversations_are_paged_searched_and_exported(
    served: Served, shop: Stocked, sign_in: Sign
) -> None:
    workspace_id = await served.workspace()
    await many_conversations(served, workspace_id, 10_000)
    person = await sign_in(Role.EDITOR, workspace_id)
    page = person.page
    await person.open("/conversations")
    assert await page.locator("tbody tr").count() == 50
    await expect(page.get_by_role("link", name="Question 9999", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_role("link", name="Question 9949", exact=True)).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("answer 1234.")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_role("link", name="Question 1234")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export").click()
    lines = (await (await download.value).path()).read_text().splitlines()
    assert len(lines) == 2
    assert "Question 1234,Answer 1234." in lines[1]
    async with await client_of(served, shop.workspace_id, Role.EDITOR) as client:
        assert "Question 1234" not in (await client.get("/conversations/export")).text


async def many_conversations(served: Served, workspace_id: UUID, number: int) -> None:
    """Conversations of one question and one answer each, in this order."""
    now = utc_now() - timedelta(hours=1)
    talks, messages = [], []
    for at in range(number):
        id, when = uuid4(), now + timedelta(microseconds=at)
        title = f"Question {at}"
        talks.append(
            {
                "id": id,
                "created_at": when,
                "workspace_id": workspace_id,
                "title": title,
                "visitor": "",
                "updated_at": when,
            }
        )
        for ordinal, role, text in ((0, "user", title), (1, "assistant", f"Answer {at}.")):
            messages.append(
                {
                    "id": uuid4(),
                    "created_at": when,
                    "conversation_id": id,
                    "ordinal": ordinal,
                    "role": role,
                    "text": text,
                    "query": title,
                    "abstained": False,
                    "citations": [],
                    "explanation": {},
                    "model": "extractive",
                    "took_ms": 20.0,
                    "error_code": "",
                }
            )
    async with served.state.database.writing() as session:
        await session.execute(insert(Conversation), talks)
        await session.execute(insert(Message), messages)
