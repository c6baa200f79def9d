from __future__ import annotations

import asyncio
import gzip
import zlib
from datetime import UTC, datetime

import pytest

from ingestion.decompress import Decompressor
from ingestion.fetch import Fetcher, FetchLimits
from knowledge.errors import (
    AddressRefused,
    FetchError,
    FetchRejected,
    ResponseDamaged,
    ResponseTooLarge,
    SiteUnavailable,
    TooManyRedirects,
)
from tests.ingestion.site import Asked, Reply, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_page_is_read_with_what_is_known_about_it(site: Site, fetcher: Fetcher) -> None:
    site.html("/", "<p>hi", ETag='"v1"', Last_Modified="Wed, 01 Jul 2026 10:00:00 GMT")
    page = await fetcher.fetch(site.url("/#top"))
    assert (page.status, page.data, page.media_type) == (200, b"<p>hi", "text/html")
    assert page.address == site.url("/")
    assert page.etag == '"v1"'
    assert page.modified_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


async def test_a_conditional_request_may_be_answered_with_304(site: Site, fetcher: Fetcher) -> None:
    def page(asked: Asked) -> Reply:
        fresh = asked.headers.get("if-none-match") == '"v1"'
        kept = {"Content-Encoding": "br"}  # Some servers repeat what the page was sent with.
        return (304, kept, b"") if fresh else (200, {"ETag": '"v1"'}, b"text")

    site.pages["/"] = page
    first = await fetcher.fetch(site.url())
    second = await fetcher.fetch(site.url(), etag=first.etag)
    assert (first.not_modified, second.not_modified) == (False, True)


async def test_redirects_are_followed_and_kept(site: Site, fetcher: Fetcher) -> None:
    site.redirect("/a", "/b", 301)
    site.redirect("/b", "/c")
    site.html("/c", "end")
    page = await fetcher.fetch(site.url("/a"))
    assert page.address == site.url("/c")
    assert page.redirects == (site.url("/a"), site.url("/b"))


async def test_a_redirect_loop_ends(site: Site, fetcher: Fetcher) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    with pytest.raises(TooManyRedirects):
        await fetcher.fetch(site.url("/a"))


async def test_endless_redirects_end(site: Site, fetcher: Fetcher) -> None:
    site.pages["/n"] = lambda asked: (302, {"Location": f"{asked.path}1"}, b"")
    for length in range(1, 10):
        site.pages["/n" + "1" * length] = site.pages["/n"]
    with pytest.raises(TooManyRedirects):
        await fetcher.fetch(site.url("/n"))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "http://user:password@example.org/",
    ],
)
async def test_a_redirect_to_where_nobody_may_go_is_refused(
    site: Site, fetcher: Fetcher, target: str
) -> None:
    site.redirect("/", target)
    with pytest.raises(AddressRefused):
        await fetcher.fetch(site.url())


async def test_a_redirect_that_the_caller_does_not_want_is_not_followed(
    site: Site, fetcher: Fetcher
) -> None:
    site.redirect("/", "/elsewhere")
    with pytest.raises(FetchRejected, match="elsewhere"):
        await fetcher.fetch(site.url(), may_follow=lambda address: "else" not in address)
    assert site.asked == ["/"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_small_response_that_unpacks_to_a_huge_one_is_stopped(
    site: Site, fetcher: Fetcher, encoding: str
) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    site.reply("/", pack(bytes(30_000_000)), Content_Encoding=encoding)
    with pytest.raises(ResponseTooLarge):
        await fetcher.fetch(site.url())


async def test_compressed_pages_are_unpacked(site: Site, fetcher: Fetcher) -> None:
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        "/gzip": ("gzip", gzip.compress(b"hello")),
        "/zlib": ("deflate", zlib.compress(b"hello")),
        "/raw": ("deflate", raw.compress(b"hello") + raw.flush()),
    }
    for path, (encoding, body) in bodies.items():
        site.reply(path, body, Content_Encoding=encoding)
        assert (await fetcher.fetch(site.url(path))).data == b"hello"


async def test_gzip_of_several_members_is_read_whole(site: Site, fetcher: Fetcher) -> None:
    members = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two ")
    for padding in (b"", b"\x1f", bytes(20)):
        site.reply("/", members + gzip.compress(bytes(80_000)) + padding, Content_Encoding="gzip")
        assert (await fetcher.fetch(site.url())).data == b"one two " + bytes(80_000)


