"""Documents that are pushed, replaced and deleted by an external id, and signed webhooks."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.api.state import AppState
from backend.api.webhook_signature import sign
from knowledge.index.conditions import belonging_to
from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import ended, make_base

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True
PAGE = "https://www.example.com/returns"
TEXT = "# From the file\n\nGoods can be returned within 30 days of delivery.\n"


async def push(client: httpx.AsyncClient, base: str, name: str, **body: object) -> Any:
    """Push a text, wait until it is read, and return the answer with the document as it is then."""
    answer = await client.put(f"/knowledge-bases/{base}/documents/{name}", json=body)
    assert answer.status_code in (200, 201), answer.text
    told = answer.json()
    if told["run"]:
        await ended(client, told["run"]["id"])
    read = await client.get(f"/knowledge-bases/{base}/documents/{name}")
    return told | {"document": read.json(), "status": answer.status_code}


async def hits(client: httpx.AsyncClient, query: str) -> list[Any]:
    found = await client.post("/search", json={"query": query})
    return list(found.json()["hits"])


async def test_a_document_is_pushed_replaced_and_deleted(enter: Enter, state: AppState) -> None:
    client = await enter()
    base = await make_base(client)
    told = {"title": "Returns", "address": PAGE, "language": "de", "text": TEXT}
    made = await push(client, base, "shop/returns", **told)
    document = made["document"]
    assert (made["status"], made["changed"], document["state"]) == (201, True, "indexed")
    assert (document["external_id"], document["title"]) == ("shop/returns", "Returns")
    assert (document["address"], document["language"]) == (PAGE, "de")
    (hit,) = await hits(client, "returned goods")
    assert (hit["address"], hit["title"]) == (PAGE, "Returns")

    same = await push(client, base, "shop/returns", **told)
    assert (same["status"], same["changed"], same["run"]) == (200, False, None)

    # The title is part of what passages are encoded with: it alone makes the document new.
    renamed = await push(client, base, "shop/returns", **told | {"title": "Sending back"})
    assert (renamed["document"]["title"], renamed["document"]["version"]) == ("Sending back", 2)
    other = await push(client, base, "shop/returns", html="<h2>Norway</h2><p>By ship.</p>")
    assert other["document"]["media_type"] == "text/html"
    assert other["document"]["address"] == "push:///shop/returns"
    assert other["document"]["id"] == document["id"]
    assert not [hit for hit in await hits(client, "returned goods") if "30 days" in hit["text"]]

    address = f"/knowledge-bases/{base}/documents/shop/returns"
    assert (await client.delete(address)).json() == {"documents": 1, "chunks": 1}
    assert (await client.delete(address)).json() == {"documents": 0, "chunks": 0}
    assert (await client.get(address)).status_code == 404
    assert await hits(client, "Norway ship") == []
    assert await state.index.count(belonging_to("document", document["id"])) == 0


async def test_a_file_is_pushed_with_what_is_told_of_it_in_the_query(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    answer = await client.put(
        f"/knowledge-bases/{base}/documents/prices",
        params={"title": "Prices", "name": "prices.csv", "modified_at": "2026-01-02T03:04:05Z"},
        content=b"item,price\nchair,40\n",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    await ended(client, answer.json()["run"]["id"])
    (document,) = (await client.get("/documents")).json()["items"]
    assert (document["title"], document["media_type"]) == ("Prices", "text/csv")
    assert document["modified_at"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("name", "body", "part"),
    [
        ("a", {}, "either `text` or `html`"),
        ("a", {"text": "x", "html": "y"}, "either `text` or `html`"),
        ("a", {"text": "x", "address": "javascript:alert(1)"}, "address"),
        ("a", {"text": "x", "colour": "red"}, "colour"),
        ("a%00b", {"text": "x"}, "control characters"),
        ("a", [], "body"),
    ],
)
async def test_a_push_that_is_off_is_refused(
    enter: Enter, name: str, body: object, part: str
) -> None:
    client = await enter()
    base = await make_base(client)
    answer = await client.put(f"/knowledge-bases/{base}/documents/{name}", json=body)
    assert answer.status_code == 422
    assert part in answer.json()["detail"]


async def test_limits_and_clashes_are_named(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    where = f"/knowledge-bases/{base}/documents"
    large = await client.put(
        f"{where}/x", content=b"y" * 20_001, headers={"Content-Type": "text/plain"}
    )
    assert (large.status_code, "20,000" in large.json()["detail"]) == (413, True)
    await push(client, base, "x", text="one text", address=PAGE)
    clash = await client.put(f"{where}/y", json={"text": "two", "address": PAGE})
    assert (clash.status_code, "'x'" in clash.json()["detail"]) == (409, True)
    texts = (await client.get("/sources")).json()["items"]
    assert [one["kind"] for one in texts] == ["push"]


async def make_webhook(client: httpx.AsyncClient, base: str) -> Any:
    answer = await client.post(f"/knowledge-bases/{base}/webhooks", json={"name": "CMS"})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def send(
    visitor: httpx.AsyncClient, url: str, secret: str, event: object, **over: object
) -> httpx.Response:
    body = json.dumps(event).encode()
    told = {"id": f"msg_{uuid4().hex}", "at": int(time.time()), "signed": body} | over
    signature = sign(secret, str(told["id"]), int(str(told["at"])), bytes(told["signed"]))  # type: ignore[arg-type, call-overload]
    return await visitor.post(
        url,
        content=body,
        headers={
            "webhook-id": str(told["id"]),
            "webhook-timestamp": str(told["at"]),
            "webhook-signature": f"v1,AAAA {signature}",
        },
    )


def put_event(text: str) -> dict[str, object]:
    return {"type": "document.put", "data": {"external_id": "p1", "text": text}}


async def test_signed_messages_put_and_delete(enter: Enter, visitor: httpx.AsyncClient) -> None:
    client = await enter()
    base = await make_base(client)
    made = await make_webhook(client, base)
    url, secret = made["url"], made["secret"]
    first = await send(visitor, url, secret, put_event("Alpha beta"), id="m1")
    assert first.status_code == 200, first.text
    await ended(client, first.json()["run_id"])
    second = await send(visitor, url, secret, put_event("Gamma delta"), id="m2")
    await ended(client, second.json()["run_id"])
    # Whoever has recorded the first message cannot bring its content back.
    replayed = await send(visitor, url, secret, put_event("Alpha beta"), id="m1")
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == first.json()
    where = f"/knowledge-bases/{base}/documents/p1"
    document = (await client.get(where, params={"source": made["source"]["id"]})).json()
    text = (await client.get(f"/documents/{document['id']}")).json()["text"]
    assert text == "Gamma delta"
    gone = await send(
        visitor, url, secret, {"type": "document.delete", "data": {"external_id": "p1"}}
    )
    assert gone.json()["removed"] == 1
    assert (await client.get("/documents")).json()["items"] == []
    listed = (await client.get("/sources")).text
    assert secret not in listed


async def test_messages_that_are_not_signed_well_are_refused(
    enter: Enter, visitor: httpx.AsyncClient
) -> None:
    client = await enter()
    made = await make_webhook(client, await make_base(client))
    url, secret = made["url"], made["secret"]
    event = put_event("Alpha")
    for answer in (
        await send(visitor, url, secret, event, at=int(time.time()) - 301),
        await send(visitor, url, secret, event, at=int(time.time()) + 302),
        await send(visitor, url, secret, event, signed=b"another body"),
        await send(visitor, url, "whsec_" + "A" * 43 + "=", event),
        await send(visitor, f"/api/v1/webhooks/{uuid4()}", secret, event),
        await visitor.post(url, json=event),
    ):
        assert answer.status_code == 401
    unknown = await send(visitor, url, secret, {"type": "page.viewed", "data": {}})
    assert unknown.status_code == 422
    source = made["source"]["id"]
    renewed = (await client.post(f"/sources/{source}/webhook-secret")).json()["secret"]
    assert (await send(visitor, url, secret, event)).status_code == 401
    assert (await send(visitor, url, renewed, event)).status_code == 200
    assert (await client.delete(f"/sources/{source}/webhook-secret")).status_code == 204
    assert (await send(visitor, url, renewed, event)).status_code == 401


async def test_strangers_and_viewers_push_nothing(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    made = await make_webhook(client, base)
    await push(client, base, "mine", text=TEXT)
    stranger, viewer = await enter(), await enter(Role.VIEWER, beside=client)
    where = f"/knowledge-bases/{base}/documents/mine"
    secret = f"/sources/{made['source']['id']}/webhook-secret"
    for method, path, body in (
        ("GET", where, None),
        ("PUT", where, {"text": "taken over"}),
        ("DELETE", where, None),
        ("POST", f"/knowledge-bases/{base}/webhooks", {"name": "x"}),
        ("POST", secret, None),
        ("DELETE", secret, None),
    ):
        refused = await stranger.request(method, path, json=body)
        assert refused.status_code == 404, (method, path)
        if method != "GET":
            assert (await viewer.request(method, path, json=body)).status_code == 403
    other = await make_base(stranger)
    borrowed = await stranger.put(
        f"/knowledge-bases/{other}/documents/x",
        params={"source": made["source"]["id"]},
        json={"text": "into another's source"},
    )
    assert borrowed.status_code == 404
