"""Sending what happened here to an address that an owner has set, never into a private network."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import httpx2

from ingestion.address_guard import AddressGuard, Resolver, resolve
from ingestion.transport import PinnedTransport
from knowledge.errors import AddressRefused, FetchRejected, SiteUnavailable

_TIMEOUT_S = 10.0


class Poster:
    """Posts JSON to addresses that the guard lets through. Follows no redirect.

    ``allowed_private_hosts``: hosts that an owner exempts from the guard.
    """

    def __init__(
        self,
        user_agent: str,
        allowed_private_hosts: Collection[str] = (),
        resolver: Resolver = resolve,
    ) -> None:
        self._user_agent = user_agent
        self._allowed = tuple(allowed_private_hosts)
        self._resolver = resolver

    async def check(self, address: str) -> None:
        """Raise :class:`AddressRefused` or :class:`SiteUnavailable` where nothing may be sent."""
        try:
            url = httpx2.URL(address)
        except httpx2.InvalidURL as error:
            raise AddressRefused(
                f"{address} is not an address.", "Give one like https://www.example.com/hook."
            ) from error
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            raise AddressRefused(
                f"{address} is not an address that can be posted to.",
                "Give one that begins with https://, without a name and a password in it.",
            )
        port = url.port or (443 if url.scheme == "https" else 80)
        await self._guard().addresses(url.host, port)

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body. Raises a :class:`FetchError` where it was not taken with a 2xx."""
        await self.check(address)
        sent = {"Content-Type": "application/json", "User-Agent": self._user_agent, **headers}
        transport = PinnedTransport(self._guard())
        try:
            async with httpx2.AsyncClient(
                transport=transport, timeout=_TIMEOUT_S, trust_env=False
            ) as client:
                answer = await client.post(address, content=body, headers=sent)
        except httpx2.HTTPError as error:
            raise SiteUnavailable(
                f"{address} does not answer: {error or type(error).__name__}.",
                "Check that it is up.",
            ) from error
        if not answer.is_success:
            raise FetchRejected(
                f"{address} answered with status {answer.status_code}.",
                "It must answer with a 2xx.",
                answer.status_code,
            )

    def _guard(self) -> AddressGuard:
        return AddressGuard(self._allowed, self._resolver)
