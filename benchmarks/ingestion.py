"""How fast pages and files are read and indexed, without and with the bundled encoder.

``python -m benchmarks.ingestion [--site FOLDER] [--documents FOLDER] [--scrapy PYTHON]`` makes a
site of 300 pages, serves it on loopback from a process of its own and measures: fetching and
parsing alone; the whole job with an encoder that costs nothing; the same again with nothing
changed; the job with the bundled encoder beside the encoder on its own (of ``--site`` where that is
given); and searches while such a job runs. With ``--documents`` every file of a folder is parsed
and timed, with a PDF of 193 pages that is made of theirs. With ``--scrapy`` Scrapy crawls the same
site, three times in turn with Candor; it is no dependency, and gets an environment of its own::

    python3 -m venv /tmp/scrapy && /tmp/scrapy/bin/pip install scrapy
    python -m benchmarks.ingestion --scrapy /tmp/scrapy/bin/python

Writes ``benchmarks/results/ingestion.json`` and ``ingestion.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.ingestion_encoding import encoder_share
from benchmarks.ingestion_search import search_meanwhile
from benchmarks.ingestion_service import opened
from benchmarks.ingestion_site import files_of, serve_apart, write_site
from benchmarks.large_documents import large_documents
from benchmarks.light_encoder import LightEncoder
from benchmarks.machine import describe
from ingestion.fetch import Fetcher
from ingestion.parse.pool import ParserPool
from ingestion.parse.reading import FileToRead
from ingestion.sources.website import FoundPage, Website
from knowledge.crawl_rules import CrawlRules
from knowledge.encode.bundled import BundledEncoder
from knowledge.types import ParsedDocument

RESULTS = Path(__file__).parent / "results"
_PAGES = 300
_SMALL_PAGES = 40
_TURNS = 3
_AT_ONCE = 8


async def crawl(start: str) -> tuple[list[ParsedDocument], float]:
    """Fetch and parse a whole site, eight pages at once, and keep nothing else.

    The documents, and the seconds it took without the start of the parsers.
    """
    documents: list[ParsedDocument] = []
    queue: asyncio.Queue[FoundPage] = asyncio.Queue()
    async with Fetcher(None, ["127.0.0.1"]) as fetcher, ParserPool() as parser:
        await asyncio.gather(*(parser.read(FileToRead(b"warm")) for _ in range(_AT_ONCE)))
        began = time.perf_counter()
        website = await Website.open(CrawlRules(start, sitemap=False), fetcher)
        seen = {start}
        queue.put_nowait(FoundPage(start))

        async def work() -> None:
            while True:
                page = await queue.get()
                fetched = await website.visit(page.address)
                file = FileToRead(fetched.data, "", fetched.content_type, fetched.address)
                reading = await parser.read(file)
                assert reading.page is not None
                for found in website.links(reading.page, page.depth):
                    if found.address not in seen:
                        seen.add(found.address)
                        queue.put_nowait(found)
                documents.append(reading.document_or_raise())
                queue.task_done()

        workers = [asyncio.create_task(work()) for _ in range(_AT_ONCE)]
        await queue.join()
        seconds = time.perf_counter() - began
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return documents, seconds


async def whole_job(folder: Path, start: str) -> dict[str, float]:
    """Pages a second of a first and of a second run, with an encoder that costs nothing.

    ``*_processor``: pages for each second of processor time of this process, without its parsers:
    the rate on a processor that nothing else is using.
    """
    rates = {}
    async with opened(folder, LightEncoder()) as bench:
        source = await bench.website("site", start)
        for name in ("first", "again"):
            began, busy = time.perf_counter(), time.process_time()
            _, progress = await bench.wait(await bench.queue(source))
            rates[name] = progress.done / (time.perf_counter() - began)
            rates[f"{name}_processor"] = progress.done / (time.process_time() - busy)
    return rates


async def parse_folder(folder: Path) -> list[dict[str, Any]]:
    """Each file of a folder: seconds, and characters or the reason why there are none."""
    rows: list[dict[str, Any]] = []
    async with ParserPool() as parser:
        await parser.read(FileToRead(b"warm"))
        for name, data in await asyncio.to_thread(files_of, folder):
            began = time.perf_counter()
            reading = await parser.read(FileToRead(data, name))
            row: dict[str, Any] = {"file": name, "s": round(time.perf_counter() - began, 3)}
            if reading.document is not None:
                row |= {
                    "characters": len(reading.document.text),
                    "language": reading.document.language,
                }
            elif reading.failure is not None:
                row["reason"] = reading.failure.code
            rows.append(row)
    return rows


def scrapy_rate(python: Path, start: str) -> float:
    """Pages a second of Scrapy, without the start of its process."""
    script = Path(__file__).with_name("scrapy_crawl.py")
    told = subprocess.run([python, script, start], stdout=subprocess.PIPE, check=True).stdout
    result = json.loads(told.splitlines()[-1])
    assert result["pages"] >= _PAGES, result
    return float(result["pages"] / result["seconds"])


def crawl_rate(start: str) -> float:
    """Pages a second of fetching and parsing."""
    documents, seconds = asyncio.run(crawl(start))
    return len(documents) / seconds


def measure(site: Path | None, documents: Path | None, scrapy: Path | None) -> dict[str, Any]:
    """Every figure of this benchmark."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        write_site(scratch / "site", _PAGES)
        write_site(scratch / "small", _SMALL_PAGES, seed=2)
        with (
            serve_apart(scratch / "site") as start,
            serve_apart(scratch / "small") as small,
            serve_apart(site or scratch / "site") as encoded_site,
        ):
            crawled, peer = [], []
            for _ in range(_TURNS):
                crawled.append(crawl_rate(start))
                peer += [scrapy_rate(scrapy, start)] if scrapy else []
            jobs = [
                asyncio.run(whole_job(scratch / f"light{turn}", start)) for turn in range(_TURNS)
            ]
            encoder = BundledEncoder()
            encoded = asyncio.run(encoder_share(scratch / "real", small, encoded_site, encoder))
            searched = asyncio.run(search_meanwhile(scratch / "searched", small, start, encoder))
        files = asyncio.run(parse_folder(documents)) if documents else []
        large = asyncio.run(large_documents(documents)) if documents else []
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "load_average_before": round(before, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "pages": _PAGES,
        "fetch_and_parse_pages_per_s": round(max(crawled), 1),
        "scrapy_pages_per_s": round(max(peer), 1) if peer else None,
        "job_pages_per_s": round(max(job["first"] for job in jobs), 1),
        "unchanged_pages_per_s": round(max(job["again"] for job in jobs), 1),
        "unchanged_pages_per_processor_s": round(max(j["again_processor"] for j in jobs), 1),
        "turns": {"fetch_and_parse": crawled, "scrapy": peer, "job": jobs},
        "search": searched,
        "encoded_site": site.name if site else f"{_PAGES} pages, made here",
        "encoded": encoded,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "large_documents": large,
        "files": files,
    }


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    encoded = result["encoded"]
    rows = [
        ("fetch and parse, pages/s", result["fetch_and_parse_pages_per_s"]),
        ("Scrapy on the same site, pages/s", result["scrapy_pages_per_s"] or "not measured"),
        ("whole job without encoding, pages/s", result["job_pages_per_s"]),
        ("the same again, nothing changed, pages/s", result["unchanged_pages_per_s"]),
        ("and for each second of processor time", result["unchanged_pages_per_processor_s"]),
        (
            f"whole job with the bundled encoder ({result['encoded_site']}), passages/s",
            encoded["passages_per_s"],
        ),
        ("the encoder alone on the same passages, passages/s", encoded["alone_passages_per_s"]),
        ("share of the encoder's speed", encoded["share"]),
        ("the encoder's part of all processor time of the job", encoded["processor_share"]),
        ("search, nothing else going on, p50 / p95 ms", _both(result["search"], "quiet")),
        ("search while the job runs, p50 / p95 ms", _both(result["search"], "busy")),
        ("peak memory of the process, MB", result["peak_memory_mb"]),
    ]
    lines = [
        "# Ingestion",
        "",
        f"{result['pages']} pages on loopback; {result['machine']}; {result['measured']}. Load "
        f"average {result['load_average_before']} before and {result['load_average']} after: what "
        "is above 2 at the end, or above 0.5 before, is the work of others on the machine. Speeds "
        f"are the best of {_TURNS} turns.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
    ]
    if result["large_documents"]:
        lines += ["", "| large document | seconds | characters | reader's memory, MB |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| {row['file']} | {row['s']} | {row['characters']} | {row['reader_mb']} |"
            for row in result["large_documents"]
        ]
    if result["files"]:
        lines += ["", "| file | seconds | characters | language |", "|---|---|---|---|"]
        lines += [
            f"| {row['file']} | {row['s']} | {row.get('characters', row.get('reason'))} "
            f"| {row.get('language', '')} |"
            for row in result["files"]
        ]
    return "\n".join(lines) + "\n"


def _both(search: dict[str, float], name: str) -> str:
    return f"{search[f'{name}_p50_ms']} / {search[f'{name}_p95_ms']}"


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="what is ingested with the bundled encoder")
    parser.add_argument("--documents", type=Path)
    parser.add_argument("--scrapy", type=Path, help="an interpreter that has Scrapy installed")
    given = parser.parse_args()
    result = measure(given.site, given.documents, given.scrapy)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ingestion.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "ingestion.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
