"""Rules of search over HTTP: saved, refused, undone, expired, and never another workspace's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import make_base

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYNONYM = {"kind": "synonym", "query": "bots", "text": "robots"}


async def test_a_rule_is_saved_once_undone_and_kept_in_the_history(enter: Enter) -> None:
    client = await enter()
    path = f"/knowledge-bases/{await make_base(client)}/rules"
    soon = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    body = {"rules": [SYNONYM], "reason": "Pages say robots.", "expires_at": soon}
    key = {"Idempotency-Key": "rule-1"}
    saved = await client.post(path, json=body, headers=key)
    assert saved.status_code == 201, saved.text
    assert (await client.post(path, json=body, headers=key)).json() == saved.json()
    (rule,) = (await client.get(path)).json()["items"]
    assert rule == saved.json()["items"][0]
    assert rule["reason"] == "Pages say robots."
    assert datetime.fromisoformat(rule["expires_at"]) == datetime.fromisoformat(soon)
    undone = (await client.post(f"{path}/{rule['id']}/undo")).json()
    assert undone["id"] == rule["id"]
    assert undone["ended_by"] == rule["author"]
    assert (await client.get(path)).json()["items"] == []
    back = (await client.post(f"{path}/{rule['id']}/undo")).json()
    assert (back["replaces"], back["ended_at"]) == (rule["id"], None)
    history = (await client.get(path, params={"history": True})).json()["items"]
    assert [one["id"] for one in history] == [back["id"], rule["id"]]
    ended = (await client.delete(f"{path}/{back['id']}")).json()
    assert ended["ended_at"] is not None


async def test_what_cannot_be_saved_is_refused_with_the_reason(enter: Enter) -> None:
    client = await enter()
    path = f"/knowledge-bases/{await make_base(client)}/rules"
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    expired = {"rules": [SYNONYM], "reason": "Late.", "expires_at": past}
    ghost = {"kind": "pin", "query": "bots", "document_id": str(uuid4())}
    first = {"kind": "settings", "settings": {"rrf_k": 10}}
    await client.post(path, json={"rules": [first], "reason": "Fewer."})
    other = {"kind": "settings", "settings": {"rrf_k": 60}}
    for body, status, words in (
        (expired, 422, "would have expired already"),
        ({"rules": [ghost], "reason": "Gone."}, 404, "There is no document"),
        ({"rules": [other], "reason": "More."}, 409, "both set rrf_k"),
        ({"rules": [SYNONYM], "reason": " "}, 422, "body.reason"),
        ({"rules": [SYNONYM] * 1000, "reason": "All."}, 422, "at most 50 items"),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    meant = {"rules": [other], "reason": "More.", "despite_contradiction": True}
    assert (await client.post(path, json=meant)).status_code == 201
    tried = {"query": "bots", "add": [SYNONYM] * 1000}
    answer = await client.post("/explain/what-if", json=tried)
    assert (answer.status_code, "at most 50 items" in answer.json()["detail"]) == (422, True)


async def test_strangers_and_viewers_change_nothing(enter: Enter) -> None:
    client, stranger = await enter(), await enter()
    path = f"/knowledge-bases/{await make_base(client)}/rules"
    body = {"rules": [SYNONYM], "reason": "Pages say robots."}
    (rule,) = (await client.post(path, json=body)).json()["items"]
    for answer in (
        await stranger.get(path),
        await stranger.post(path, json=body),
        await stranger.post(f"{path}/{rule['id']}/undo"),
        await stranger.delete(f"{path}/{rule['id']}"),
    ):
        assert answer.status_code == 404
    viewer = await enter(Role.VIEWER)
    assert (await viewer.post(path, json=body)).status_code in (403, 404)
    assert (await client.get(path)).json()["items"] == [rule]
