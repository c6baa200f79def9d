"""What a crawl would read, looked at ahead: every address with the rule that decides on it."""

from __future__ import annotations

import asyncio

import pytest

from ingestion.fetch import FetchLimits
from ingestion.parse.pool import ParseLimits
from ingestion.sources.preview import PreviewLimits, SitePreviewer
from knowledge.crawl_preview import Rule
from knowledge.errors import AddressRefused, SiteUnavailable
from tests.ingestion.site import Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


def previewer(site: Site, **limits: float) -> SitePreviewer:
    return SitePreviewer(
        FetchLimits(timeout_s=60),
        (site.host,),
        ParseLimits(),
        limits=PreviewLimits(**limits),  # type: ignore[arg-type]
    )


async def test_every_address_is_judged_by_a_rule(site: Site) -> None:
    links = (
        "/docs/a",
        "/docs/old/b",
        "/other",
        "/docs/secret",
        "/docs/film.mp4",
        "http://127.0.0.2/",
        "mailto:x@example.com",
    )
    site.html("/docs/", page("Home", *links))
    robots = f"User-agent: *\nDisallow: /docs/secret\nSitemap: {site.url('/map.xml')}\n"
    site.reply("/robots.txt", f"{robots}Crawl-delay: 0.01\n".encode())
    entries = "".join(f"<url><loc>{site.url(f'/docs/s{n}')}</loc></url>" for n in range(90))
    site.reply("/map.xml", f"<urlset>{entries}</urlset>".encode())
    config = {"start": site.url("/docs/"), "include": ["/docs/*"], "exclude": ["/docs/old/"]}
    found = await previewer(site).preview(config)
    rules = {one.address.removeprefix(site.url("")): one.verdict for one in found.addresses}
    assert rules["/docs/"].rule is Rule.START
    assert (rules["/docs/a"].rule, rules["/docs/a"].pattern) == (Rule.INCLUDE, "/docs/*")
    assert (rules["/docs/old/b"].rule, rules["/docs/old/b"].pattern) == (Rule.EXCLUDE, "/docs/old/")
    assert rules["/other"].rule is Rule.NOT_INCLUDED
    assert rules["/docs/secret"].rule is Rule.ROBOTS
    assert rules["/docs/film.mp4"].pattern == ".mp4"
    assert rules["http://127.0.0.2/"].rule is Rule.OTHER_HOST
    assert (found.title, found.start_fault, found.crawl_delay_s) == ("Home", "", 0.01)
    assert found.counts[Rule.INCLUDE] == 91
    assert sum(one.verdict.rule is Rule.INCLUDE for one in found.addresses) == 50
    assert (found.included, found.excluded, found.stopped) == (92, 5, "")
    # Nothing but the start page was read.
    assert {path for path in site.asked if path.startswith("/docs/")} == {"/docs/"}


async def test_it_ends_in_time_with_what_it_has(site: Site) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.sleep(30)
        raise AssertionError

    site.html("/", page("Home", "/a"))
    site.pages["/sitemap.xml"] = never
    found = await previewer(site, seconds=5).preview({"start": site.url("/")})
    assert (found.stopped, found.addresses[0].address) == ("time", site.url("/"))
    entries = "".join(f"<url><loc>{site.url(f'/s{n}')}</loc></url>" for n in range(500))
    site.reply("/sitemap.xml", f"<urlset>{entries}</urlset>".encode())
    found = await previewer(site, addresses=100).preview({"start": site.url("/")})
    assert (found.stopped, sum(found.counts.values())) == ("number", 100)


async def test_a_start_that_cannot_be_read_is_named(site: Site) -> None:
    site.reply("/sitemap.xml", f"<urlset><url><loc>{site.url('/a')}</loc></url></urlset>".encode())
    found = await previewer(site).preview({"start": site.url("/gone")})
    assert "404" in found.start_fault
    assert found.included == 2
    with pytest.raises(AddressRefused):
        await SitePreviewer(FetchLimits(), (), ParseLimits()).preview({"start": site.url("/")})
    port = site.port
    await site.stop()
    with pytest.raises(SiteUnavailable):
        await previewer(site).preview({"start": f"http://127.0.0.1:{port}/"})
