"""Which Host and Origin headers this server answers to: pure rules.

The Host rule stops DNS rebinding: a stranger's page whose name suddenly leads to this machine still sends
its own name. The Origin rule stops a stranger's page from speaking to this server with the visitor's cookie.
"""

import re
from ipaddress import IPv6Address

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a browser on this machine calls it."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)")


def own_hosts(server: tuple[str, int | None] | None, scheme: str) -> frozenset[str]:
    """The Host values of the socket that a request came in on: loopback names and its own address.

    An address typed by a person can not be rebound, so a phone that opens `http://192.168.1.5:8000` is let
    in without any setting. `server` is (address, port), or None and a port of None for a Unix socket.
    """
    if server is None or server[1] is None:
        return frozenset()
    address, port = server
    return frozenset(_without_default_port(f"{name}:{port}", scheme) for name in LOOPBACK | {_name(address)})


def is_allowed_host(host: str, scheme: str, own: frozenset[str], allowed: frozenset[str]) -> bool:
    """Whether `host` (a Host header) is one of `own`, or exactly one that the operator allowed."""
    host = host.lower()
    return _without_default_port(host, scheme) in own or host in allowed or _plain(host) in allowed


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` came from `host`. The schemes may differ: a proxy in front speaks TLS."""
    parts = _ORIGIN.fullmatch(origin.lower())
    return parts is not None and _without_default_port(parts[2], parts[1]) == _plain(host.lower())


def _without_default_port(host: str, scheme: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS.get(scheme.replace("ws", "http"), ""))


def _plain(host: str) -> str:
    """The host without a port that any of our schemes would leave out."""
    return host.removesuffix(":443").removesuffix(":80")


def _name(address: str) -> str:
    """An address as it stands in a URL: IPv6 in brackets, an IPv4 that came over an IPv6 socket as IPv4."""
    if ":" not in address:
        return address.lower()
    ip = IPv6Address(address.partition("%")[0])
    return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"[{ip.compressed}]"
