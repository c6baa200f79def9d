from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from ingestion.parse.archive import Member
from ingestion.parse.formats import detect
from ingestion.parse.pool import ParseLimits, ParserPool
from ingestion.parse.reading import FileToRead
from ingestion.sources.unpack import is_archive
from knowledge.errors import DamagedDocument, DocumentTooLarge, ParserCrashed
from tests.ingestion.files import docx, pdf, zipped

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ParserPool]:
    limits = ParseLimits(timeout_s=20, memory_mb=400, max_bytes=50_000_000, processes=1)
    async with ParserPool(limits) as made:
        yield made


async def test_files_are_read_one_after_the_other_by_the_same_child(pool: ParserPool) -> None:
    first = await pool.read(FileToRead("# Größe\n\nText 漢".encode(), "a.md"))
    child = pool._idle[0]
    second = await pool.read(FileToRead(b"", "b.md"))
    assert first.document_or_raise().text == "# Größe\n\nText 漢"
    assert type(second.failure).__name__ == "EmptyDocument"
    assert pool._idle == [child]


async def test_a_child_that_no_file_comes_for_is_ended() -> None:
    async with ParserPool(ParseLimits(processes=1, idle_s=0.01)) as pool:
        await pool.read(FileToRead(b"one", "a.txt"))
        (child,) = pool._idle
        async with asyncio.timeout(20):
            while child._process.returncode is None:
                await asyncio.sleep(0.01)
        assert pool._idle == []
        again = await pool.read(FileToRead(b"two", "b.txt"))
        assert again.document_or_raise().text == "two"


async def test_a_reply_longer_than_any_buffer_arrives_whole(pool: ParserPool) -> None:
    text = "word " * 600_000
    found = await pool.read(FileToRead(text.encode(), "a.txt"))
    assert found.document_or_raise().text == text.strip() + " "


async def test_a_file_that_takes_too_much_memory_ends_its_own_reading(pool: ParserPool) -> None:
    html = b"<main>" + b"<p>Some words to read.</p>" * 800_000
    found = await pool.read(FileToRead(html, "a.html"))
    # Not every library survives a refused allocation long enough to say so.
    assert isinstance(found.failure, DocumentTooLarge | ParserCrashed)
    again = await pool.read(FileToRead(b"still alive", "a.txt"))
    assert again.document is not None


async def test_a_child_that_dies_is_one_failed_file(pool: ParserPool) -> None:
    async def kill_children() -> None:
        while True:
            for child in list(pool._busy):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            await asyncio.sleep(0.001)

    killer = asyncio.create_task(kill_children())
    found = await pool.read(FileToRead(b"<p>words</p>" * 100_000, "a.html"))
    killer.cancel()
    assert type(found.failure).__name__ == "ParserCrashed"
    assert (await pool.read(FileToRead(b"words", "a.txt"))).document is not None


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    async with ParserPool(ParseLimits(timeout_s=0.05, processes=1)) as pool:
        found = await pool.read(FileToRead(b"words", "a.txt"))
    assert isinstance(found.failure, DocumentTooLarge)
    assert "0.05 s" in found.failure.detail


async def test_a_file_over_the_size_limit_is_not_read(pool: ParserPool) -> None:
    found = await pool.read(FileToRead(bytes(50_000_001)))
    assert isinstance(found.failure, DocumentTooLarge)


async def unpacked(pool: ParserPool, data: bytes) -> dict[str, bytes]:
    members: dict[str, bytes] = {}

    async def take(member: Member) -> None:
        assert member.name not in members
        members[member.name] = member.data

    await pool.unpack(data, take)
    return members


async def test_archives_are_unpacked_under_safe_names(pool: ParserPool) -> None:
    files = {"../../etc/a.txt": "1", "b\x07\u202e/./c.txt": "2", "__MACOSX/x": "3", ".hidden": "4"}
    more = {"folder/": "", "/root.txt": "5", "root.txt": "6", "..": "7"}
    made = io.BytesIO(zipped({**files, **more}))
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert await unpacked(pool, made.getvalue()) == {
        "etc/a.txt": b"1",
        "b/c.txt": b"2",
        "root.txt": b"5",
        "root (2).txt": b"6",
        "file": b"7",
    }


async def test_an_archive_that_unpacks_to_too_much_is_refused(pool: ParserPool) -> None:
    with pytest.raises(DocumentTooLarge):
        await unpacked(pool, zipped({"zeros": bytes(101_000_000)}))


async def test_a_damaged_archive_is_named(pool: ParserPool) -> None:
    data = bytearray(zipped({"a.txt": "words " * 1000}))
    data[60:90] = b"x" * 30
    with pytest.raises(DamagedDocument):
        await unpacked(pool, bytes(data))


LAUGHS = "".join(f'<!ENTITY {a} "{f"&{b};" * 10}">' for b, a in pairwise("abcdefghij"))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol lol lol">{LAUGHS}]>'
THEFT = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'


def word_file(head: str) -> bytes:
    """A Word document with an entity of its own in it."""
    names = zipfile.ZipFile(io.BytesIO(docx("words &j; more words"))).namelist()
    with zipfile.ZipFile(io.BytesIO(docx("words &j; more words"))) as whole:
        parts = {name: whole.read(name).decode() for name in names}
    body = parts["word/document.xml"].removeprefix('<?xml version="1.0"?>')
    return zipped({**parts, "word/document.xml": head + body})


def nested_mail(depth: int) -> bytes:
    head = "From: a@b\nTo: c@d\nSubject: x\nMIME-Version: 1.0\n"
    kind = "Content-Type: multipart/mixed; boundary=b{0}\n\n--b{0}\n"
    return (head + "".join(kind.format(n) for n in range(depth)) + "\nwords").encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (nested_mail(1500), "document-too-large"),
        (b"[" * 200_000, "damaged-document"),
        (pdf("some words")[:150], "damaged-document"),
        (b"%PDF-1.4\n" + bytes(range(256)) * 100, "damaged-document"),
        (f"{BOMB}<lolz>&j;</lolz>".encode(), "unsupported-format"),
        (zipped({"[Content_Types].xml": bytes(150_000_000)}), "unsupported-format"),
    ],
    ids=["mail", "json", "cut", "noise", "entities", "bomb"],
)
async def test_what_is_hostile_ends_in_one_named_reason(
    pool: ParserPool, data: bytes, code: str
) -> None:
    name = "x.json" if data.startswith(b"[") else ""
    found = await pool.read(FileToRead(data, name))
    assert found.failure is not None
    assert (found.failure.code, bool(found.failure.action)) == (code, True)
    assert (await pool.read(FileToRead(b"words", "a.txt"))).document is not None


@pytest.mark.parametrize("head", [BOMB, THEFT], ids=["bomb", "theft"])
async def test_entities_of_a_document_are_not_followed(pool: ParserPool, head: str) -> None:
    found = await pool.read(FileToRead(word_file(head)))
    text = found.document.text if found.document else ""
    assert len(text) < 100
    assert "root:" not in text


async def test_what_is_told_of_an_archive_is_not_believed() -> None:
    """The worker itself looks at what an upload is: that alone must not fill its memory."""
    packed = zipped({"mimetype": bytes(200_000_000), "a.txt": "words"})
    tracemalloc.start()
    assert is_archive(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    end = packed.rfind(b"PK\x05\x06")
    huge = packed[: end + 12] + (50_000_000).to_bytes(4, "little") + packed[end + 16 :]
    assert not is_archive(huge)
    with pytest.raises(DocumentTooLarge, match="table of contents"):
        detect(FileToRead(huge))
