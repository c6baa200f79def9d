"""Pages that need JavaScript, in a real Chromium that has no network of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ingestion.fetch import Fetcher
from ingestion.sources.browser import ClosedBrowser
from ingestion.sources.rendering import Renderer, RenderLimits
from knowledge.errors import BrowserUnavailable, MissingExtra, RenderingFailed
from tests.ingestion.service import Service
from tests.ingestion.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRITES = """
const say = (words) => { document.querySelector('main').append(words + '. '); };
fetch('/data.json').then((r) => r.json()).then((data) => {
  const heading = document.createElement('h1');
  heading.textContent = data.title;
  document.querySelector('main').append(heading, data.words, document.createElement('p'));
  const link = document.createElement('a');
  link.href = '/second'; link.textContent = 'on';
  document.querySelector('main').append(link);
});
for (const address of TRIED) {
  fetch(address, { mode: 'no-cors' }).then(() => say('reached ' + address), () => say('not there'));
  const picture = new Image(); picture.src = address;
  try { new WebSocket(address.replace('http', 'ws')).onopen = () => say('reached by socket'); }
  catch (error) { say('no socket'); }
  const frame = document.createElement('iframe'); frame.src = address; document.body.append(frame);
}
fetch('/changes-something', { method: 'POST', body: 'x' }).catch(() => say('not sent'));
"""


def shell(script: str) -> str:
    return f"<html><head><title>Shell</title></head><body><main></main>{script}</body></html>"


async def test_a_page_is_read_once_its_javascript_has_run(site: Site, tmp_path: Path) -> None:
    # The site's own host alone is allowed, with its port: the other one is as private as any.
    service = Service(tmp_path / "data", (site.host,))
    await service.open()
    async with Site() as private:
        private.html("/secret", "a metadata service")
        site.redirect("/away", private.url("/secret"))
        tried = [private.url("/secret"), site.url("/away"), f"http://localhost:{private.port}/"]
        script = WRITES.replace("TRIED", repr(tried))
        site.html("/", shell('<script src="/app.js"></script>'))
        site.html("/second", shell('<script src="/app.js"></script>'))
        site.reply("/app.js", script.encode(), **{"Content-Type": "text/javascript"})
        words = "Words that only JavaScript writes. " * 8
        site.reply(
            "/data.json",
            f'{{"title": "Written", "words": "{words}"}}'.encode(),
            **{"Content-Type": "application/json"},
        )
        run = await service.run(await service.add_website(site.url(), render=True))
        documents = await service.documents()
        items = await service.items(run.id)
        await service.close()
        assert private.asked == []
    assert items[site.url("/")] == ("indexed", "")
    text = documents[site.url("/")].text
    assert "Words that only JavaScript writes" in text
    assert "reached" not in text
    assert "/second" in site.asked
    assert site.asked.count("/app.js") == 1
    assert "/changes-something" not in site.asked


async def test_a_page_that_never_ends_is_one_failure(site: Site, fetcher: Fetcher) -> None:
    site.html("/loop", shell("<script>for (;;) {}</script>"))
    site.html("/fine", shell("<script>document.querySelector('main').append('done')</script>"))
    browser = ClosedBrowser()
    renderer = Renderer(browser, fetcher, lambda _: True, RenderLimits(seconds=8))
    try:
        await browser.start()
        with pytest.raises(RenderingFailed, match="8 s"):
            await renderer.render(await fetcher.fetch(site.url("/loop")))
        after = await renderer.render(await fetcher.fetch(site.url("/fine")))
        assert b"done" in after.data
    finally:
        await renderer.close()


async def test_without_the_extra_or_chromium_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrowserUnavailable, match="CANDOR_BROWSER"):
        await ClosedBrowser("/nowhere/chromium").start()
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(MissingExtra, match=r"candor\[browser\]"):
        await ClosedBrowser().start()
