"""What the widget does to a website that embeds it, measured in Chromium.

``python -m benchmarks.host_page [--rounds 15]``

A page of a website (headings, text, an image, on an origin of its own) is opened with and without
the one script tag, in turn, each time in a fresh browser context with a cold cache, the panel
closed. The figures are those of Lighthouse's lab: layout shift, largest contentful paint, blocking
time (what long tasks take beyond 50 ms), load; and how long after its request the loader had a
button that can be pressed. The server runs beside the browser. Writes ``results/host_page.json``
and ``.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser, async_playwright

from benchmarks.documentation_server import serving
from benchmarks.machine import describe

RESULTS = Path(__file__).with_name("results")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="400">'
    '<rect width="900" height="400" fill="#0b6e5f"/></svg>'
)
_TEXT = "<p>We grow plants, and sell them to people who like plants, all the year round.</p>" * 40
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Garden</title><h1>Garden</h1>"
    f'<img src="/picture.svg" width="900" height="400" alt="">{_TEXT}'
)
_TAG = (
    '<script async src="http://127.0.0.1:{port}/widget/v1/loader.js" '
    'data-assistant="{key}"></script>'
)
_OBSERVE = """
window.seen = { shift: 0, paint: 0, blocking: 0, ready: 0 };
const watch = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each))
  .observe({ type, buffered: true });
watch('layout-shift', (entry) => { window.seen.shift += entry.value; });
watch('largest-contentful-paint', (entry) => { window.seen.paint = entry.startTime; });
watch('longtask', (entry) => { window.seen.blocking += Math.max(0, entry.duration - 50); });
document.addEventListener('candor:ready', () => { window.seen.ready = performance.now(); });
"""
_READ = """() => {
  const { loadEventEnd } = performance.getEntriesByType('navigation')[0];
  const loader = performance.getEntriesByType('resource')
    .find(({ name }) => name.endsWith('/loader.js'));
  const { ready, ...seen } = window.seen;
  return { ...seen, load: loadEventEnd, interactive: loader ? ready - loader.startTime : 0 };
}"""
_SETTLED_MS = 1_500
_NAMES = {
    "shift": "layout shift",
    "paint": "largest contentful paint, ms",
    "blocking": "blocking time, ms",
    "load": "load, ms",
    "interactive": "loader to button, ms",
}


async def open_once(browser: Browser, address: str, with_widget: bool) -> dict[str, float]:
    """The figures of one visit."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = await context.new_page()
        await page.add_init_script(_OBSERVE)
        await page.goto(address)
        if with_widget:
            await page.locator("candor-chat .launcher").wait_for()
        await page.wait_for_timeout(_SETTLED_MS)
        figures: dict[str, float] = await page.evaluate(_READ)
        return figures
    finally:
        await context.close()


class Website:
    """One page, at ``/`` as it is and at ``/with`` with the tag, once the server is known."""

    def __init__(self) -> None:
        self.tag = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        path = (await reader.readline()).decode("latin-1").partition(" ")[2].partition(" ")[0]
        while await reader.readline() not in (b"\r\n", b""):
            pass
        body, kind = (
            (_PICTURE, "image/svg+xml")
            if path == "/picture.svg"
            else (_PAGE + (self.tag if path == "/with" else ""), "text/html; charset=utf-8")
        )
        content = body.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()


async def measure(rounds: int) -> dict[str, Any]:
    """All figures."""
    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    found: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    load = os.getloadavg()[0]
    website = Website()
    listening = await asyncio.start_server(website.answer, "localhost", 0, family=socket.AF_INET)
    origin = f"http://localhost:{listening.sockets[0].getsockname()[1]}"
    async with serving(origin) as server, async_playwright() as playwright:
        website.tag = _TAG.format(port=server.port, key=server.key)
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--headless=new"]
        )
        await open_once(browser, f"{origin}/with", True)  # the browser's own first start
        for _ in range(rounds):
            for name, visits in found.items():
                tagged = name == "with"
                address = f"{origin}/with" if tagged else f"{origin}/"
                visits.append(await open_once(browser, address, tagged))
        await browser.close()
    listening.close()
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": describe(),
        "load": round(load, 2),
        "rounds": rounds,
        **{name: summary(visits) for name, visits in found.items()},
    }


def summary(visits: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median, least and most of each figure."""
    return {
        name: {
            word: round(take([visit[name] for visit in visits]), 3)
            for word, take in (("median", median), ("least", min), ("most", max))
        }
        for name in _NAMES
    }


def write(figures: dict[str, Any]) -> None:
    """Both result files."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "host_page.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    rows = [
        f"| {said} | {_shown(figures['without'][name])} | {_shown(figures['with'][name])} |"
        for name, said in _NAMES.items()
    ]
    lines = [
        "# The host page",
        "",
        f"{figures['when']}, {figures['machine']}, load average at the start {figures['load']}. "
        f"Chromium, cold cache, loopback; {figures['rounds']} visits each, in turn; median "
        "(least to most).",
        "",
        "`make bench-host-page` makes this file.",
        "",
        "| | without the widget | with it |",
        "|---|---|---|",
        *rows,
        "",
    ]
    (RESULTS / "host_page.md").write_text("\n".join(lines), "utf-8")


def _shown(figure: dict[str, float]) -> str:
    return "{median:g} ({least:g} to {most:g})".format(**figure) if figure["most"] else "0"


def main() -> None:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    write(asyncio.run(measure(parser.parse_args().rounds)))
    print((RESULTS / "host_page.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
