"""What a later crawl tells and saves: the changes of a run, and pages a sitemap vouches for."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from ingestion.sources.listed_times import ListedTimes
from knowledge.store.tables import Document, DocumentState, RunItem, utc_now
from tests.ingestion.service import Service
from tests.ingestion.site import Site, page

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
