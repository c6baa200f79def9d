from __future__ import annotations

from tests.ingestion.service import Service
from tests.ingestion.site import Site

LONG = "<p>" + "Some words about the page that make it long enough to stand alone. " * 6 + "</p>"


def page(title: str, *links: str, words: str = "") -> str:
    anchors = "".join(f'<a href="{link}">to {link}</a> ' for link in links)
    return (
        f"<html><head><title>{title}</title></head><body><main><h1>{title}</h1>"
        f"<p>{title} {words}</p>{LONG}{anchors}</main></body></html>"
    )


async def test_a_site_is_crawled_and_indexed(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/a", "/b"))
    site.html("/a", page("Alpha", "/"))
    site.html("/b", page("Beta", "/missing"))
    run = await service.run(await service.add_website(site.url()))
    assert run.state == "succeeded"
    assert await service.items(run.id) == {
        site.url("/"): ("indexed", ""),
        site.url("/a"): ("indexed", ""),
        site.url("/b"): ("indexed", ""),
        site.url("/missing"): ("failed", "fetch-rejected"),
    }
    assert await service.is_consistent()
