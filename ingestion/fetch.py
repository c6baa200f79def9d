"""Address to bytes: over HTTP(S), within limits, and never into a private network."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx2

from ingestion.address_guard import AddressGuard, Resolver, resolve
from ingestion.decompress import ACCEPTED, Decompressor
from ingestion.transport import PinnedTransport
from knowledge.errors import (
    AddressRefused,
    FetchError,
    FetchRejected,
    ResponseDamaged,
    ResponseTooLarge,
    SiteUnavailable,
    TooManyRedirects,
)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})
_RETRIES = 2
_FIRST_WAIT_S = 0.3
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """``timeout_s`` is for the whole response, ``max_bytes`` counts before and after decoding."""

    timeout_s: float = 20.0
    max_bytes: int = 40_000_000
    max_redirects: int = 10
    per_host: int = 8
    user_agent: str = "CandorBot/0.1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response. ``address`` is the final one; ``not_modified`` means a 304 without a body."""

    address: str
    status: int
    data: bytes
    headers: httpx2.Headers
    redirects: tuple[str, ...] = ()

    @property
    def not_modified(self) -> bool:
        """Whether the server says that what was read before still holds."""
        return self.status == 304

    @property
    def content_type(self) -> str:
        """The Content-Type header as sent, with its parameters."""
        return str(self.headers.get("content-type", ""))

    @property
    def media_type(self) -> str:
        """The declared type without parameters, in lower case."""
        return self.content_type.split(";")[0].strip().lower()

    @property
    def etag(self) -> str:
        """The entity tag, for the next conditional request."""
        return str(self.headers.get("etag", ""))[:500]

    @property
    def last_modified(self) -> str:
        """The Last-Modified header, for the next conditional request."""
        return str(self.headers.get("last-modified", ""))[:100]

    @property
    def modified_at(self) -> datetime | None:
        """Last-Modified as a time in UTC, or ``None`` where it is missing or nonsense."""
        try:
            return email.utils.parsedate_to_datetime(self.last_modified).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return None


