"""The HTTP transport that connects to the very address that the guard has judged."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2

from ingestion.address_guard import AddressGuard


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to the address that the guard has judged, under the name that was asked for.

    One connection pool per host: two names on one address must not share a TLS connection that
    was verified for the first.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._pools: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the first judged address that answers."""
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await self._guard.addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._send(request, address)
            except httpx2.ConnectError:
                continue
        return await self._send(request, addresses[-1])

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._pool(request.url.host).handle_async_request(pinned)

    def _pool(self, host: str) -> httpx2.AsyncHTTPTransport:
        if host not in self._pools:
            self._pools[host] = httpx2.AsyncHTTPTransport(verify=_trusted(), trust_env=False)
        return self._pools[host]

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes 0.1 s, too long for every crawl."""
    return httpx2.create_ssl_context(trust_env=False)
