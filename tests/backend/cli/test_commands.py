"""The commands as a user runs them: alone, beside a server, and with bad input."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backend.cli.conftest import Candor

RETURNS = "# Returns\n\nGoods can be returned within 30 days of delivery.\n"
QUESTION = "Within how many days can goods be returned?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "handbook"
    (made / "deep").mkdir(parents=True)
    (made / "returns.md").write_text(RETURNS)
    (made / "deep" / "shipping.txt").write_text("Parcels to Norway travel by ship.")
    (made / ".hidden").write_text("no")
    return made


def test_add_search_ask_without_a_server(candor: Candor, folder: Path) -> None:
    added = candor("add", folder, "--kb", "shop", "--json")
    assert added.code == 0, added.notes
    assert added.document["waited"] is True
    assert added.document["runs"][0]["items"] == {"indexed": 2}
    again = candor("add", folder, "--kb", "shop", "--json").document
    assert again["runs"][0]["chunks_encoded"] == 0
    found = candor("search", QUESTION, "--kb", "shop", "--limit", "1", "--json").document
    assert set(found) >= {"query", "took_ms", "hits"}
    (hit,) = found["hits"]
    assert hit["address"] == "upload:///handbook/returns.md"
    assert set(hit["arms"]) <= {"sparse", "dense"}
    assert set(hit["arms"]["sparse"]) == {"rank", "score", "part"}
    one = candor("search", QUESTION, "--arms", "dense", "--json").document
    assert all(set(hit["arms"]) == {"dense"} for hit in one["hits"])
    answer = candor("ask", QUESTION, "--json").document
    assert set(answer) >= {"answer", "abstained", "citations", "took_ms"}
    (citation,) = answer["citations"]
    start, end = citation["span"]
    assert hit["text"][start:end] == answer["answer"][slice(*citation["sentence"])]
    status = candor("status", "--json").document
    assert status["knowledge_bases"][0]["documents"] == {"indexed": 2}
    assert status["ended"][-1]["changes"] == {"added": 2}
    assert "Uploaded files: succeeded, 2 added" in candor("status").out
    words = candor("ask", QUESTION)
    assert "30 days" in words.out
    assert "[1] " in words.out


def test_commands_talk_to_the_server_that_runs(candor: Candor, folder: Path) -> None:
    with candor.serving() as server:
        file = candor.data / "server.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        added = candor("add", folder / "returns.md", "--wait", "--json").document
        assert "/sign-in?token=" in server.log.read_text()
        assert added["runs"][0]["state"] == "succeeded"
        assert candor("search", QUESTION, "--json").document["hits"]
        assert json.loads(candor("doctor", "--json").out)["ok"] is True
        link = candor("user", "link", "--json").document["link"]
        assert link.startswith(f"{server.announced.url}/sign-in?token=")
        token = candor("token", "create", "--role", "viewer", "--json").document["token"]
        with server.client as client:
            me = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
            assert me.json()["role"] == "viewer"
    assert not file.exists()
    assert candor("search", QUESTION, "--json").document["hits"]


def test_a_killed_server_leaves_nothing_in_the_way(candor: Candor, folder: Path) -> None:
    with candor.serving() as server:
        candor("add", folder / "returns.md", "--wait")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        assert (candor.data / "server.json").exists()
        assert candor("search", QUESTION, "--json").document["hits"]


def test_backup_and_restore(candor: Candor, folder: Path, tmp_path: Path) -> None:
    candor("add", folder)
    file = tmp_path / "backup.tar"
    assert candor("backup", file, "--json").document["bytes"] == file.stat().st_size
    assert candor("backup", file).code == 2
    other = Candor(tmp_path / "other")
    restored = other("restore", file, "--json").document
    assert restored["missing"] == 0
    before = candor("search", QUESTION, "--json").document["hits"]
    assert other("search", QUESTION, "--json").document["hits"] == before
    assert other("restore", file).code == 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(file.read_bytes()[:3000])
    third = Candor(tmp_path / "third")
    refused = third("restore", damaged)
    assert refused.code == 2
    assert [one.name for one in third.data.iterdir()] == ["candor.lock"]
    assert "Traceback" not in refused.notes


def test_another_encoder_is_refused_until_reindexed(candor: Candor, folder: Path) -> None:
    candor.settings["CANDOR_ENCODER_QUERY_MODE"] = "encoded"
    candor("add", folder)
    other = {"CANDOR_ENCODER_QUERY_MODE": "inference-free"}
    refused = candor("search", QUESTION, "--json", **other)
    assert refused.code == 5
    assert refused.document["error"]["code"] == "encoder-mismatch"
    assert "candor reindex" in refused.notes
    assert candor("search", QUESTION).code == 0
    rebuilt = candor("reindex", "--json", **other)
    assert rebuilt.code == 0, rebuilt.notes
    assert candor("search", QUESTION, "--json", **other).document["hits"]
    assert candor("search", QUESTION).code == 5
    assert len(list((candor.data / "index").iterdir())) == 1


def test_the_first_start_makes_the_sample(candor: Candor) -> None:
    with candor.serving(CANDOR_SAMPLE="true") as server, server.client as client:
        page = client.get("/").text
        assert 'assistant="pk_' in page
        (assistant,) = client.get("/api/v1/assistants").json()["items"]
        assert assistant["sample"] is True
        runs = client.get("/api/v1/runs").json()["items"]
        assert len(runs) == 1
    with candor.serving(CANDOR_SAMPLE="true") as server, server.client as client:
        assert len(client.get("/api/v1/assistants").json()["items"]) == 1


def test_what_cannot_be_added_is_named_and_the_rest_goes_on(candor: Candor, folder: Path) -> None:
    (folder / "empty.md").write_text("")
    done = candor("add", folder, "nowhere.pdf", "http://127.0.0.1:9/", "--json")
    assert done.code == 3
    told = done.document
    assert [one["name"] for one in told["refused"]] == ["nowhere.pdf"]
    runs = {run["state"]: run for run in told["runs"]}
    upload = next(run for run in told["runs"] if run["items"].get("indexed"))
    assert upload["items"]["indexed"] == 2
    assert upload["failed"][0]["address"] == "upload:///handbook/empty.md"
    assert len(told["runs"]) == 2, runs
    assert "Traceback" not in done.notes

    # One that failed is tried again by its name, and nothing else with it.
    again = candor("retry", "handbook/empty.md", "--json")
    assert (again.code, again.document["document"]["error"]["code"]) == (3, "empty-document")
    assert again.document["run"]["items"] == {"failed": 1}
    unknown = candor("retry", "handbook/none.md")
    assert (unknown.code, "There is no document 'handbook/none.md'" in unknown.notes) == (1, True)


def test_the_same_commands_on_postgres(
    candor: Candor, folder: Path, postgres: Callable[[], str]
) -> None:
    candor.settings["CANDOR_DATABASE_URL"] = postgres()
    assert candor("add", folder).code == 0
    assert "30 days" in candor("ask", QUESTION).out
    refused = candor("backup", candor.data / "backup.tar")
    assert refused.code == 2
    assert "pg_dump" in refused.notes
    assert not (candor.data / "candor.sqlite").exists()


def test_a_port_in_use(candor: Candor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = candor("serve", CANDOR_PORT=str(port))
    assert done.code == 2
    assert f"Port {port} on 127.0.0.1 is in use" in done.notes
    assert "Traceback" not in done.notes


def test_a_data_folder_that_is_no_folder(candor: Candor) -> None:
    candor.data.write_text("a file")
    done = candor("status", "--json")
    assert done.code == 4
    assert done.document["error"]["code"] == "folder-not-writable"
    assert "Traceback" not in done.notes


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_is_read_only(candor: Candor) -> None:
    candor.data.mkdir(mode=0o500)
    done = candor("status", "--json")
    assert done.code == 4
    assert done.document["error"]["code"] == "folder-not-writable"


def test_a_data_folder_of_a_newer_version(candor: Candor) -> None:
    candor("status")
    with sqlite3.connect(candor.data / "candor.sqlite") as database:
        database.execute("update alembic_version set version_num = '29990101_later'")
    database.close()
    done = candor("status", "--json")
    assert done.code == 4
    assert done.document["error"]["code"] == "folder-too-new"


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("status",), {"CANDOR_PORT": "abc"}, "CANDOR_PORT"),
        (("status",), {"CANDOR_DATABASE_URL": "mysql://x/y"}, "CANDOR_DATABASE_URL"),
        (("worker",), {}, "CANDOR_QDRANT_URL"),
        (("search", ""), {}, "query"),
        (("search", "x", "--arms", "bm25"), {}, "arms"),
        (("eval", "/nowhere"), {}, "/nowhere"),
        (("restore", "/nowhere.tar"), {}, "/nowhere.tar"),
        (("serve", "--port", "80"), {}, "--port"),
        (("ask",), {}, "question"),
        (("answer", "x"), {}, "answer"),
    ],
)
def test_wrong_use_is_said_in_words(
    candor: Candor, arguments: tuple[str, ...], settings: dict[str, str], words: str
) -> None:
    done = candor(*arguments, **settings)
    assert done.code == 2, done.notes
    assert words in done.notes
    assert "Traceback" not in done.notes


def test_an_unknown_knowledge_base_is_named(candor: Candor) -> None:
    done = candor("ask", "x", "--kb", "nothing", "--json")
    assert done.code == 1
    assert "nothing" in done.document["error"]["detail"]


def test_eval_prints_its_figures(candor: Candor, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": str(n), "title": "", "text": text} for n, text in enumerate((RETURNS, "Ship"))]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "returned goods"}))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t0\t1\n")
    done = candor("eval", folder, "--json", "--arms", "bm25,hybrid")
    assert done.code == 0, done.notes
    (figures,) = done.document["sets"]
    assert figures["arms"]["hybrid"]["ndcg@10"] == 1.0
    assert set(figures) == {
        "name", "passages", "queries", "arms", "encode_passages_per_s", "query_ms",
    }  # fmt: skip
    assert not candor.data.exists()
