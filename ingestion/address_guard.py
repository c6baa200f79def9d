"""Which network addresses a fetch may connect to.

A website's owner can point a name at any address, so the guard judges what a name resolves to,
and the fetch then connects to exactly the address that was judged. Resolving twice would let the
second answer differ from the first.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection

from knowledge.errors import AddressRefused, SiteUnavailable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = (
    # Not global by the registries, though older patch releases of Python 3.11 say they are.
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("100::/64"),
    ipaddress.ip_network("2001:db8::/32"),
)
_ACTION = "Add the host to CANDOR_ALLOWED_PRIVATE_HOSTS if it is yours and meant to be read."


async def resolve(host: str, port: int) -> list[str]:
    """Every address of ``host``, in the system's order. Raises ``OSError`` where there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).split("%")[0] for entry in found))


def is_public(address: IPAddress) -> bool:
    """Whether an address is on the public internet, also where IPv6 wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None and not is_public(inner):
            return False
        if inner is not None:
            return True
    if address.is_multicast or address.is_reserved or any(address in net for net in _SPECIAL):
        return False
    return address.is_global


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 address."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class AddressGuard:
    """Resolves a host once and refuses it where any of its addresses is not public.

    ``allowed``: hosts (``name``, ``name:port``) that an owner exempts. The outcome is kept for
    the life of the guard, so that one crawl talks to one address.
    """

    def __init__(self, allowed: Collection[str] = (), resolver: Resolver = resolve) -> None:
        self._allowed = frozenset(entry.lower().strip("[]") for entry in allowed)
        self._resolver = resolver
        self._known: dict[tuple[str, int], list[str]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, in order.

        Raises :class:`AddressRefused` where one is not public, and :class:`SiteUnavailable` where
        the name does not resolve.
        """
        key = (host.lower().rstrip("."), port)
        if key not in self._known:
            self._known[key] = await self._judge(*key)
        return self._known[key]

    async def _judge(self, host: str, port: int) -> list[str]:
        try:
            found = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise SiteUnavailable(
                f"The name {host} does not resolve.", "Check the spelling of the address."
            ) from error
        if self._is_allowed(host, port):
            return found
        for text in found:
            if not is_public(ipaddress.ip_address(text)):
                raise AddressRefused(f"{host} leads to the private address {text}.", _ACTION)
        return found

    def _is_allowed(self, host: str, port: int) -> bool:
        return host in self._allowed or f"{host}:{port}" in self._allowed
