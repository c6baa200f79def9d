"""The whole write path, against a real website, database and index."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from ingestion import worker
from ingestion.schedule import queue_due
from knowledge.store.tables import Document, Run, RunState, Source, utc_now
from tests.ingestion.service import CountingEncoder, Service
from tests.ingestion.site import Asked, Reply, Site, page

FRENCH = (
    "Les conditions de retour des articles sont expliquées sur cette page en français.".encode()
)
_LOOKS = 3
"""The look that obeys, one that may have begun before, and one while the run is recorded."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, data in files.items():
            archive.writestr(".".join(key.rsplit("_", 1)), data)
    return made.getvalue()


async def test_a_site_is_crawled_by_links_and_sitemap(site: Site, service: Service) -> None:
    site.html("/docs/", page("Home", "/docs/a", "/docs/b#part", "/other", "http://127.0.0.2/"))
    site.html("/docs/a", page("Alpha", "/docs/", "/docs/a?utm_source=x", "/docs/nowhere"))
    site.html("/docs/b", page("Beta"))
    site.html("/docs/unlinked", page("Gamma"))
    site.reply("/robots.txt", f"User-agent: *\nSitemap: {site.url('/map.xml')}\n".encode())
    site.reply("/map.xml", f"<urlset><url><loc>{site.url('/docs/unlinked')}</loc></url>"
               "</urlset>".encode())  # fmt: skip
    run = await service.run(await service.add_website(site.url("/docs/")))
    assert run.state == "succeeded"
    assert await service.items(run.id) == {
        site.url("/docs/"): ("indexed", ""),
        site.url("/docs/a"): ("indexed", ""),
        site.url("/docs/b"): ("indexed", ""),
        site.url("/docs/unlinked"): ("indexed", ""),
        site.url("/docs/nowhere"): ("skipped", "broken-link"),
    }
    assert await service.is_consistent()
    documents = await service.documents()
    assert documents[site.url("/docs/a")].title == "Alpha"
    assert documents[site.url("/docs/a")].text.startswith("# Alpha\n\nAlpha")


async def test_a_second_crawl_encodes_only_what_changed(site: Site, service: Service) -> None:
    encoder = service.encoder
    assert isinstance(encoder, CountingEncoder)
    sections = [f"<h2>Part {n}</h2><p>{f'part {n} of the page ' * 30}</p>" for n in range(5)]
    site.html("/", page("Home", "/a", "/tagged"))
    site.html("/a", f"<main><h1>A</h1>{''.join(sections)}</main>")
    tagged = page("Tagged").encode()

    def conditional(asked: Asked) -> Reply:
        fresh = asked.headers.get("if-none-match") == '"1"'
        return (304, {}, b"") if fresh else (200, {"ETag": '"1"'}, tagged)

    site.pages["/tagged"] = conditional
    source = await service.add_website(site.url())
    await service.run(source)
    before, version = await service.points(), encoder.encoded

    again = await service.run(source)
    assert await service.states(again.id) == {"unchanged": 3}
    assert encoder.encoded == version
    assert set(await service.points()) == set(before)

    # A new section in front moves all others, and changes none of them.
    site.html("/a", f"<main><h1>A</h1><h2>New</h2><p>{'new words ' * 40}</p>{''.join(sections)}</main>")  # fmt: skip  # noqa: E501
    changed = await service.run(source)
    assert (await service.items(changed.id))[site.url("/a")] == ("indexed", "")
    assert 0 < encoder.encoded - version <= 3
    assert await service.is_consistent()
    assert (await service.documents())[site.url("/a")].version == 2


