"""Crawls over the API, with a worker: the limits they come to, and one page tried again."""

from __future__ import annotations

import pytest

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import ended, make_base
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True


async def test_a_limit_that_was_reached_is_told_with_the_run(enter: Enter) -> None:
    async with Site() as site:
        site.html("/", page("Home", "/a", "/b"))
        site.html("/a", page("A"))
        client = await enter()
        base = await make_base(client)
        body = {"kind": "website", "start": site.url(), "max_pages": 2}
        made = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
        run = await ended(client, made["run"]["id"])
    assert (run["found"], run["done"], run["left_out"]) == (2, 2, 1)
    assert run["fetched_bytes"] > 1_000
    (note,) = run["notes"]
    assert note["detail"] == "The limit of 2 pages was reached; 1 address was left out."
    assert (note["code"], note["limit"], note["left_out"]) == ("page-limit", 2, 1)
    params = {"state": "left-out"}
    (out,) = (await client.get(f"/runs/{run['id']}/items", params=params)).json()["items"]
    assert (out["address"], out["error"]["code"]) == (site.url("/b"), "page-limit")
    status = (await client.get("/status")).json()
    assert status["ended"][0]["notes"] == run["notes"]
    body = {"query": "b", "address": site.url("/b")}
    missed = (await client.post("/explain/why-not", json=body)).json()
    assert (missed["stage"], missed["detail"]) == (
        "excluded",
        "The limit of 2 pages was reached before it.",
    )


async def test_one_document_is_tried_again(enter: Enter) -> None:
    async with Site() as site:
        site.html("/", page("Home", "/a"))
        site.reply("/a", b"", status=500)
        client = await enter(Role.EDITOR)
        base = await make_base(client)
        body = {"kind": "website", "start": site.url()}
        made = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
        await ended(client, made["run"]["id"])
        at = {"address": site.url("/a")}
        (failed,) = (await client.get("/documents", params=at)).json()["items"]
        assert failed["state"] == "failed"
        site.html("/a", page("A"))
        place = f"/documents/{failed['id']}/retry"
        again = (await client.post(place)).json()
        assert (again["kind"], again["document_id"]) == ("retry", failed["id"])
        run = await ended(client, again["id"])
        assert (run["items"], run["changes"]) == ({"indexed": 1}, {"added": 1})
        (read,) = (await client.get("/documents", params=at)).json()["items"]
        assert (read["state"], read["error"]) == ("indexed", None)
        stranger = await enter(Role.EDITOR)
        assert (await stranger.post(place)).status_code == 404
        viewer = await enter(Role.VIEWER, beside=client)
        assert (await viewer.post(place)).status_code == 403
        await client.patch(f"/sources/{made['source']['id']}", json={"paused": True})
        assert (await client.post(place)).status_code == 409