async def test_compressed_bytes_may_come_one_by_one() -> None:
    raw = zlib.compressobj(wbits=-15)
    for encoding, body in (
        ("gzip", gzip.compress(b"one ") + gzip.compress(b"two")),
        ("deflate", zlib.compress(b"one two")),
        ("deflate", raw.compress(b"one two") + raw.flush()),
    ):
        decode = Decompressor(encoding, 100)
        assert b"".join(decode.feed(bytes([one])) for one in body) == b"one two"
        decode.finish()
        cut = Decompressor(encoding, 100)
        cut.feed(body[:1])
        with pytest.raises(ResponseDamaged):
            cut.finish()


async def test_members_do_not_get_around_the_limits(site: Site, fetcher: Fetcher) -> None:
    site.reply("/", gzip.compress(bytes(400_000)) * 3, Content_Encoding="gzip")
    with pytest.raises(ResponseTooLarge, match="over the limit"):
        await fetcher.fetch(site.url())
    site.reply("/", gzip.compress(b"") * 10_001, Content_Encoding="gzip")
    with pytest.raises(ResponseTooLarge, match="10,000 parts"):
        await fetcher.fetch(site.url())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw"])
async def test_compression_that_is_cut_off_is_an_error_and_tried_again(
    site: Site, fetcher: Fetcher, encoding: str
) -> None:
    raw = zlib.compressobj(wbits=-15)
    text = "".join(map(str, range(2_000))).encode()
    whole = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "raw": raw.compress(text) + raw.flush(),
    }[encoding]
    sent = {"Content-Encoding": encoding.replace("raw", "deflate")}
    replies: list[Reply] = [(200, sent, whole[:-9]), (200, sent, whole)]
    site.pages["/"] = lambda _: replies.pop(0)
    assert (await fetcher.fetch(site.url())).data == text
    replies += [(200, sent, whole[:cut]) for cut in (-1, -9)]
    with pytest.raises(ResponseDamaged, match="ends in the middle"):
        await fetcher.fetch(site.url())
    assert not replies
    # What is refused is refused, however its words are packed.
    site.reply("/", whole[:-9], status=404, Content_Encoding=encoding)
    with pytest.raises(FetchRejected):
        await fetcher.fetch(site.url())


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_damaged_or_unasked_compression_is_an_error(
    site: Site, fetcher: Fetcher, encoding: str
) -> None:
    site.reply("/", b"not compressed at all", Content_Encoding=encoding)
    with pytest.raises(FetchError):
        await fetcher.fetch(site.url())


async def test_a_declared_size_over_the_limit_is_not_read(site: Site, fetcher: Fetcher) -> None:
    site.reply("/", b"", Content_Length="36000000")
    with pytest.raises(ResponseTooLarge):
        await fetcher.fetch(site.url())


async def test_an_undeclared_size_over_the_limit_is_cut_off(site: Site, fetcher: Fetcher) -> None:
    chunk = b"%x\r\n" % 200_000 + b"x" * 200_000 + b"\r\n"
    reply: Reply = (200, {"Transfer-Encoding": "chunked"}, chunk * 8 + b"0\r\n\r\n")
    site.pages["/"] = lambda _: reply
    with pytest.raises(FetchError):
        await fetcher.fetch(site.url())


async def test_a_server_that_never_ends_its_answer_is_given_up(site: Site) -> None:
    async def slow(_: Asked) -> Reply:
        await asyncio.sleep(30)
        return 200, {}, b""

    site.pages["/"] = slow
    async with Fetcher(FetchLimits(timeout_s=0.2), [site.host]) as fetcher:
        with pytest.raises(SiteUnavailable, match=r"0\.2 s"):
            await fetcher.fetch(site.url())


async def test_a_site_that_is_down_is_unavailable(site: Site, fetcher: Fetcher) -> None:
    await site.stop()
    with pytest.raises(SiteUnavailable):
        await fetcher.fetch(site.url())


async def test_a_busy_server_is_asked_again(site: Site, fetcher: Fetcher) -> None:
    replies: list[Reply] = [(503, {"Retry-After": "0"}, b""), (200, {}, b"ok")]
    site.pages["/"] = lambda _: replies.pop(0)
    assert (await fetcher.fetch(site.url())).data == b"ok"


@pytest.mark.parametrize("status", [401, 404, 410, 500])
async def test_a_status_that_says_no_is_named(site: Site, fetcher: Fetcher, status: int) -> None:
    site.reply("/", b"", status=status)
    with pytest.raises(FetchRejected) as caught:
        await fetcher.fetch(site.url())
    assert caught.value.status == status


@pytest.mark.parametrize("address", ["", "www.example.org", "http://", "javascript:alert(1)"])
async def test_what_is_not_a_web_address_is_refused(fetcher: Fetcher, address: str) -> None:
    with pytest.raises(AddressRefused):
        await fetcher.fetch(address)
