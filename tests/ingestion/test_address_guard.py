from __future__ import annotations

import ipaddress

import pytest

from ingestion.address_guard import AddressGuard, is_public
from knowledge.errors import AddressRefused, SiteUnavailable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.192",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:0:0:0:0:80ff:fffe",
    ],
)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "::ffff:127.0.0.1", "localhost"]
)
async def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        await AddressGuard().addresses(host, 80)


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.7"]

    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7"):
        await AddressGuard(resolver=resolver).addresses("rebind.example", 443)


async def test_a_name_is_resolved_once() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    guard = AddressGuard(resolver=resolver)
    assert await guard.addresses("a.example", 443) == ["8.8.8.8"]
    assert await guard.addresses("A.example.", 443) == ["8.8.8.8"]


async def test_an_allowed_host_may_be_private_on_its_port_alone() -> None:
    guard = AddressGuard(["127.0.0.1:8080", "intranet"])
    assert await guard.addresses("127.0.0.1", 8080) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        await guard.addresses("127.0.0.1", 22)


async def test_a_name_that_does_not_resolve_is_a_site_that_is_down() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(SiteUnavailable):
        await AddressGuard(resolver=resolver).addresses("nowhere.example", 80)
