"""Limits of a crawl: what is read within them, and what is told of what lies beyond."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from sqlalchemy import select

from knowledge.crawl_limits import MOST_LEFT_OUT, RunNote
from knowledge.store.queries.runs import progress
from knowledge.store.tables import Run, RunItem, RunState, Source
from knowledge.store.whereabouts import Found, find_address
from tests.ingestion.service import Service
from tests.ingestion.site import Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


def listed(site: Site, number: int) -> bytes:
    """A sitemap of so many pages, ``/s0`` and on."""
    entries = "".join(f"<url><loc>{site.url(f'/s{n}')}</loc></url>" for n in range(number))
    return f"<urlset>{entries}</urlset>".encode()


async def notes(service: Service, run: Run) -> list[RunNote]:
    async with service.database.reading() as session:
        stored = await session.get_one(Run, run.id)
        return [RunNote.from_json(note) for note in stored.notes]


async def why_not(service: Service, address: str) -> Found:
    return await find_address(service.database, [service.knowledge_base_id], address)


async def configure(service: Service, source_id: object, **config: object) -> None:
    async with service.database.writing() as session:
        source = await session.get_one(Source, source_id)
        source.config = {**source.config, **config}


async def test_what_lies_beyond_the_limit_on_pages_is_counted_and_named(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home", *(f"/l{n}" for n in range(5))))
    for path in [f"/s{n}" for n in range(4)] + [f"/l{n}" for n in range(5)]:
        site.html(path, page(f"Page {path}"))
    site.reply("/sitemap.xml", listed(site, 4))
    source = await service.add_website(site.url(), max_pages=3)
    run = await service.run(source)
    assert await service.states(run.id) == {"indexed": 3, "left-out": 7}
    async with service.database.reading() as session:
        counted = (await progress(session, [run.id]))[run.id]
    assert (counted.found, counted.done, counted.left_out) == (3, 3, 7)
    (note,) = await notes(service, run)
    assert note.detail == "The limit of 3 pages was reached; 7 addresses were left out."
    assert "--max-pages" in note.action
    assert (note.code, note.limit, note.left_out) == ("page-limit", 3, 7)
    missed = await why_not(service, site.url("/l4"))
    assert missed.stage == "excluded"
    assert missed.detail == "The limit of 3 pages was reached before it."
    assert "--max-pages" in missed.action
    never = await why_not(service, site.url("/never-met"))
    assert never.stage == "never seen"
    assert "The limit of 3 pages was reached" in never.detail

    # With room again the next crawl comes to what was left out, and says nothing more.
    await configure(service, source, max_pages=100)
    again = await service.run(source)
    assert await service.states(again.id) == {"unchanged": 3, "indexed": 7}
    assert await notes(service, again) == []


async def test_a_sitemap_of_100_000_addresses_is_cut_off(site: Site, service: Service) -> None:
    site.html("/", page("Home"))
    for part in range(2):
        entries = "".join(
            f"<url><loc>{site.url(f'/p{part}-{n}')}</loc></url>" for n in range(50_000)
        )
        site.reply(f"/part{part}.xml.gz", gzip.compress(f"<urlset>{entries}</urlset>".encode(), 1))
    parts = "".join(
        f"<sitemap><loc>{site.url(f'/part{part}.xml.gz')}</loc></sitemap>" for part in range(2)
    )
    site.reply("/sitemap.xml", f"<sitemapindex>{parts}</sitemapindex>".encode())
    run = await service.run(await service.add_website(site.url(), max_pages=7))
    # No more is recorded or read than is worth counting.
    assert await service.states(run.id) == {
        "indexed": 1,
        "skipped": 6,
        "left-out": MOST_LEFT_OUT,
    }
    assert "/part1.xml.gz" not in site.asked
    (note,) = await notes(service, run)
    assert "more than 10,000 addresses were left out" in note.detail


async def test_the_limit_on_bytes_ends_a_crawl(site: Site, service: Service) -> None:
    links = [f"/p{n}" for n in range(40)]
    site.html("/", page("Home", *links))
    for link in links:
        site.html(link, page(f"Page {link}", words=" ".join(f"{link} {n}" for n in range(1_500))))
    source = await service.add_website(site.url(), max_bytes=200_000)
    run = await service.run(source)
    states = await service.states(run.id)
    assert run.state == "succeeded"
    assert states["indexed"] + states["left-out"] == 41
    # Pages in flight when it is reached are read: eight at once, of some 20,000 bytes each.
    assert 8 < states["indexed"] < 22
    assert 200_000 <= run.fetched_bytes < 500_000
    (note,) = await notes(service, run)
    left = f"{states['left-out']} addresses were left out."
    assert note.detail == f"The limit of 200 kB was reached; {left}"
    assert "--max-bytes" in note.action
    async with service.database.reading() as session:
        left_out = await session.scalar(
            select(RunItem.address).where(RunItem.run_id == run.id, RunItem.state == "left-out")
        )
    assert left_out is not None
    assert (await why_not(service, left_out)).detail == "The limit of 200 kB was reached before it."


async def test_what_a_crawl_has_received_counts_on_after_a_pause(
    site: Site, service: Service
) -> None:
    gate = asyncio.Event()
    site.html("/", page("Home", "/held", *(f"/p{n}" for n in range(3)), words="word " * 20_000))

    async def held(asked: Asked) -> Reply:
        await gate.wait()
        return 200, {"Content-Type": "text/html"}, page("Held").encode()

    for path in ("/held", *(f"/p{n}" for n in range(3))):
        site.pages[path] = held
    # The start alone is within the limit; asked for once more after the pause it is not.
    run_id = await service.queue(await service.add_website(site.url(), max_bytes=150_000))
    await site.until_asked("/held")
    await _set(service, run_id, pause_requested=True)
    assert (await service.wait(run_id)).fetched_bytes > 100_000
    gate.set()
    await _set(service, run_id, pause_requested=False, state=RunState.QUEUED)
    run = await service.wait(run_id)
    assert run.state == "succeeded"
    assert (await service.states(run_id))["left-out"] == 4


async def test_a_sitemap_that_cannot_be_read_is_told_with_the_run(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home"))
    run = await service.run(await service.add_website(site.url()))
    assert await notes(service, run) == [], "nobody says that there is a sitemap"
    site.reply("/robots.txt", f"Sitemap: {site.url('/map.xml.gz')}\n".encode())
    site.reply("/map.xml.gz", gzip.compress(listed(site, 3))[:-6])
    run = await service.run(await service.add_website(site.url()))
    (note,) = await notes(service, run)
    assert (run.state, note.code) == ("succeeded", "sitemap-unreadable")
    assert f"{site.url('/map.xml.gz')} could not be read: The response ends in" in note.detail


async def _set(service: Service, run_id: object, **values: object) -> None:
    async with service.database.writing() as session:
        run = await session.get_one(Run, run_id)
        for name, value in values.items():
            setattr(run, name, value)
    service.worker.wake()
