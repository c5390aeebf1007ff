"""Where a call comes from: the peer of the socket, or the client that a proxy names whom the operator trusts.

`X-Forwarded-For` is whatever its sender likes. Each proxy adds the address that it saw at the end, so it is
read from there, for as long as those who added were trusted.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from quart import Request, Websocket

log = logging.getLogger(__name__)

UNIX = "unix"
"""How `PRODUCTFLO_TRUSTED_PROXIES` names whoever connects over a Unix socket."""
SITE_BITS = 64
"""Of an IPv6 address: who has one has all that begin like it (RFC 6177), and counts as one client."""
FORWARDED = "X-Forwarded-For"


@dataclass(slots=True)
class Proxies:
    """The proxies that are believed: addresses, networks, or `unix`."""

    trusted: Iterable[str]
    _networks: tuple[IPv4Network | IPv6Network, ...] = field(init=False)
    _told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._networks = tuple(ip_network(one) for one in self.trusted if one != UNIX)

    def address(self, call: Request | Websocket) -> str:
        """The client's address as limits count it; empty where nobody knows it."""
        client = call.scope.get("client")
        peer = str(client[0]) if client else ""
        forwarded = call.headers.getlist(FORWARDED)
        if forwarded and not self._trusts(peer) and not self._told:
            self._told = True
            log.warning(
                "%s says in %s whom it speaks for, and is not believed: all its clients share its limits. "
                "If it is a proxy of yours: PRODUCTFLO_TRUSTED_PROXIES=%s",
                peer or "A Unix socket",
                FORWARDED,
                peer or UNIX,
            )
        return counted(self.client(peer, forwarded))

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Who spoke to the first proxy that is not trusted to say for whom; `forwarded` are header values."""
        at = peer
        for said in reversed([one for value in forwarded for one in value.split(",")]):
            if not self._trusts(at):
                break
            hop = _without_port(said.strip())
            if not _is_address(hop):
                break
            at = hop
        return at

    def _trusts(self, address: str) -> bool:
        if not address:
            return UNIX in self.trusted
        if not _is_address(address):
            return False
        ip = ip_address(address)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self._networks)


def counted(address: str) -> str:
    """An address as limits count it: IPv4 as it is, IPv6 by its site."""
    if not _is_address(address):
        return address
    ip = ip_address(address)
    if not isinstance(ip, IPv6Address) or ip.is_loopback:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((int(ip) >> SITE_BITS << SITE_BITS, SITE_BITS)))


def _without_port(hop: str) -> str:
    """Some proxies write `192.0.2.7:52100` and `[2001:db8::7]:52100`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
