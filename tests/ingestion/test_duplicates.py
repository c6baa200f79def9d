"""Copies are indexed once, whichever was met first, and take the place of what goes."""

from __future__ import annotations

import pytest

from knowledge.index.conditions import belonging_to
from knowledge.store.queries.documents import remove_document
from tests.ingestion.service import CountingEncoder, Service
from tests.ingestion.site import Asked, Reply, Site, page

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = " ".join(f"word{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst")


def article(title: str, frame: str = "") -> str:
    return page(title, words=f"{frame} {WORDS}")


async def test_the_copy_that_came_first_gives_its_place_up(site: Site, service: Service) -> None:
    site.html("/", page("Home", "/returns/print-version"))
    printed = article("Returns, print view", "Print it.").replace("</main>", "<a href=/returns>web</a></main>")  # fmt: skip  # noqa: E501

    def conditional(asked: Asked) -> Reply:
        fresh = asked.headers.get("if-none-match") == '"1"'
        return (304, {}, b"") if fresh else (200, {"ETag": '"1"'}, printed.encode())

    site.pages["/returns/print-version"] = conditional
    site.html("/returns", article("Returns"))
    source = await service.add_website(site.url(), grace_days=0)
    run = await service.run(source)
    items = await service.items(run.id)
    assert items[site.url("/returns")] == ("indexed", "")
    assert items[site.url("/returns/print-version")] == ("skipped", "duplicate")
    documents = await service.documents()
    copy, original = (documents[site.url(p)] for p in ("/returns/print-version", "/returns"))
    assert (copy.state, copy.duplicate_of, copy.chunk_count) == ("duplicate", original.id, 0)
    assert await service.is_consistent()

    again = await service.run(source)
    assert set(await service.states(again.id)) == {"unchanged"}

    # The original goes: the copy is there still, and is searched from now on.
    del site.pages["/returns"]
    gone = await service.run(source)
    assert (await service.items(gone.id))[site.url("/returns/print-version")] == ("indexed", "")
    documents = await service.documents()
    assert documents[site.url("/returns/print-version")].state == "indexed"
    assert site.url("/returns") not in documents
    assert await service.is_consistent()


async def test_a_copy_of_a_deleted_document_takes_its_place(service: Service) -> None:
    text = f"# Handbook\n\n{WORDS}".encode()
    # Of two files the shorter name is kept, and of one length the first in the alphabet.
    source = await service.add_files(handbook2_md=text, handbook_md=text + b"\n")
    await service.run(source)
    documents = await service.documents()
    kept, copy = (documents[f"upload:///{name}.md"] for name in ("handbook", "handbook2"))
    assert (kept.state, copy.state, copy.duplicate_of) == ("indexed", "duplicate", kept.id)
    await service.index.delete(belonging_to("document", kept.id))
    async with service.database.writing() as session:
        await remove_document(session, kept)
    await service.worker._settling.settle_all()
    left = (await service.documents())["upload:///handbook2.md"]
    assert (left.state, left.duplicate_of, left.chunk_count > 0) == ("indexed", None, True)
    assert await service.is_consistent()


async def test_near_duplicates_can_be_kept_apart(service: Service) -> None:
    encoder = service.encoder
    assert isinstance(encoder, CountingEncoder)
    duplicates = service.worker._settling._duplicates
    text = f"# Guide\n\n{WORDS}".encode()
    source = await service.add_files(a_md=text, bb_md=text + b" more", copy_md=text)
    await service.run(source)
    assert await _states(service) == ["indexed", "duplicate", "duplicate"]
    encoded = encoder.encoded
    duplicates._near = False
    try:
        await service.run(source)
        assert await _states(service) == ["indexed", "indexed", "duplicate"]
        assert encoder.encoded > encoded
    finally:
        duplicates._near = True
    await service.run(source)
    assert await _states(service) == ["indexed", "duplicate", "duplicate"]


async def _states(service: Service) -> list[str]:
    documents = await service.documents()
    return [str(documents[f"upload:///{name}.md"].state) for name in ("a", "bb", "copy")]