async def test_a_page_that_is_gone_stays_for_a_while_and_then_goes(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home", "/a"))
    site.html("/a", page("Alpha"))
    source = await service.add_website(site.url())
    await service.run(source)
    del site.pages["/a"]
    await service.run(source)
    gone = (await service.documents())[site.url("/a")]
    assert (gone.state, gone.chunk_count > 0) == ("missing", True)
    async with service.database.writing() as session:
        past = utc_now() - timedelta(days=4)
        await session.execute(
            update(Document).where(Document.id == gone.id).values(missing_since=past)
        )
    last = await service.run(source)
    assert (await service.items(last.id))[site.url("/a")] == ("removed", "")
    assert site.url("/a") not in await service.documents()
    assert await service.is_consistent()


async def test_a_site_that_is_down_removes_nothing(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/a"))
    site.html("/a", page("Alpha"))
    source = await service.add_website(site.url(), grace_days=0)
    await service.run(source)
    before = set(await service.points())
    site.pages = dict.fromkeys(["/robots.txt", "/", "/a"], lambda _: (500, {}, b""))
    broken = await service.run(source)
    assert (broken.state, broken.error_code) == ("failed", "site-unavailable")
    await site.stop()
    down = await service.run(source)
    retried = await service.run(source, kind="retry")
    assert retried.state == "failed"
    assert (down.state, down.error_code) == ("failed", "site-unavailable")
    assert set(await service.points()) == before
    assert {d.state for d in (await service.documents()).values()} == {"indexed"}


async def test_what_a_site_asks_of_crawlers_is_kept(site: Site, service: Service) -> None:
    robots = b"User-agent: *\nDisallow: /private\nCrawl-delay: 0.01\n"
    site.reply("/robots.txt", robots)
    nofollow = '<meta name="robots" content="nofollow">'
    site.html("/", page("Home", "/private/x", "/hidden", "/dead-end", "/copy"))
    site.html("/hidden", page("Hidden", "/behind", head='<meta name="robots" content="noindex">'))
    site.html("/behind", page("Behind"))
    site.html("/dead-end", page("Dead end", "/never", head=nofollow))
    site.html("/never", page("Never"))
    site.html("/copy", page("Copy", head='<link rel="canonical" href="/original">'))
    site.html("/original", page("Original", head='<link rel="canonical" href="/original">'))
    run = await service.run(await service.add_website(site.url()))
    assert await service.items(run.id) == {
        site.url("/"): ("indexed", ""),
        site.url("/hidden"): ("skipped", "noindex"),
        site.url("/behind"): ("indexed", ""),
        site.url("/dead-end"): ("indexed", ""),
        site.url("/copy"): ("skipped", "same-page"),
        site.url("/original"): ("indexed", ""),
    }
    assert not {"/private/x", "/never"} & set(site.asked)


async def test_hostile_pages_end_in_one_named_reason_each(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/out", "/loop", "/twin", "/same", "/empty", "/moved", "/huge"))
    site.redirect("/out", "http://169.254.169.254/latest/meta-data/")
    site.redirect("/loop", "/loop2")
    site.redirect("/loop2", "/loop")
    site.html("/twin", page("Twin"))
    site.html("/same", page("Twin"))
    site.html("/empty", "<html><body><nav>menu</nav></body></html>")
    site.redirect("/moved", "/new")
    site.html("/new", page("New"))
    site.reply("/huge", b"", Content_Length="99000000")
    run = await service.run(await service.add_website(site.url()))
    items = await service.items(run.id)
    assert items.pop(site.url("/twin")) != items.pop(site.url("/same"))
    assert items == {
        site.url("/"): ("indexed", ""),
        site.url("/out"): ("failed", "fetch-rejected"),
        site.url("/loop"): ("failed", "too-many-redirects"),
        site.url("/empty"): ("failed", "empty-document"),
        site.url("/moved"): ("skipped", "redirected"),
        site.url("/new"): ("indexed", ""),
        site.url("/huge"): ("failed", "response-too-large"),
    }
    assert run.state == "succeeded"
    assert await service.is_consistent()

    # A retry comes back to what failed, and to nothing else.
    site.html("/loop2", page("Straightened out"))
    source = run.source_id
    again = await service.items((await service.run(source, kind="retry")).id)
    assert again.pop(site.url("/loop")) == ("skipped", "redirected")
    assert again.pop(site.url("/loop2")) == ("indexed", "")
    assert {state for state, _ in again.values()} == {"failed"}


async def test_files_are_read_and_bad_ones_named(service: Service) -> None:
    inner = zipped(in_txt=b"deep inside of it", core_zip=zipped(core_txt=b"too deep inside"))
    source = await service.add_files(
        guide_md=b"# Guide\n\nHow to use it.",
        copy_md=b"# Guide\n\nHow to use it.",
        wrong_pdf=b"# Not a PDF\n\nbut Markdown in truth",
        empty_txt=b"",
        picture_png=b"\x89PNG\r\n\x1a\n" + bytes(50),
        broken_docx=b"PK\x03\x04 and nothing else",
        all_zip=zipped(
            a_md=b"# A\n\nalpha words", b_txt=b"beta words", french_txt=FRENCH, inner_zip=inner
        ),
    )
    run = await service.run(source)
    items = {address[10:]: end for address, end in (await service.items(run.id)).items()}
    twins = {items.pop("guide.md"), items.pop("copy.md")}
    assert twins == {("indexed", ""), ("skipped", "duplicate")}
    assert items == {
        "wrong.pdf": ("indexed", ""),
        "empty.txt": ("failed", "empty-document"),
        "picture.png": ("failed", "unsupported-format"),
        "broken.docx": ("failed", "damaged-document"),
        "all.zip": ("skipped", "unpacked"),
        "all.zip/a.md": ("indexed", ""),
        "all.zip/b.txt": ("indexed", ""),
        "all.zip/french.txt": ("indexed", ""),
        "all.zip/inner.zip": ("skipped", "unpacked"),
        "all.zip/inner.zip/in.txt": ("indexed", ""),
        "all.zip/inner.zip/core.zip": ("failed", "unsupported-format"),
    }
    french = (await service.documents())["upload:///all.zip/french.txt"]
    assert "(fr)" in french.warnings[0]
    failed = (await service.documents())["upload:///picture.png"]
    assert (failed.state, failed.error_detail) == ("failed", "The file is a PNG picture.")
    assert "text recognition" in failed.error_action
    assert await service.is_consistent()

    # A new version replaces the old one; a broken one leaves it where it is.
    await service.add_files(source, b_md=b"# B", guide_md=b"# Guide\n\nAnother text.")
    await service.run(source)
    await service.add_files(source, guide_md=b"\x7fELF")
    broken = await service.run(source)
    assert ("failed", "unsupported-format") in (await service.items(broken.id)).values()
    guide = (await service.documents())["upload:///guide.md"]
    assert (guide.state, guide.error_code) == ("indexed", "unsupported-format")
    assert "Another text" in guide.text

    # A retry comes back to what failed, and to nothing else.
    again = await service.run(source, kind="retry")
    assert all(state == "failed" for state, _ in (await service.items(again.id)).values())
    rebuilt = await service.run(None, kind="reindex")
    assert set(await service.states(rebuilt.id)) == {"indexed"}
    assert await service.is_consistent()


@pytest.fixture
def looks(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One more for each look of the worker, of which there are two a second, or one when woken."""
    assert worker._POLL_S <= 0.5
    made: list[None] = []
    obey = service.worker._obey

    async def look() -> None:
        made.append(None)
        await obey()

    monkeypatch.setattr(service.worker, "_obey", look)
    return made


async def test_a_run_is_cancelled_at_the_next_look(
    site: Site, service: Service, gate: asyncio.Event, looks: list[None]
) -> None:
    run_id = await service.queue(await service.add_website(site.url()))
    await site.until_asked("/p")
    await _set(service, run_id, cancel_requested=True)
    del looks[:]
    # The pages that are held are given up: nobody sets the gate before.
    assert (await service.wait(run_id)).state == "cancelled"
    assert len(looks) <= _LOOKS
    gate.set()


async def test_a_run_is_paused_at_the_next_look_and_goes_on(
    site: Site, service: Service, gate: asyncio.Event, looks: list[None]
) -> None:
    run_id = await service.queue(await service.add_website(site.url()))
    await site.until_asked("/p")
    await _set(service, run_id, pause_requested=True)
    del looks[:]
    assert (await service.wait(run_id)).state == "paused"
    assert len(looks) <= _LOOKS
    assert (await service.states(run_id))["found"] == 30
    await _set(service, run_id, pause_requested=False, state=RunState.QUEUED)
    gate.set()
    assert (await service.wait(run_id)).state == "succeeded"
    assert await service.states(run_id) == {"indexed": 31}


async def test_the_entries_of_a_feed_are_read(site: Site, service: Service) -> None:
    site.html("/a", page("Alpha", "/b"))
    site.reply("/feed", f"<rss><channel><item><link>{site.url('/a')}</link></item>"
               "</channel></rss>".encode())  # fmt: skip
    run = await service.run(await service.add_feed(site.url("/feed")))
    assert await service.items(run.id) == {site.url("/a"): ("indexed", "")}


async def test_a_source_is_read_again_when_its_schedule_says_so(
    site: Site, service: Service
) -> None:
    site.html("/", page("Home"))
    source_id = await service.add_website(site.url())
    async with service.database.writing() as session:
        values = {"schedule": "* * * * *", "created_at": utc_now() - timedelta(minutes=5)}
        await session.execute(update(Source).where(Source.id == source_id).values(**values))
    broken = await service.add_website(site.url("/x"))
    async with service.database.writing() as session:
        await session.execute(update(Source).where(Source.id == broken).values(schedule="never"))
    assert await queue_due(service.database) == 1
    assert await queue_due(service.database) == 0, "a run that is open is enough"
    async with service.database.reading() as session:
        run_id = await session.scalar(select(Run.id).where(Run.source_id == source_id))
    assert run_id is not None
    service.worker.wake()
    run = await service.wait(run_id)
    assert (run.state, run.trigger) == ("succeeded", "schedule")
    assert await queue_due(service.database) == 0, "it has just been read"


async def test_an_error_nobody_foresaw_ends_one_document_alone(
    site: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(CountingEncoder):
        def encode_passages(self, texts):  # type: ignore[no-untyped-def]
            if any("poison" in text for text in texts):
                raise ValueError("nobody foresaw this")
            return super().encode_passages(texts)

    monkeypatch.setattr(service.worker._jobs._runs._indexer._encoding, "encoder", Broken())
    site.html("/", page("Home", "/a", "/b"))
    site.html("/a", page("Alpha", words="poison"))
    site.html("/b", page("Beta"))
    run = await service.run(await service.add_website(site.url()))
    assert (await service.items(run.id))[site.url("/a")] == ("failed", "unexpected")
    assert await service.states(run.id) == {"indexed": 2, "failed": 1}


async def test_knowledge_bases_do_not_wait_for_each_other(
    site: Site, service: Service, gate: asyncio.Event
) -> None:
    large = await service.queue(await service.add_website(site.url()))
    await site.until_asked("/p")
    service.knowledge_base_id = uuid4()
    await service.add_knowledge_base(service.knowledge_base_id, "other")
    small = await service.run(await service.add_files(a_txt=b"some words to find"))
    assert small.state == "succeeded"
    gate.set()
    assert (await service.wait(large)).state == "succeeded"


async def _set(service: Service, run_id: object, **values: object) -> None:
    async with service.database.writing() as session:
        await session.execute(update(Run).where(Run.id == run_id).values(**values))
    service.worker.wake()
