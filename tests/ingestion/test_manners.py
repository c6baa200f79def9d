"""What a crawl keeps to: what servers ask of crawlers, and no request more than it needs."""

from __future__ import annotations

from collections import Counter

import pytest

from ingestion.sources.robots_tag import RobotsTag
from knowledge.store.whereabouts import find_address
from tests.ingestion.service import Service
from tests.ingestion.site import Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("headers", "noindex", "nofollow"),
    [
        ([], False, False),
        (["noindex"], True, False),
        (["NoIndex , NOFOLLOW"], True, True),
        (["none"], True, True),
        (["all", "nofollow"], False, True),
        (["googlebot: noindex", "otherbot: none"], False, False),
        (["CandorBot: noindex"], True, False),
        (["otherbot: noindex, nofollow, candorbot: nofollow"], False, True),
        (["nofollow, otherbot: noindex"], False, True),
        (["max-snippet: 20, noindex"], True, False),
        (["unavailable_after: Wed, 25 Jun 2031 15:00:00 GMT, nofollow"], False, True),
        (["noindexed", "x noindex"], False, False),
    ],
)
async def test_a_robots_tag_is_for_all_or_for_a_name(
    headers: list[str], noindex: bool, nofollow: bool
) -> None:
    assert RobotsTag.read(headers, "CandorBot") == RobotsTag(noindex, nofollow)


async def test_the_header_is_kept_to_like_the_tag_of_a_page(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/hidden", "/dead-end", "/none", "/notes.txt", "/others"))
    site.html("/hidden", page("Hidden", "/behind"), X_Robots_Tag="noindex")
    site.html("/behind", page("Behind"))
    site.html("/dead-end", page("Dead end", "/never"), X_Robots_Tag="candorbot: nofollow")
    site.html("/none", page("None", "/never"), X_Robots_Tag="none")
    site.reply("/notes.txt", b"Some notes.", Content_Type="text/plain", X_Robots_Tag="noindex")
    site.html("/others", page("Others"), X_Robots_Tag="googlebot: noindex")
    source = await service.add_website(site.url())
    run = await service.run(source)
    assert await service.items(run.id) == {
        site.url("/"): ("indexed", ""),
        site.url("/hidden"): ("skipped", "noindex"),
        site.url("/behind"): ("indexed", ""),
        site.url("/dead-end"): ("indexed", ""),
        site.url("/none"): ("skipped", "noindex"),
        site.url("/notes.txt"): ("skipped", "noindex"),
        site.url("/others"): ("indexed", ""),
    }
    found = await find_address(
        service.database, [service.knowledge_base_id], site.url("/notes.txt")
    )
    assert (found.stage, "X-Robots-Tag" in found.detail) == ("excluded", True)

    # The same bytes under another header: what was asked for last counts.
    site.html("/behind", page("Behind"), X_Robots_Tag="noindex")
    site.html("/hidden", page("Hidden", "/behind"))
    site.html("/dead-end", page("Dead end", "/never"))
    site.html("/never", page("Never"))
    items = await service.items((await service.run(source)).id)
    assert items[site.url("/behind")] == ("skipped", "noindex")
    assert items[site.url("/hidden")] == items[site.url("/never")] == ("indexed", "")
    assert await service.is_consistent()


async def test_a_page_that_has_not_changed_may_still_be_withdrawn(
    site: Site, service: Service
) -> None:
    asks: dict[str, str] = {}

    def answer(asked: Asked) -> Reply:
        sent = {"ETag": '"1"', "Content-Type": "text/html", **asks}
        has_it = asked.headers.get("if-none-match") == '"1"'
        return (304, sent, b"") if has_it else (200, sent, page("Notes").encode())

    site.html("/", page("Home", "/notes"))
    site.pages["/notes"] = answer
    source = await service.add_website(site.url())
    await service.run(source)
    asks["X-Robots-Tag"] = "noindex"
    items = await service.items((await service.run(source)).id)
    assert items[site.url("/notes")] == ("skipped", "noindex")


@pytest.mark.parametrize("is_moved", [False, True])
async def test_the_start_is_asked_for_once(site: Site, service: Service, is_moved: bool) -> None:
    tags: list[str] = []

    def start(asked: Asked) -> Reply:
        tags.append(asked.headers.get("if-none-match", ""))
        sent = {"ETag": '"1"', "Content-Type": "text/html"}
        return (304, sent, b"") if tags[-1] else (200, sent, page("Home", "/a").encode())

    site.pages["/home"] = start
    site.redirect("/", "/home")
    site.html("/a", page("A", "/home"))
    source = await service.add_website(site.url("/" if is_moved else "/home"))
    for _ in range(2):
        site.asked.clear()
        assert (await service.run(source)).state == "succeeded"
        asked = Counter(site.asked)
        assert (asked["/home"], asked["/a"], asked["/"]) == (1, 1, int(is_moved))
    # Asked for in full once; a start that moves holds no page of its own to ask about.
    assert tags == ["", ""] if is_moved else ["", '"1"']


async def test_a_feed_and_its_entries_are_asked_for_once(site: Site, service: Service) -> None:
    links = "".join(f"<item><link>{site.url(f'/{n}')}</link></item>" for n in range(4))
    site.reply("/feed", f"<rss><channel>{links}</channel></rss>".encode())
    for n in range(4):
        site.html(f"/{n}", page(f"Entry {n}"))
    await service.run(await service.add_feed(site.url("/feed")))
    assert Counter(site.asked) == Counter(["/feed", "/robots.txt", "/0", "/1", "/2", "/3"])
