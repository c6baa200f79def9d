"""Sources that are read again by themselves, and feeds, over the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knowledge.crawl_limits import DEFAULT_PAGES
from knowledge.errors import InvalidInput
from knowledge.schedule import next_time
from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import make_base
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", ["website", "feed"])
async def test_a_source_gets_and_loses_a_schedule(enter: Enter, kind: str) -> None:
    client = await enter()
    base = await make_base(client)
    body = {"kind": kind, "start": "https://www.example.com/start", "schedule": "0 3 * * *"}
    made = await client.post(f"/knowledge-bases/{base}/sources", json=body)
    assert made.status_code == 201
    source = made.json()["source"]
    assert (source["kind"], source["schedule"]) == (kind, "0 3 * * *")
    assert source["config"]["start"] == body["start"]
    again = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    assert again["source"]["id"] == source["id"]
    changed = await client.patch(f"/sources/{source['id']}", json={"schedule": ""})
    assert changed.json()["schedule"] == ""
    kept = await client.patch(f"/sources/{source['id']}", json={"name": "News"})
    assert (kept.json()["name"], kept.json()["schedule"]) == ("News", "")


async def test_rules_are_changed_one_by_one(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    body = {"kind": "website", "start": "https://www.example.com/", "exclude": ["/blog/*"]}
    source = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()["source"]
    place = f"/sources/{source['id']}"
    changed = await client.patch(place, json={"rules": {"max_depth": 3}})
    assert changed.json()["config"] == source["config"] | {"max_depth": 3}
    given = {"kind": "website", "start": body["start"], "include": ["/docs/*"]}
    again = await client.post(f"/knowledge-bases/{base}/sources", json=given)
    expected = changed.json()["config"] | {"include": ["/docs/*"]}
    assert again.json()["source"]["config"] == expected
    feed = {"kind": "feed", "start": "https://www.example.com/news.xml"}
    other = (await client.post(f"/knowledge-bases/{base}/sources", json=feed)).json()["source"]
    refused = await client.patch(f"/sources/{other['id']}", json={"rules": {"render": True}})
    assert refused.status_code == 422
    assert "render" in refused.json()["detail"]
    assert "max_pages" in refused.json()["action"]


async def test_limits_and_further_starts_are_rules(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    body = {"kind": "website", "start": "https://www.example.com/"}
    given = {"more_starts": ["https://docs.example.com/"], "max_bytes": 5_000_000}
    made = await client.post(f"/knowledge-bases/{base}/sources", json=body | given)
    source = made.json()["source"]
    assert {name: source["config"][name] for name in given} == given
    assert source["config"]["max_pages"] == DEFAULT_PAGES
    rules = {"sitemaps": ["https://cdn.example.com/map.xml"], "max_bytes": 6_000_000}
    changed = await client.patch(f"/sources/{source['id']}", json={"rules": rules})
    assert changed.json()["config"] == source["config"] | rules
    # What may be given at first and what it may be changed to have the same bounds.
    for wrong in ({"max_bytes": 10}, {"max_pages": 0}, {"max_depth": -1}, {"sitemaps": ["x"]}):
        refused = await client.post(f"/knowledge-bases/{base}/sources", json=body | wrong)
        assert refused.status_code == 422
        refused = await client.patch(f"/sources/{source['id']}", json={"rules": wrong})
        assert refused.status_code == 422


async def test_a_schedule_that_is_none_is_refused_and_nothing_is_made(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    body = {"kind": "website", "start": "https://www.example.com/", "schedule": "every night"}
    refused = await client.post(f"/knowledge-bases/{base}/sources", json=body)
    assert refused.status_code == 422
    assert "cron" in refused.json()["action"]
    listed = await client.get("/sources", params={"knowledge_base": base})
    assert listed.json()["items"] == []


async def test_the_next_time_is_in_utc() -> None:
    after = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    assert next_time("0 3 * * *", after) == datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
    with pytest.raises(InvalidInput):
        next_time("0 3 * * * *", after)


async def test_a_website_is_previewed(enter: Enter) -> None:
    async with Site() as site:
        site.html("/", page("Home", "/a", "/blog/b"))
        body = {"start": site.url("/"), "exclude": ["/blog/*"], "max_pages": 1}
        editor = await enter(Role.EDITOR)
        seen = (await editor.post("/sources/preview", json=body)).json()
        assert (seen["included"], seen["excluded"], seen["over_limit"]) == (2, 1, True)
        assert seen["counts"] == {"start": 1, "folder": 1, "exclude": 1}
        (out,) = [one for one in seen["addresses"] if not one["included"]]
        assert (out["rule"], out["pattern"], out["found_in"]) == ("exclude", "/blog/*", "start")
        viewer = await enter(Role.VIEWER, beside=editor)
        assert (await viewer.post("/sources/preview", json=body)).status_code == 403
    refused = await editor.post("/sources/preview", json={"start": "http://169.254.169.254/"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:candor:address-refused")
