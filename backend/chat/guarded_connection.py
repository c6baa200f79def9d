"""Connections to endpoints that an assistant names: only to addresses that a guard has judged."""

from __future__ import annotations

import ssl

import httpx

from backend.chat.llm import Addresses


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Connects to the address that the guard has judged, under the name that was asked for.

    A name that is resolved twice may lead elsewhere the second time, so it is resolved once.
    """

    def __init__(self, addresses: Addresses, trusted: ssl.SSLContext) -> None:
        super().__init__(verify=trusted, trust_env=False)
        self._addresses = addresses

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first judged address."""
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = (await self._addresses(host, port))[0]
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await super().handle_async_request(pinned)
