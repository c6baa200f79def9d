"""A website with several starts, on one host or on several."""

from __future__ import annotations

import pytest

from ingestion.fetch import Fetcher
from ingestion.sources.website import Website
from knowledge.crawl_preview import Rule
from knowledge.crawl_rules import CrawlRules
from knowledge.errors import SiteUnavailable
from tests.ingestion.service import Service
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_start_opens_its_folder_on_its_host() -> None:
    rules = CrawlRules.from_config(
        {"start": "www.x.org/docs/", "more_starts": ["https://help.x.org/", "www.x.org/faq/a"]}
    )
    for inside in ("www.x.org/docs/a", "www.x.org/faq/b", "help.x.org/deep/c", "www.x.org/faq/a"):
        assert rules.allows(f"https://{inside}")
    for outside in ("www.x.org/blog", "docs.x.org/", "x.org/docs/"):
        assert not rules.allows(f"https://{outside}")
    assert rules.judge("https://docs.x.org/").rule is Rule.OTHER_HOST
    # A pattern is one of paths, on every host of the source.
    narrow = CrawlRules.from_config(
        {"start": "a.org", "more_starts": "b.org", "include": ["/docs/"], "exclude": ["/docs/old"]}
    )
    assert narrow.allows("https://b.org/docs/x")
    assert not narrow.allows("https://b.org/faq")
    assert not narrow.allows("https://a.org/docs/old")


async def test_several_hosts_are_one_source(site: Site, service: Service) -> None:
    async with Site() as help_site, Site() as third:
        site.html("/", page("Home", help_site.url("/linked"), third.url("/never")))
        site.html("/faq/", page("Questions", "/faq/a"))
        site.html("/faq/a", page("Answer"))
        site.html("/extra", page("Extra"))
        third.html("/never", page("Never"))
        help_site.reply("/robots.txt", b"User-agent: *\nDisallow: /secret\nCrawl-delay: 0.01\n")
        help_site.html("/start", page("Help", "/secret", "/more"))
        help_site.html("/linked", page("Linked"))
        help_site.html("/more", page("More"))
        help_site.html("/listed", page("Listed"))
        lists = f"<urlset><url><loc>{help_site.url('/listed')}</loc></url></urlset>"
        # Where a sitemap that was given lies is no matter.
        third.reply("/map.xml", lists.encode())
        source = await service.add_website(
            site.url("/"),
            more_starts=[help_site.url("/start"), site.url("/faq/")],
            sitemaps=[third.url("/map.xml")],
            exclude=["/extra"],
        )
        run = await service.run(source)
        on_help = {help_site.url(path) for path in ("/start", "/linked", "/more", "/listed")}
        on_site = {site.url(path) for path in ("/", "/faq/", "/faq/a")}
        assert await service.items(run.id) == dict.fromkeys(on_help | on_site, ("indexed", ""))
        assert "/secret" not in help_site.asked
        assert third.asked == ["/map.xml"]
        assert [help_site.asked.count(path) for path in ("/start", "/robots.txt")] == [1, 1]

        # One host that is down keeps nobody from reading the others, and loses nothing.
        await help_site.stop()
        site.html("/faq/a", page("Another answer"))
        run = await service.run(source)
        items = await service.items(run.id)
        assert items.pop(site.url("/faq/a")) == ("indexed", "")
        assert {items.pop(address) for address in on_help} == {("failed", "site-unavailable")}
        assert set(items.values()) == {("unchanged", "")}
        documents = await service.documents()
        assert all(documents[address].chunk_count for address in on_help)


async def test_the_first_start_decides_whether_the_source_can_be_read(site: Site) -> None:
    async with Site() as down:
        first = down.url()
    async with Fetcher(None, ["127.0.0.1"]) as fetcher:
        with pytest.raises(SiteUnavailable):
            await Website.open(CrawlRules(start=first, more_starts=(site.url(),)), fetcher)
