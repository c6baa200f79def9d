"""What a later crawl tells and saves: the changes of a run, and pages a sitemap vouches for."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from ingestion.sources.listed_times import ListedTimes
from knowledge.store.tables import Document, DocumentState, RunItem, Source, utc_now
from tests.ingestion.service import Service
from tests.ingestion.site import Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sitemap(site: Site, **times: str) -> None:
    """A sitemap of pages with the times given, behind an index, compressed."""
    entries = "".join(
        f"<url><loc>{site.url('/' + name)}</loc><lastmod>{time}</lastmod></url>"
        for name, time in times.items()
    )
    index = f"<sitemapindex><sitemap><loc>{site.url('/part.xml.gz')}</loc></sitemap></sitemapindex>"
    site.reply("/sitemap.xml", index.encode())
    site.reply("/part.xml.gz", gzip.compress(f"<urlset>{entries}</urlset>".encode()))


async def changes(service: Service, run_id: object) -> dict[str, str]:
    async with service.database.reading() as session:
        rows = await session.scalars(select(RunItem).where(RunItem.run_id == run_id))
        return {row.address: row.change for row in rows}


async def test_a_run_tells_what_it_changed(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/same", "/other", "/gone", "/hidden", "/nowhere"))
    for name in ("same", "other", "gone", "hidden"):
        site.html(f"/{name}", page(name))
    source = await service.add_website(site.url(), grace_days=0)
    first = await service.run(source)
    assert set((await changes(service, first.id)).values()) == {"added", ""}

    site.html("/", page("Home", "/same", "/other", "/gone", "/hidden", "/new"))
    site.html("/other", page("Another"))
    site.html("/new", page("New"))
    site.html("/hidden", page("hidden", head='<meta name="robots" content="noindex">'))
    del site.pages["/gone"]
    site.reply("/same", b"", status=500)
    run = await service.run(source)
    assert await changes(service, run.id) == {
        site.url("/"): "changed",
        site.url("/other"): "changed",
        site.url("/new"): "added",
        site.url("/hidden"): "removed",
        site.url("/gone"): "removed",
        site.url("/same"): "failed",
    }
    site.html("/same", page("same"))
    assert (await changes(service, (await service.run(source)).id))[
        site.url("/same")
    ] == "unchanged"


async def test_every_page_of_a_later_crawl_is_asked_for_once(site: Site, service: Service) -> None:
    names = [f"part-{number}" for number in range(20)]
    site.html("/", page("Home", *(f"/{name}" for name in names)))
    for name in names:
        site.html(f"/{name}", page(name))
    source = await service.add_website(site.url())
    await service.run(source)
    site.html("/part-3", page("Another part"))
    site.html("/part-4", page("A long part", words="many words " * 60_000))
    site.reply("/part-5", b"", status=500)
    del site.pages["/part-6"]
    site.asked.clear()
    told = await changes(service, (await service.run(source)).id)
    assert [told[site.url(f"/part-{n}")] for n in range(3, 7)] == [
        "changed",
        "changed",
        "failed",
        "missing",
    ]
    assert list(told.values()).count("unchanged") == 17
    # What is too large to be kept until its turn is sent twice.
    twice = {path for path in site.asked if site.asked.count(path) > 1}
    assert twice <= {"/part-4", "/part-5", "/robots.txt", "/sitemap.xml"}


async def test_a_page_the_sitemap_vouches_for_is_not_asked_for(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home"))
    for name in ("still", "moved"):
        site.html(f"/{name}", page(name))
    long_ago = "2020-01-01T00:00:00Z"
    sitemap(site, still=long_ago, moved=long_ago)
    source = await service.add_website(site.url())
    await service.run(source)
    sitemap(site, still=long_ago, moved="2021-01-01T00:00:00Z")
    site.asked.clear()
    run = await service.run(source)
    assert "/still" not in site.asked
    assert "/moved" in site.asked
    assert await service.states(run.id) == {"unchanged": 3}
    # A sitemap that never moves is not believed for ever.
    async with service.database.writing() as session:
        past = utc_now() - timedelta(days=8)
        await session.execute(update(Document).values(fetched_at=past))
    site.html("/still", page("changed behind the sitemap's back"))
    run = await service.run(source)
    assert (await changes(service, run.id))[site.url("/still")] == "changed"


def conditional(site: Site, path: str, body: str, tag: str) -> None:
    """A page that is sent only to those who do not have it."""

    def answer(asked: Asked) -> Reply:
        sent = {"ETag": tag, "Content-Type": "text/html"}
        had = asked.headers.get("if-none-match") == tag
        return (304, sent, b"") if had else (200, sent, body.encode())

    site.pages[path] = answer


async def configure(service: Service, source_id: UUID, **config: object) -> None:
    """Change the rules of a website."""
    async with service.database.writing() as session:
        source = await session.get_one(Source, source_id)
        source.config = {**source.config, **config}


@pytest.mark.parametrize("sends_304", [True, False])
async def test_looser_rules_find_what_unchanged_pages_lead_to(
    site: Site, service: Service, sends_304: bool
) -> None:
    for path, links in {"/": ["/a"], "/a": ["/b", "/news/1"], "/b": ["/c"]}.items():
        if sends_304:
            conditional(site, path, page(path, *links), f'"{path}"')
        else:
            site.html(path, page(path, *links))
    for path in ("/c", "/news/1"):
        site.html(path, page(path))
    source = await service.add_website(site.url(), exclude=["/news"], max_depth=2)
    await service.run(source)
    assert set(await service.documents()) == {site.url(path) for path in ("/", "/a", "/b")}
    encoded = service.encoder.encoded
    await service.run(source)
    assert service.encoder.encoded == encoded

    await configure(service, source, exclude=[])
    assert await changes(service, (await service.run(source)).id) == {
        site.url("/"): "unchanged",
        site.url("/a"): "unchanged",
        site.url("/b"): "unchanged",
        site.url("/news/1"): "added",
    }
    # A page that a later crawl begins with is no nearer to the start for it.
    assert site.url("/c") not in await service.documents()
    # What robots.txt says is one of the rules.
    site.reply("/robots.txt", b"User-agent: *\nDisallow: /c")
    await configure(service, source, max_depth=3)
    await service.run(source)
    assert site.url("/c") not in await service.documents()
    site.reply("/robots.txt", b"User-agent: *\nDisallow: /d")
    run = await service.run(source)
    assert (await changes(service, run.id))[site.url("/c")] == "added"
    assert await service.states((await service.run(source)).id) == {"unchanged": 5}


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("listed", "before", "fetched", "vouched"),
    [
        ("2020-01-01", "2020-01-01", NOW - timedelta(days=1), True),
        ("2020-01-02", "2020-01-01", NOW - timedelta(days=1), False),
        ("2020-01-01", "2020-01-01", NOW - timedelta(days=8), False),
        ("2020-01-01", "", NOW, False),
        ("yesterday", "yesterday", NOW, False),
        # Fetched on the day that is listed: the page may have changed once more since.
        (NOW.date().isoformat(), NOW.date().isoformat(), NOW, False),
        (NOW.isoformat(), NOW.isoformat(), NOW - timedelta(minutes=1), False),
        (NOW.isoformat(), NOW.isoformat(), NOW + timedelta(minutes=1), True),
    ],
    # every process of a parallel run has to give the cases the same names
    ids=["day", "later", "old", "new", "word", "same-day", "before", "after"],
)
async def test_when_a_listed_time_is_believed(
    listed: str, before: str, fetched: datetime, vouched: bool
) -> None:
    times = ListedTimes(timedelta(days=7), most=10)
    times.note("http://a/", listed)
    known = Document(
        knowledge_base_id=None,  # type: ignore[arg-type]
        source_id=None,  # type: ignore[arg-type]
        address="http://a/",
        state=DocumentState.INDEXED,
        content_hash="x",
        listed_modified=before,
        fetched_at=fetched,
    )
    assert times.vouch_for(known) is vouched
