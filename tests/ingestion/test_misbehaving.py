"""Whole crawls of websites that misbehave: each ends, with a reason that is named."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest

from ingestion.sources import traps
from knowledge.store.tables import Run
from knowledge.store.whereabouts import find_address
from tests.ingestion.service import Service
from tests.ingestion.site import LONG, Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def note_codes(service: Service, run: Run) -> list[str]:
    async with service.database.reading() as session:
        return [note["code"] for note in (await session.get_one(Run, run.id)).notes]


async def test_a_calendar_without_end_is_left_after_a_while(
    site: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two hundred pages would take seconds to index.
    monkeypatch.setattr(traps, "_MOST_DATES_PER_SHAPE", 20)

    def day(asked: Asked) -> Reply:
        here = date.fromisoformat(asked.path.removeprefix("/calendar/"))
        following = (here + timedelta(days=n) for n in range(1, 40))
        body = page(f"The {here}", *(f"/calendar/{one}" for one in following))
        return 200, {"Content-Type": "text/html"}, body.encode()

    first = date(2026, 1, 1)
    days = [f"/calendar/{first + timedelta(days=n)}" for n in range(100)]
    site.pages = dict.fromkeys(days, day)
    site.html("/", page("Home", days[0], "/about"))
    site.html("/about", page("About"))
    source = await service.add_website(site.url())
    run = await service.run(source)
    assert run.state == "succeeded"
    assert site.url("/about") in await service.documents()
    assert len(await service.items(run.id)) == 22
    assert await note_codes(service, run) == ["trap"]
    missed = await find_address(service.database, [service.knowledge_base_id], site.url(days[50]))
    assert "no end of them" in missed.detail

    # Another crawl goes no further; what the site lists on purpose is no trap.
    listed = f"<urlset><url><loc>{site.url(days[90])}</loc></url></urlset>"
    site.reply("/sitemap.xml", listed.encode())
    items = await service.items((await service.run(source)).id)
    assert (len(items), items[site.url(days[90])]) == (23, ("indexed", ""))


async def test_a_crawl_delay_is_kept_to(site: Site, service: Service) -> None:
    going = 0

    async def slow(asked: Asked) -> Reply:
        nonlocal going
        assert going == 0, "one at a time"
        going += 1
        body = page(f"Page {asked.path}", "/a", "/b", "/c")
        going -= 1
        return 200, {"Content-Type": "text/html"}, body.encode()

    site.pages = dict.fromkeys(("/", "/a", "/b", "/c"), slow)
    site.reply("/robots.txt", b"User-agent: *\nCrawl-delay: 0.2\n")
    began = time.monotonic()
    run = await service.run(await service.add_website(site.url(), sitemap=False))
    assert await service.states(run.id) == {"indexed": 4}
    # Four pages are three waits, however fast or slow the machine is.
    assert time.monotonic() - began >= 3 * 0.2


async def test_redirects_into_private_networks_are_not_followed(
    site: Site, service: Service
) -> None:
    site.html("/secret", page("Secret"))
    site.redirect("/first", "/second")
    # Another name of the same machine, which nobody has allowed.
    site.redirect("/second", f"http://localhost:{site.port}/secret")
    site.html("/", page("Home", "/first"))
    run = await service.run(await service.add_website(site.url()))
    assert (await service.items(run.id))[site.url("/first")] == ("failed", "fetch-rejected")
    run = await service.run(await service.add_website(site.url("/first")))
    assert (run.state, run.error_code) == ("failed", "address-refused")
    assert "/secret" not in site.asked


async def test_redirects_without_end_end(site: Site, service: Service) -> None:
    def onward(asked: Asked) -> Reply:
        return 302, {"Location": f"/r?n={int(asked.path.partition('=')[2] or 0) + 1}"}, b""

    site.pages["/r"] = onward
    site.html("/", page("Home", "/r"))
    run = await service.run(await service.add_website(site.url()))
    assert (await service.items(run.id))[site.url("/r")] == ("failed", "too-many-redirects")
    assert len(site.asked) < 20


TEXT = "Größe, Maß und Äpfel"


@pytest.mark.parametrize(
    ("header", "meta", "encoding", "found"),
    [
        ("utf-8", "iso-8859-1", "utf-8", TEXT),
        ("iso-8859-1", "utf-8", "iso-8859-1", TEXT),
        ("", "iso-8859-1", "iso-8859-1", TEXT),
        ("no-such-charset", "utf-8", "utf-8", TEXT),
        ("iso-8859-1", "koi8-r", "utf-8-sig", TEXT),
        ("utf-8", "utf-8", "utf-16", TEXT),
        ("", "", "utf-8", TEXT),
        # Wrong all over: read as far as it can be, and never a failure.
        ("utf-8", "utf-8", "iso-8859-1", "long enough to stand alone"),
    ],
)
async def test_charsets_that_contradict_each_other(
    site: Site, service: Service, header: str, meta: str, encoding: str, found: str
) -> None:
    head = f"<meta charset={meta}>" if meta else ""
    html = f"<html><head>{head}<title>T</title></head><body><main><p>{TEXT}</p>{LONG}</main></body>"
    kind = f"text/html; charset={header}" if header else "text/html"
    site.reply("/", html.encode(encoding), Content_Type=kind)
    run = await service.run(await service.add_website(site.url()))
    assert run.state == "succeeded"
    assert found in (await service.documents())[site.url("/")].text


async def test_an_outline_of_feeds_is_read_to_its_end(site: Site, service: Service) -> None:
    def feed(*names: str) -> bytes:
        items = "".join(f"<item><link>{site.url(name)}</link></item>" for name in names)
        return f"<rss><channel>{items}</channel></rss>".encode()

    async with Site() as other:
        for name in ("/a", "/b"):
            site.html(name, page(f"Entry {name}"))
        other.html("/c", page("Entry of another site"))
        other.reply("/robots.txt", b"User-agent: *\nDisallow: /d\n")
        site.reply("/one", feed("/a", "/b", "/a"))
        entry = "<entry><link href='{}'/></entry>"
        entries = "".join(entry.format(other.url(path)) for path in ("/c", "/d"))
        other.reply("/two", f"<feed>{entries}</feed>".encode())
        outlines = "".join(
            f"<outline text='x' xmlUrl='{address}'/>"
            # One is gone, and one leads back to the list.
            for address in (
                site.url("/one"),
                other.url("/two"),
                site.url("/gone"),
                site.url("/all"),
            )
        )
        site.reply("/all", f"<opml><body><outline>{outlines}</outline></body></opml>".encode())
        run = await service.run(await service.add_feed(site.url("/all")))
        assert await service.items(run.id) == {
            site.url("/a"): ("indexed", ""),
            site.url("/b"): ("indexed", ""),
            other.url("/c"): ("indexed", ""),
            other.url("/d"): ("failed", "not-for-crawlers"),
        }
    assert (run.state, await note_codes(service, run)) == ("succeeded", ["feed-unreadable"])
