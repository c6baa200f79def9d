from __future__ import annotations

import gzip

import pytest

from ingestion.fetch import Fetcher
from ingestion.sources.robots import Robots
from ingestion.sources.sitemap import Listed, parse_list, read_lists
from ingestion.sources.traps import TrapWatch
from ingestion.sources.website import NotForCrawlers, Website
from knowledge.crawl_rules import CrawlRules, canonical_address
from knowledge.errors import AddressRefused, SiteUnavailable
from tests.ingestion.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTP://Example.org:80/a/../b/./c#x", "http://example.org/b/c"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org/?b=2&a=1&utm_source=x&gclid=y", "https://example.org/?a=1&b=2"),
        ("https://example.org/a;jsessionid=12?x=", "https://example.org/a?x="),
        ("https://example.org/ü b", "https://example.org/%C3%BC%20b"),
    ],
)
async def test_an_address_has_one_spelling(written: str, canonical: str) -> None:
    assert canonical_address(written) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize("address", ["", "example.org", "mailto:a@b.c", "http://[", "http://x:y/"])
async def test_what_is_no_web_address_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        canonical_address(address)


async def test_a_source_covers_the_folder_of_its_start() -> None:
    rules = CrawlRules.from_config({"start": "https://x.org/docs/index.html"})
    assert rules.allows("https://x.org/docs/deep/page")
    assert rules.allows("https://x.org/docs/manual.pdf")
    for other in ("https://x.org/blog", "https://y.org/docs/a", "https://x.org/docs/a.PNG"):
        assert not rules.allows(other)


async def test_include_and_exclude_are_patterns_or_beginnings() -> None:
    rules = CrawlRules.from_config(
        {"start": "x.org/docs/", "include": ["/docs/", "/blog/*/how-to-*"], "exclude": "/docs/old"}
    )
    assert rules.allows("https://x.org/blog/2026/how-to-start")
    assert not rules.allows("https://x.org/blog/2026/news")
    assert not rules.allows("https://x.org/docs/old/page")


async def test_traps_are_left_after_a_while() -> None:
    watch = TrapWatch()
    days = [f"https://x.org/calendar/2026/{m}/{d}" for m in range(1, 13) for d in range(1, 32)]
    assert 0 < sum(not watch.is_trap(day) for day in days) < 250
    assert sum(not watch.is_trap(f"https://x.org/s?q={n}") for n in range(500)) == 100
    assert watch.is_trap("https://x.org/" + "a/b/" * 5)
    assert not watch.is_trap("https://x.org/s?q=1"), "a known address is not one more"
    articles = [f"http://x.org:40437/article/{n}" for n in range(201_000, 202_900)]
    assert not any(watch.is_trap(article) for article in articles)


async def test_sitemaps_of_every_kind_are_read(site: Site, fetcher: Fetcher) -> None:
    def listed(*names: str) -> str:
        return "".join(f"<url><loc>{site.url(f'/{name}')}</loc></url>" for name in names)

    index = "".join(
        f"<sitemap><loc>{site.url(path)}</loc></sitemap>"
        for path in ("/1.xml.gz", "/2", "/bad", "/cut")
    )
    namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    site.reply("/index", f"<?xml version='1.0'?><sitemapindex {namespace}>{index}".encode())
    halves = f"<urlset {namespace}>{listed('a')}", listed("b")
    site.reply("/1.xml.gz", b"".join(gzip.compress(half.encode()) for half in halves))
    site.reply("/2", f"{site.url('/c')}\nno address\n{site.url('/d')}\n".encode())
    site.reply("/bad", b"\x1f\x8b no gzip")
    site.reply("/cut", gzip.compress(listed("never").encode())[:-4])
    faults: dict[str, str] = {}
    lists = read_lists(
        fetcher,
        [site.url("/index")],
        on_fault=lambda address, error: faults.update({address: error.code}),
    )
    assert [entry.address async for entry in lists] == [site.url(f"/{name}") for name in "abcd"]
    assert faults == {site.url("/bad"): "response-damaged", site.url("/cut"): "response-damaged"}


async def test_feeds_and_outlines_are_lists_as_well() -> None:
    rss = b"<rss><channel><item><title>T</title><link>/a</link><pubDate>D</pubDate></item>"
    atom = (
        b"<feed><entry><link rel='self' href='/no'/><link href='/b'/><updated>U</updated></entry>"
    )
    opml = b"<opml><body><outline text='x'><outline xmlUrl='/feed'/></outline></body></opml>"
    base = "https://x.org/"
    assert list(parse_list(rss, base)) == [Listed("https://x.org/a", "D")]
    assert list(parse_list(atom, base)) == [Listed("https://x.org/b", "U")]
    assert list(parse_list(opml, base)) == [Listed("https://x.org/feed", is_list=True)]


async def test_a_list_with_an_entity_bomb_or_without_sense_is_empty() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f"<!DOCTYPE x [<!ENTITY e0 'ha'>{entities}]><urlset><url><loc>&e9;</loc></url></urlset>"
    assert list(parse_list(bomb.encode(), "https://x.org/")) == []
    assert list(parse_list(b"<html><body>Not found", "https://x.org/")) == []


async def test_a_site_without_robots_allows_everything(site: Site, fetcher: Fetcher) -> None:
    robots = await Robots.load(fetcher, site.url("").rstrip("/"))
    assert robots.allows(site.url("/any"))


async def test_a_site_whose_robots_cannot_be_read_has_to_wait(site: Site, fetcher: Fetcher) -> None:
    site.reply("/robots.txt", b"", status=503, Retry_After="0")
    with pytest.raises(SiteUnavailable):
        await Robots.load(fetcher, f"http://{site.host}")


async def test_a_forbidden_page_is_not_asked_for(site: Site, fetcher: Fetcher) -> None:
    site.reply("/robots.txt", b"User-agent: CandorBot\nDisallow: /no\nUser-agent: *\nDisallow: /\n")
    site.redirect("/yes", "/no")
    website = await Website.open(CrawlRules(start=site.url("/start")), fetcher)
    with pytest.raises(NotForCrawlers):
        await website.visit(site.url("/no"))
    with pytest.raises(Exception, match="outside of what may be read"):
        await website.visit(site.url("/yes"))
    assert "/no" not in site.asked


async def test_a_start_that_moves_to_another_host_takes_the_source_with_it(site: Site) -> None:
    site.redirect("/", f"http://localhost:{site.port}/home")
    site.html("/home", "home")
    async with Fetcher(None, ["localhost", "127.0.0.1"]) as fetcher:
        website = await Website.open(CrawlRules(start=site.url("/")), fetcher)
    assert website.rules.start == f"http://localhost:{site.port}/home"
