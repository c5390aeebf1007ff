"""Whose a call is, behind proxies that are trusted and others."""

import pytest

from productflo.web.address import Proxies, counted

LOCAL = ("127.0.0.1",)
CHAIN = ("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "192.0.2.7", [], "192.0.2.7"),
        ((), "192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        (LOCAL, "192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        (LOCAL, "127.0.0.1", [], "127.0.0.1"),
        (LOCAL, "127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (LOCAL, "::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (LOCAL, "127.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        (LOCAL, "127.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        (CHAIN, "127.0.0.1", ["203.0.113.9, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        (CHAIN, "127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        (CHAIN, "127.0.0.1", ["203.0.113.9, 2001:db8:1::5"], "203.0.113.9"),
        (LOCAL, "127.0.0.1", ["198.51.100.1:52100"], "198.51.100.1"),
        (LOCAL, "127.0.0.1", ["[2001:db8::7]:52100"], "2001:db8::7"),
        (LOCAL, "127.0.0.1", ["unknown"], "127.0.0.1"),
        (LOCAL, "127.0.0.1", ["198.51.100.1, "], "127.0.0.1"),
        (("unix",), "", ["198.51.100.1"], "198.51.100.1"),
        (LOCAL, "", ["198.51.100.1"], ""),
    ],
)
def test_the_last_who_was_not_trusted_is_the_client(
    trusted: tuple[str, ...], peer: str, forwarded: list[str], client: str
) -> None:
    """Whatever it wrote into the header before a trusted proxy added to it."""
    assert Proxies(trusted).client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("address", "as_counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::1"),
        ("2001:db8:1:2:aaaa::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::8", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_site_counts_as_one(address: str, as_counted: str) -> None:
    """Who has one IPv6 address has as many of the same site as they like."""
    assert counted(address) == as_counted
