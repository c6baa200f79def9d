"""One document tried again, and nothing else with it."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from knowledge.store.queries.runs import RETRY_RUN, queue_run
from knowledge.store.tables import Document, Run, Source
from tests.ingestion.service import Service
from tests.ingestion.site import Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def retry(service: Service, address: str) -> Run:
    async with service.database.writing() as session:
        document = await session.scalar(
            select(Document).where(
                Document.address == address,
                Document.knowledge_base_id == service.knowledge_base_id,
            )
        )
        assert document is not None
        run = await queue_run(
            session, document.knowledge_base_id, document.source_id, RETRY_RUN, document.id
        )
    service.worker.wake()
    return await service.wait(run.id)


async def test_a_page_is_tried_again_alone(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/a", "/b"))
    for path in ("/a", "/b"):
        site.reply(path, b"", status=500)
    source = await service.add_website(site.url(), max_depth=1)
    await service.run(source)
    for path in ("/a", "/b"):
        site.html(path, page(f"Page {path}", f"{path}/deeper"))
    site.html("/a/deeper", page("Deeper"))
    site.asked.clear()
    run = await retry(service, site.url("/a"))
    # It stays as far from the start as it was: what it leads to is too deep.
    assert await service.items(run.id) == {site.url("/a"): ("indexed", "")}
    assert "/b" not in site.asked
    documents = await service.documents()
    assert documents[site.url("/b")].state == "failed"
    assert documents[site.url("/a")].depth == 1

    await _leave_out(service, source, "/b")
    run = await retry(service, site.url("/b"))
    assert (run.state, await service.items(run.id)) == ("succeeded", {})
    assert run.notes[0]["code"] == "not-covered"


async def test_an_entry_of_a_feed_is_tried_again_alone(site: Site, service: Service) -> None:
    links = "".join(f"<item><link>{site.url(f'/{name}')}</link></item>" for name in "ab")
    site.reply("/feed", f"<rss><channel>{links}</channel></rss>".encode())
    await service.run(await service.add_feed(site.url("/feed")))
    site.html("/a", page("A"))
    site.asked.clear()
    run = await retry(service, site.url("/a"))
    assert await service.items(run.id) == {site.url("/a"): ("indexed", "")}
    assert "/feed" not in site.asked


async def test_a_file_is_tried_again_alone(service: Service) -> None:
    await service.run(await service.add_files(a_pdf=b"%PDF-1.7 broken", b_pdf=b"%PDF-1.7 too"))
    run = await retry(service, "upload:///a.pdf")
    assert set(await service.items(run.id)) == {"upload:///a.pdf"}
    assert await service.states(run.id) == {"failed": 1}


async def _leave_out(service: Service, source_id: UUID, pattern: str) -> None:
    async with service.database.writing() as session:
        source = await session.get_one(Source, source_id)
        source.config = {**source.config, "exclude": [pattern]}
