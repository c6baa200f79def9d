"""Knowledge bases, sources, documents, runs and search, with a worker that really reads."""

from __future__ import annotations

import hashlib

import pytest

from backend.api.multipart import clean_name
from backend.api.state import AppState
from knowledge.store.files import place_of
from knowledge.store.tables import Role
from tests.backend.api.conftest import Enter
from tests.backend.api.filling import RETURNS, ended, filled_base, make_base, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKS = True


async def test_uploaded_files_are_found_and_read(enter: Enter) -> None:
    client = await enter()
    base = await filled_base(client)
    found = (await client.post("/search", json={"query": "returned goods"})).json()
    first = found["hits"][0]
    assert first["address"] == "upload:///returns.md"
    assert sum(arm["part"] for arm in first["arms"].values()) == first["fused"]
    document = (await client.get(f"/documents/{first['document_id']}")).json()
    start, end = first["span"]
    assert document["text"][start:end] == first["text"]
    chunks = (await client.get(f"/documents/{first['document_id']}/chunks")).json()["items"]
    assert first["chunk_id"] in [chunk["id"] for chunk in chunks]
    chunk = (await client.get(f"/chunks/{first['chunk_id']}")).json()
    assert chunk["document"]["title"] == document["title"]
    shown = (await client.get(f"/knowledge-bases/{base}")).json()
    assert shown["documents"] == {"indexed": 2}


async def test_the_same_files_again_change_nothing(enter: Enter) -> None:
    client = await enter()
    base = await filled_base(client)
    before = (await client.get("/documents")).json()["items"]
    again = await upload(client, base, returns__md=RETURNS)
    run = await ended(client, again["run"]["id"])
    assert run["chunks_encoded"] == 0
    assert run["changes"] == {}
    after = (await client.get("/documents")).json()["items"]
    assert [(one["id"], one["version"]) for one in after] == [
        (one["id"], one["version"]) for one in before
    ]