class _Host:
    """Manners towards one host: so many requests at once, so long between two."""

    def __init__(self, at_once: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.delay_s = 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next request may start."""
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self.delay_s
        if start > now:
            await asyncio.sleep(start - now)


class Fetcher:
    """Reads addresses. Use as an async context manager; one for each run keeps cookies apart.

    ``allowed_private_hosts``: hosts that an owner exempts from the guard. ``received_bytes``: all
    that came in responses, unpacked.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        allowed_private_hosts: Collection[str] = (),
        resolver: Resolver = resolve,
    ) -> None:
        self.limits = limits or FetchLimits()
        self.received_bytes = 0
        self._hosts: dict[str, _Host] = {}
        self._client = httpx2.AsyncClient(
            transport=PinnedTransport(AddressGuard(allowed_private_hosts, resolver)),
            headers={
                "User-Agent": self.limits.user_agent,
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
                "Accept-Encoding": ACCEPTED,
            },
            timeout=self.limits.timeout_s,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def slow_down(self, host: str, delay_s: float) -> None:
        """Leave at least ``delay_s`` between requests to ``host``, one at a time."""
        before = self._hosts.get(host)
        self._hosts[host] = _Host(at_once=1)
        self._hosts[host].delay_s = max(delay_s, before.delay_s if before else 0.0)

    async def fetch(
        self,
        address: str,
        *,
        etag: str = "",
        last_modified: str = "",
        may_follow: Callable[[str], bool] = lambda _: True,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Read an address, following redirects that ``may_follow`` agrees with.

        With ``etag`` or ``last_modified`` from an earlier read the server may answer 304. A busy
        server (429, 503) is asked again, twice at most. Raises a :class:`FetchError`; a redirect
        that may not be followed raises :class:`FetchRejected` with the redirect's status.
        Further ``headers`` are sent to the host of ``address`` alone.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        sent = dict(headers or {}) | {name: value for name, value in conditions.items() if value}
        for attempt in range(_RETRIES):
            try:
                fetched = await self._follow(address, sent, may_follow)
            except (SiteUnavailable, ResponseDamaged) as error:
                # A refused connection is often a server that is just restarting, and a response
                # that ends too soon one that was.
                is_passing = isinstance(error, ResponseDamaged) or isinstance(
                    error.__cause__, httpx2.NetworkError
                )
                if attempt or not is_passing:
                    raise
                await asyncio.sleep(_FIRST_WAIT_S)
                continue
            if fetched.status not in _BUSY:
                return _accepted(fetched)
            await asyncio.sleep(_wait_s(fetched))
        return _accepted(await self._follow(address, sent, may_follow))

    async def _follow(
        self, address: str, headers: dict[str, str], may_follow: Callable[[str], bool]
    ) -> Fetched:
        seen: list[str] = []
        url = _checked(address)
        while True:
            fetched = await self._one(url, headers, tuple(seen))
            location = fetched.headers.get("location", "")
            if fetched.status not in _REDIRECTS or not location:
                return fetched
            seen.append(str(url))
            before, url = url, _checked(str(url.join(location)))
            if url.netloc != before.netloc:
                headers = {}
            if str(url) in seen or len(seen) > self.limits.max_redirects:
                raise TooManyRedirects(
                    f"{address} redirects in a circle or too often ({len(seen)} times).",
                    "Check the redirects on the website.",
                )
            if not may_follow(str(url)):
                raise FetchRejected(
                    f"{address} redirects to {url}, outside of what may be read.",
                    "Add that address as a source of its own if it is wanted.",
                    status=fetched.status,
                )

    async def _one(
        self, url: httpx2.URL, headers: dict[str, str], redirects: tuple[str, ...]
    ) -> Fetched:
        host = self._hosts.setdefault(url.host, _Host(self.limits.per_host))
        async with host.slots:
            await host.turn()
            async with self._response(url, headers) as response:
                data = await self._body(response)
        return Fetched(str(url), response.status_code, data, response.headers, redirects)

    @asynccontextmanager
    async def _response(
        self, url: httpx2.URL, headers: dict[str, str]
    ) -> AsyncIterator[httpx2.Response]:
        try:
            async with (
                asyncio.timeout(self.limits.timeout_s),
                self._client.stream("GET", url, headers=headers) as response,
            ):
                yield response
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise SiteUnavailable(
                f"{url} did not answer within {self.limits.timeout_s:g} s.",
                "Try again later, or raise CANDOR_FETCH_TIMEOUT_S.",
            ) from error
        except httpx2.NetworkError as error:
            raise SiteUnavailable(
                f"{url} cannot be reached: {error or type(error).__name__}.",
                "Check that the website is up, and try again.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FetchError(
                f"{url} could not be read: {error or type(error).__name__}.",
                "Check the website's server.",
            ) from error

    async def _body(self, response: httpx2.Response) -> bytes:
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.limits.max_bytes:
            raise ResponseTooLarge(
                f"{response.url} says it has {int(declared):,} bytes; "
                f"the limit is {self.limits.max_bytes:,}.",
                "Raise CANDOR_FETCH_MAX_BYTES if pages of this size are meant to be read.",
            )
        is_wanted = 200 <= response.status_code < 300
        encoding = response.headers.get("content-encoding", "") if is_wanted else ""
        decode = Decompressor(encoding, self.limits.max_bytes)
        received = bytearray()
        # Read to the end even where it is thrown away, so that the connection can be used again.
        try:
            async for raw in response.aiter_raw():
                data = decode.feed(raw)
                if is_wanted:
                    received += data
            decode.finish()
        finally:
            self.received_bytes += decode.taken
        return bytes(received)


def _checked(address: str) -> httpx2.URL:
    """The address as a URL. Raises :class:`AddressRefused` where it is not plain http(s)."""
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise AddressRefused(
            f"{address[:200]!r} is not a web address.", "Write it as https://host/path."
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressRefused(
            f"{address[:200]!r} is not an http or https address.",
            "Write it as https://host/path.",
        )
    if url.userinfo:
        raise AddressRefused(
            f"The address on {url.host} holds a name or password.", "Leave them out."
        )
    return url.copy_with(fragment=None) if url.fragment else url


def _accepted(fetched: Fetched) -> Fetched:
    """The response, or :class:`FetchRejected` where its status says no."""
    if fetched.status < 400 and (fetched.status == 304 or fetched.status < 300):
        return fetched
    raise FetchRejected(
        f"{fetched.address} answered with status {fetched.status}.",
        "Try again later." if fetched.status in _BUSY else "Check the address in a browser.",
        status=fetched.status,
    )


def _wait_s(fetched: Fetched) -> float:
    """How long a busy server asks us to wait, within reason."""
    asked = fetched.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdigit() else 1.0
