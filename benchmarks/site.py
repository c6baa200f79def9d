"""A whole website and a folder of documents through the command line, as a user would do it.

``python -m benchmarks.site SITE QUESTIONS [--documents DOCUMENTS]`` serves the folder ``SITE`` on
loopback, adds the site and every file of ``DOCUMENTS`` to a fresh data folder, asks every question
of ``QUESTIONS`` and writes ``benchmarks/results/site-NAME.json`` and ``.md``, ``NAME`` being that
of the file of questions: what was indexed, what was not and why, each question with the page cited
first, and the misses.

A question is a JSON line: ``question``, ``pages`` (any of these may be cited first, written down
before the first run), ``also`` (pages that the first runs cited and that were then read and found
to answer the question). Both counts are reported.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.machine import describe

RESULTS = Path(__file__).parent / "results"


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the progress of ``candor add`` is what is watched."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of the loopback address; yields its address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Candor:
    """The command line on one data folder."""

    def __init__(self, data: Path) -> None:
        self._environment = os.environ | {
            "CANDOR_DATA": str(data),
            "CANDOR_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "CANDOR_SAMPLE": "false",
        }

    def __call__(self, *arguments: str) -> Any:
        """Run a command with ``--json`` and return what it printed."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "candor"), *arguments, "--json"],
            env=self._environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        if not done.stdout.strip():
            raise SystemExit(f"candor {' '.join(arguments)} printed nothing ({done.returncode})")
        return json.loads(done.stdout)


def ask_all(candor: Candor, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask every question; an outcome names the page cited first and whether it is a right one."""
    outcomes = []
    for entry in questions:
        answer = candor("ask", entry["question"], "--kb", "site")
        cited = [urlsplit(citation["address"]).path.lstrip("/") for citation in answer["citations"]]
        outcomes.append(
            {
                "question": entry["question"],
                "pages": entry["pages"],
                "cited_first": cited[0] if cited else "",
                "right": bool(cited) and cited[0] in entry["pages"],
                "answers": bool(cited) and cited[0] in entry["pages"] + entry.get("also", []),
                "abstained": answer["abstained"],
                "answer": answer["answer"],
                "took_ms": answer["took_ms"],
            }
        )
    return outcomes


def report(result: dict[str, Any]) -> str:
    """The result as a page of Markdown."""
    outcomes = result["questions"]
    right = sum(outcome["right"] for outcome in outcomes)
    answering = sum(outcome["answers"] for outcome in outcomes)
    lines = [
        f"# {result['name']}: a website, end to end",
        "",
        f"Measured {result['measured_at']} on {result['machine']}.",
        "",
        f"Site: {result['site']['seconds']:.0f} s."
        + (f" Documents: {result['documents']['seconds']:.0f} s." if "documents" in result else ""),
        "",
        "```json",
        json.dumps(result["status"], indent=1),
        "```",
        "",
        f"## Questions: {answering} of {len(outcomes)} cite a page first that answers",
        "",
        f"{right} of these pages were expected before the first run; {answering - right} were read",
        "afterwards and found to answer the question too.",
        "",
        "| question | cited first | right |",
        "|---|---|---|",
    ]
    lines += [
        f"| {o['question']} | {o['cited_first'] or 'abstained'} | {_verdict(o)} |" for o in outcomes
    ]
    return "\n".join(lines) + "\n"


def _verdict(outcome: dict[str, Any]) -> str:
    if outcome["right"]:
        return "yes"
    return "answers too" if outcome["answers"] else "NO"


def main() -> None:
    """Run the benchmark on the folders named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("site", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--documents", type=Path)
    arguments = parser.parse_args()
    questions = [
        json.loads(line) for line in arguments.questions.read_text("utf-8").splitlines() if line
    ]
    with tempfile.TemporaryDirectory() as data, serve(arguments.site) as address:
        candor = Candor(Path(data))
        result = {
            "name": arguments.questions.stem,
            "measured_at": datetime.now(UTC).date().isoformat(),
            "machine": describe(),
            "site": _added(candor, address, "site"),
        }
        if arguments.documents:
            result["documents"] = _added(candor, str(arguments.documents), "documents")
        result["status"] = candor("status")
        result["questions"] = ask_all(candor, questions)
    RESULTS.mkdir(exist_ok=True)
    written = RESULTS / f"site-{result['name']}"
    written.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    written.with_suffix(".md").write_text(report(result), encoding="utf-8")
    print(report(result))


def _added(candor: Candor, what: str, knowledge_base: str) -> dict[str, Any]:
    started = time.perf_counter()
    added = candor("add", what, "--kb", knowledge_base, "--wait")
    return {"seconds": time.perf_counter() - started, "added": added}


if __name__ == "__main__":
    main()