async def test_one_bad_file_never_stops_the_rest(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    made = await upload(
        client, base, good__md=RETURNS, empty__txt=b"", big__md=b"x" * 20_001, odd__bin=b"\0\1\2"
    )
    assert [one["name"] for one in made["refused"]] == ["big.md"]
    assert "20,000" in made["refused"][0]["detail"]
    run = await ended(client, made["run"]["id"])
    assert run["state"] == "succeeded"
    assert run["items"]["indexed"] == 1
    assert run["changes"] == {"added": 1, "failed": 2}
    where = f"/runs/{run['id']}/changes"
    first = (await client.get(where, params={"limit": 2})).json()
    rest = (await client.get(where, params={"cursor": first["next_cursor"]})).json()
    kinds = [item["change"] for item in first["items"] + rest["items"]]
    assert sorted(kinds) == ["added", "failed", "failed"]
    (added,) = (await client.get(where, params={"change": "added"})).json()["items"]
    assert added["address"] == "upload:///good.md"
    failed = (await client.get(f"/runs/{run['id']}/items", params={"state": "failed"})).json()
    told = {item["address"]: item["error"] for item in failed["items"]}
    assert set(told) == {"upload:///empty.txt", "upload:///odd.bin"}
    assert all(error["code"] and error["detail"] for error in told.values())
    status = (await client.get("/status")).json()
    assert {one["address"] for one in status["failed"]} == set(told)


async def test_a_file_lies_in_the_folder_by_its_hash(enter: Enter, state: AppState) -> None:
    client = await enter()
    content = b"0123456789" * 1500
    made = await upload(client, await make_base(client), data__txt=content)
    digest = hashlib.sha256(content).hexdigest()
    assert made["files"][0]["sha256"] == digest
    assert place_of(state.options.files_folder, digest).read_bytes() == content
    left = [file.name for file in state.options.files_folder.iterdir() if file.is_file()]
    assert left == []


async def test_names_of_files_cannot_leave_the_knowledge_base(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    parts = [("files", ("../../etc/passwd b.md", RETURNS))]
    made = await client.post(f"/knowledge-bases/{base}/uploads", files=parts)
    assert made.json()["files"][0]["name"] == "etc/passwd b.md"
    documents = (await client.get("/documents")).json()["items"]
    assert documents[0]["address"] == "upload:///etc/passwd%20b.md"
    assert clean_name("C:\\new\\bell\x07\u202e.md") == "C:/new/bell.md"


@pytest.mark.parametrize(
    ("content_type", "body", "detail"),
    [
        ("application/json", b"{}", "multipart"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "no file"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nhalf',
            "ended before",
        ),
        ("multipart/form-data; boundary=x", b"garbage", "multipart"),
    ],
)
async def test_a_malformed_upload_is_refused(
    enter: Enter, state: AppState, content_type: str, body: bytes, detail: str
) -> None:
    client = await enter()
    base = await make_base(client)
    answer = await client.post(
        f"/knowledge-bases/{base}/uploads", content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    if state.options.files_folder.exists():
        assert not [one for one in state.options.files_folder.iterdir() if one.is_file()]


async def test_a_text_is_read_like_a_file(enter: Enter) -> None:
    client = await enter()
    base = await make_base(client)
    body = {"kind": "text", "title": "Opening hours", "text": "We open at nine on Saturdays."}
    made = (await client.post(f"/knowledge-bases/{base}/sources", json=body)).json()
    assert (await ended(client, made["run"]["id"]))["items"] == {"indexed": 1}
    found = (await client.post("/search", json={"query": "Saturdays"})).json()
    assert "nine" in found["hits"][0]["text"]


async def test_removing_a_source_removes_what_it_brought(enter: Enter, state: AppState) -> None:
    client = await enter()
    base = await filled_base(client)
    source = (await client.get("/sources", params={"knowledge_base": base})).json()["items"][0]
    assert source["last_run"]["state"] == "succeeded"
    before = await state.index.count()
    gone = (await client.delete(f"/sources/{source['id']}")).json()
    assert gone["documents"] == 2
    assert before - await state.index.count() == gone["chunks"]
    found = (await client.post("/search", json={"query": "returned goods"})).json()
    assert found["hits"] == []


async def test_removing_a_document_takes_back_its_terms(enter: Enter) -> None:
    client = await enter()
    base = await filled_base(client)
    documents = (await client.get("/documents")).json()["items"]
    for document in documents:
        assert (await client.delete(f"/documents/{document['id']}")).status_code == 200
    shown = (await client.get(f"/knowledge-bases/{base}")).json()
    assert (shown["documents"], shown["chunks"]) == ({}, 0)
    other = await make_base(client, "other")
    assert (await client.delete(f"/knowledge-bases/{other}")).json() == {
        "documents": 0,
        "chunks": 0,
    }


async def test_idempotency_keys(enter: Enter) -> None:
    client = await enter()
    key = {"Idempotency-Key": "one"}
    first = await client.post("/knowledge-bases", json={"name": "a"}, headers=key)
    again = await client.post("/knowledge-bases", json={"name": "a"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post("/knowledge-bases", json={"name": "b"}, headers=key)
    assert other.status_code == 422
    assert (await client.post("/knowledge-bases", json={"name": "a"})).status_code == 409
    token = await client.post("/tokens", json={"name": "t"}, headers={"Idempotency-Key": "two"})
    replayed = await client.post("/tokens", json={"name": "t"}, headers={"Idempotency-Key": "two"})
    assert replayed.json() == token.json() | {"token": ""}
    base = first.json()["id"]
    parts = [("files", ("a.md", RETURNS))]
    path = f"/knowledge-bases/{base}/uploads"
    made = [
        (await client.post(path, files=parts, headers={"Idempotency-Key": "three"})).json()
        for _ in range(2)
    ]
    assert made[0] == made[1]
    runs = [
        (await client.post("/reindex", headers={"Idempotency-Key": "four"})).json()["runs"]
        for _ in range(2)
    ]
    assert [run["id"] for run in runs[0]] == [run["id"] for run in runs[1]]


async def test_lists_come_in_pages(enter: Enter) -> None:
    client = await enter()
    names = [f"base {number}" for number in range(7)]
    for name in names:
        await make_base(client, name)
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"limit": 3, "cursor": cursor}
        page = (await client.get("/knowledge-bases", params=query)).json()
        seen += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == 3
        cursor = page["next_cursor"]
    assert seen == names
    bad = await client.get("/knowledge-bases", params={"cursor": "zzz"})
    assert bad.status_code == 422


async def test_runs_are_steered(enter: Enter) -> None:
    client = await enter()
    made = await upload(client, await make_base(client), a__md=RETURNS)
    run = await ended(client, made["run"]["id"])
    for act in ("cancel", "pause", "resume"):
        answer = await client.post(f"/runs/{run['id']}/{act}")
        assert answer.status_code == 409, act
    again = await client.post(f"/runs/{run['id']}/retry")
    assert again.status_code == 201
    assert again.json()["kind"] == "retry"
    await ended(client, again.json()["id"])


async def test_a_run_is_watched_to_its_end(enter: Enter) -> None:
    client = await enter()
    made = await upload(client, await make_base(client), a__md=RETURNS)
    answer = await client.get(f"/runs/{made['run']['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.rstrip().rpartition("event: ")[2].startswith("end")


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 422), ("   ", 422), ("x" * 100_000, None), ("Как вернуть товар?", 200), ("\0", None)],
)
async def test_odd_queries_are_answered_or_refused(
    enter: Enter, query: str, status: int | None
) -> None:
    client = await enter(Role.VIEWER)
    answer = await client.post("/search", json={"query": query})
    assert answer.status_code in ((status,) if status else (200, 422))
    if answer.status_code == 422:
        assert answer.json()["detail"]


async def test_reindexing_keeps_what_is_found(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    before = (await client.post("/search", json={"query": "refunds"})).json()["hits"]
    queued = (await client.post("/reindex")).json()["runs"]
    for run in queued:
        assert (await ended(client, run["id"]))["state"] == "succeeded"
    after = (await client.post("/search", json={"query": "refunds"})).json()["hits"]
    assert after == before


async def test_explanations_sum_to_the_score(enter: Enter) -> None:
    client = await enter()
    await filled_base(client)
    told = (await client.post("/explain", json={"query": "refunds", "origins": True})).json()
    first = told["hits"][0]
    assert first["terms"] is not None
    assert first["ledger"]["place"] == 1


async def test_a_miss_is_explained_and_a_rule_tried_saved_and_undone(enter: Enter) -> None:
    client, other = await enter(), await enter()
    base = await filled_base(client)
    query = {"query": "ship", "limit": 1}
    shown = (await client.post("/search", json=query)).json()["hits"][0]
    documents = (await client.get("/documents")).json()["items"]
    missed = next(one for one in documents if one["id"] != shown["document_id"])
    why = await client.post("/explain/why-not", json=query | {"document_id": missed["id"]})
    assert why.json()["stage"]
    assert why.json()["detail"]
    assert (
        await other.post("/explain/why-not", json=query | {"document_id": missed["id"]})
    ).status_code == 404
    pin = {"kind": "pin", "query": "ship", "document_id": missed["id"]}
    tried = await client.post("/explain/what-if", json=query | {"add": [pin]})
    assert tried.status_code == 200, tried.text
    assert (await client.post("/search", json=query)).json()["hits"][0] == shown
    path = f"/knowledge-bases/{base}/rules"
    assert (await other.get(path)).status_code == 404
    saved = await client.post(path, json={"rules": [pin], "reason": "The page on returns."})
    assert saved.status_code == 201, saved.text
    first = (await client.post("/search", json=query)).json()["hits"][0]
    assert first["document_id"] == missed["id"]
    (rule,) = (await client.get(path)).json()["items"]
    assert (await client.post(f"{path}/{rule['id']}/undo")).status_code == 200
    assert (await client.post("/search", json=query)).json()["hits"][0] == shown
