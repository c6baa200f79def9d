"""The widget and the application where people come in: contact details, live replies, identity."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import Trouble, violations
from tests.widget.installation import Installation
from tests.widget.scripted_server import ScriptedServer
from tests.widget.visiting import LISTEN, ask, seen

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFERS = {
    "leads": {"when": ["abstained"], "fields": ["name", "email"], "consent": "We write once."},
    "handoff": {"enabled": True, "email": "help@garden.example"},
}


async def _open(
    page: Page, candor: Installation, scripted: ScriptedServer, host: str = "plain"
) -> None:
    await page.add_init_script(f"({LISTEN})()")
    query = urlencode({"candor": candor.origin, "assistant": candor.key})
    await page.goto(f"{scripted.website}/host/{host}?{query}")
    await page.locator(".launcher").click()


async def _leads(candor: Installation) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await candor.api.get("/leads")).json()["items"]
    return items


async def _handoff(candor: Installation, state: str) -> dict[str, Any]:
    """The newest hand-off, once it is in a state."""
    async with asyncio.timeout(20):
        while True:
            items = (await candor.api.get("/handoffs")).json()["items"]
            if items and items[0]["state"] == state:
                found: dict[str, Any] = items[0]
                return found
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("host", ["plain", "strict", "hostile"])
async def test_contact_details_where_there_is_no_answer(
    page: Page, candor: Installation, scripted: ScriptedServer, host: str
) -> None:
    await candor.behave(OFFERS)
    before = len(await _leads(candor))
    await _open(page, candor, scripted, host)
    await ask(page, "Who wrote the Odyssey?")
    form = page.locator(".lead")
    await expect(form).to_contain_text("We write once.")
    if host != "hostile":  # there axe itself breaks
        assert await violations(page, "candor-chat") == []
    await form.get_by_label("Name").fill("Ann")
    await form.get_by_role("button", name="Send").click()  # the browser asks for the address
    await expect(form).to_be_visible()
    await form.get_by_label("E-mail").fill("ann@example.com")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_have_count(0)
    lead = (await _leads(candor))[0]
    assert len(await _leads(candor)) == before + 1
    assert (lead["name"], lead["email"], lead["consent"]) == (
        "Ann", "ann@example.com", "We write once.",
    )  # fmt: skip
    assert lead["trigger"] == "abstained"
    assert lead["conversation_id"] is not None
    assert lead["page"] == f"{scripted.website}/host/{host}"
    assert "lead" in [name for name, _ in await seen(page)]
    await ask(page, "Who wrote the Iliad?")
    await expect(page.locator(".turn")).to_have_count(2)
    await expect(form).to_have_count(0)  # once in a conversation


async def test_contact_details_before_the_first_question(
    page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    rules = {"when": ["before_chat", "messages"], "after": 1, "fields": ["phone"]}
    await candor.behave({"leads": rules})
    await _open(page, candor, scripted)
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.locator(".lead").get_by_label("Phone")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(0)
    await page.get_by_role("button", name="Not now").click()
    await expect(page.locator(".answer .prose")).to_contain_text("Dogs are welcome on a lead.")
    await expect(page.locator(".lead")).to_have_count(0)


async def test_contact_details_after_some_answers(
    page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    await candor.behave({"leads": {"when": ["messages"], "after": 2, "fields": ["email"]}})
    await _open(page, candor, scripted)
    form, finished = page.locator(".lead"), page.get_by_role("log").locator(".turn")
    await ask(page, "Are dogs welcome in the garden?")
    await expect(finished).to_have_count(1)
    await expect(form).to_have_count(0)
    await ask(page, "When does the garden open?")
    await expect(form.get_by_label("E-mail")).to_be_visible()
    await form.get_by_label("E-mail").fill("bo@example.com")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_have_count(0)
    lead = (await _leads(candor))[0]
    assert (lead["email"], lead["trigger"]) == ("bo@example.com", "messages")
    await ask(page, "Are dogs welcome in the glass house?")
    await expect(finished).to_have_count(3)
    await expect(form).to_have_count(0)


async def test_a_person_answers_in_the_widget(
    page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    await candor.behave(OFFERS)
    await candor.api.put("/handoffs/presence", json={"present": True})
    await _open(page, candor, scripted)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_text("A person will answer here")).to_be_visible()
    waiting = await _handoff(candor, "waiting")
    await ask(page, "Is the tea room open?")
    await expect(page.get_by_role("log")).to_contain_text("Is the tea room open?")
    reply = {"text": "It opens at ten.", "name": "Bo"}
    await candor.api.post(f"/handoffs/{waiting['id']}/messages", json=reply)
    await expect(page.get_by_role("log")).to_contain_text("It opens at ten.")
    await expect(page.locator(".person-note")).to_contain_text("Bo")
    assert await violations(page, "candor-chat") == []

    await page.reload()  # still with Bo, and nothing twice
    await expect(page.locator(".person-note")).to_be_visible()
    await candor.api.post(f"/handoffs/{waiting['id']}/messages", json={"text": "Come by."})
    await expect(page.locator(".turn.person")).to_have_count(3)
    shown = (await candor.api.get(f"/handoffs/{waiting['id']}")).json()
    assert [one["sender"] for one in shown["messages"]] == ["visitor", "staff", "staff"]

    await page.get_by_role("button", name="Back to the assistant").click()
    await expect(page.get_by_text("The talk to a person has ended.")).to_be_visible()
    await _handoff(candor, "closed")
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.locator(".answer .prose")).to_contain_text("Dogs are welcome on a lead.")
    await candor.api.put("/handoffs/presence", json={"present": False})


async def test_nobody_is_there(page: Page, candor: Installation, scripted: ScriptedServer) -> None:
    await candor.behave(OFFERS)
    await candor.api.put("/handoffs/presence", json={"present": False})
    await _open(page, candor, scripted)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_text("Nobody is here right now.")).to_be_visible()
    link = page.get_by_role("link", name="help@garden.example")
    assert await link.get_attribute("href") == "mailto:help@garden.example"
    await expect(page.locator(".lead")).to_be_visible()
    conversation = (await _handoff(candor, "waiting"))["conversation_id"]
    await page.get_by_role("button", name="New conversation").click()
    async with page.expect_response(f"**/conversations/{conversation}") as deleting:
        await page.get_by_role("button", name="Delete").click()
    assert (await deleting.value).status == 204
    gone = await candor.api.get(f"/conversations/{conversation}")
    assert gone.status_code == 404


async def test_a_visitor_with_a_signed_token(
    browser: Browser, page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    await candor.behave({"anonymous": False})
    await _open(page, candor, scripted)
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.get_by_role("log")).to_contain_text("Sign in on this website to ask.")

    secret = (await candor.api.post(f"/assistants/{candor.assistant_id}/identity-secret")).json()
    claims = {"sub": "ann", "exp": int(time.time()) + 300}
    tokens = [jwt.encode({**claims, "jti": uuid4().hex}, secret["secret"]) for _ in range(2)]
    identify = "(token) => document.querySelector('candor-chat').identify(token)"
    await page.evaluate(identify, tokens[0])
    await expect(page.locator(".turn")).to_have_count(0)
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.locator(".answer .prose")).to_contain_text("Dogs are welcome on a lead.")
    await page.reload()
    await expect(page.locator(".turn")).to_have_count(1)  # what was said before she was known
    await page.evaluate(identify, tokens[0])  # the page comes from a cache: the session still holds
    await expect(page.get_by_role("log")).to_contain_text("Dogs are welcome")
    await ask(page, "When does the garden open?")
    await expect(page.locator(".turn")).to_have_count(2)
    await expect(page.locator(".answer .prose").last).to_contain_text("nine")

    other = await browser.new_context()
    thief = await other.new_page()
    await _open(thief, candor, scripted)
    await thief.evaluate(identify, tokens[0])
    told = [detail["status"] for name, detail in await seen(thief) if name == "error"]
    assert told == [401]
    await ask(thief, "When does the garden open?")
    await expect(thief.get_by_role("log")).to_contain_text("Sign in on this website to ask.")
    await other.close()


async def test_what_is_rare_may_fail_to_load(
    page: Page, candor: Installation, scripted: ScriptedServer, trouble: Trouble
) -> None:
    await candor.behave(OFFERS)
    await page.route("**/rare.js", lambda route: route.abort())
    await _open(page, candor, scripted)
    await page.get_by_role("button", name="Talk to a person").click()
    await page.wait_for_function("window.seen.some(([name]) => name === 'error')")
    await ask(page, "Are dogs welcome in the garden?")
    await expect(page.locator(".answer .prose")).to_contain_text("Dogs are welcome on a lead.")
    trouble.clear()


async def test_a_person_is_offered_by_the_rules(
    page: Page, candor: Installation, scripted: ScriptedServer
) -> None:
    rules = {
        "enabled": True,
        "after_unanswered": 2,
        "words": ["speak to somebody", "won't"],
        "message": "We are back on Monday.",
    }
    await candor.behave({"handoff": rules})
    await candor.api.put("/handoffs/presence", json={"present": False})
    await _open(page, candor, scripted)
    offer = page.get_by_text("Would you like to talk to a person?")
    await ask(page, "Who wrote the Odyssey?")
    await expect(page.get_by_role("log").locator(".turn")).to_have_count(1)
    await expect(offer).to_have_count(0)  # once is not twice in a row
    await ask(page, "Who wrote the Iliad?")
    await expect(offer).to_be_visible()
    assert await violations(page, "candor-chat") == []
    await page.get_by_role("button", name="Not now").click()
    await expect(offer).to_have_count(0)
    await ask(page, "Are dogs welcome in the garden?")
    # In the log is what is finished: while an answer comes, Enter would stop it.
    await expect(page.get_by_role("log").locator(".turn")).to_have_count(3)
    await expect(offer).to_have_count(0)
    await ask(page, "May I speak to somebody about dogs?")
    await page.locator(".card").get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_text("We are back on Monday.")).to_be_visible()
    await _handoff(candor, "waiting")
