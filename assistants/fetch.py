"""Reading web pages that somebody in a room names, without becoming their way into the operator's network.

An address is looked up once, and what was looked up is what is connected to: a name that points elsewhere the
second time gains nothing. Every redirect is a new address to be judged.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from assistants.page_text import PageText, page_text
from assistants.surrogates import mended

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

SECONDS = 15.0
"""For one address, redirects and all: a person waits for the answer behind it."""
MAX_BYTES = 2_097_152
"""Of a page as it comes; the longest articles have some 500 KB."""
MAX_CHARACTERS = 60_000
"""Of a page's text that is given to a model: about 15,000 tokens. What follows is cut."""
MAX_REDIRECTS = 3
"""A page that moved, its https, its language."""
AGENT = "ProductFlo-chat (reads pages that people in a room name)"

HTML = frozenset({"text/html", "application/xhtml+xml"})
TEXTS = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/csv", "application/json"})
NAT64 = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway turns into the IPv4 address in their last 32 bits."""

Address = IPv4Address | IPv6Address


class NotRead(Exception):
    """Why an address was not read, in words for the room."""


@dataclass(frozen=True, slots=True)
class Source:
    """What stands at an address. `cut` tells that there was more than `text`."""

    url: str
    title: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Reads http and https addresses of the public internet, and of the hosts that the operator allows.

    `allowed` are names or addresses (`wiki.internal`, `10.0.0.5`), with a port where only that one is meant
    (`10.0.0.5:8080`). `trusted` says whose certificates count, where it is not the usual authorities.
    """

    allowed: frozenset[str] = field(default_factory=frozenset)
    seconds: float = SECONDS
    max_bytes: int = MAX_BYTES
    trusted: ssl.SSLContext | None = None

    @classmethod
    def allowing(cls, hosts: Iterable[str]) -> "Fetcher":
        """A fetcher that also reads these hosts, whatever their addresses are."""
        return cls(frozenset(host.casefold() for host in hosts))

    async def read(self, url: str) -> Source:
        """The text at an address. Raises `NotRead`. Cancelling closes the connection."""
        import httpx2  # 100 ms that only who reads pages waits for.

        try:
            async with asyncio.timeout(self.seconds):
                return await self._read(url)
        except TimeoutError:
            raise NotRead(f"it did not answer within {self.seconds:g} s") from None
        except httpx2.InvalidURL:
            raise NotRead("it is not a web address") from None
        except (httpx2.HTTPError, OSError) as error:
            log.info("A source was not read: %r", error)
            raise NotRead("it is not reachable") from None

    async def _read(self, url: str) -> Source:
        import httpx2

        # No connection is used twice: one that was made for a host must not serve another at its address.
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(
            trust_env=False, timeout=self.seconds, limits=limits, verify=self.trusted or True
        ) as client:
            at = httpx2.URL(url)
            for _ in range(MAX_REDIRECTS + 1):
                found = await self._look(client, at)
                if isinstance(found, Source):
                    return found
                at = found
        raise NotRead(f"it redirects more than {MAX_REDIRECTS} times")

    async def _look(self, client: "httpx2.AsyncClient", url: "httpx2.URL") -> "Source | httpx2.URL":
        """What stands there, or where it redirects to."""
        address = await self._address(url)
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address), fragment=None),
            headers={
                "Host": url.netloc.decode(),
                "User-Agent": AGENT,
                "Accept": "text/html, text/plain, text/markdown;q=0.9, */*;q=0.1",
                "Accept-Encoding": "identity",  # What is unpacked here could be a thousand times as long.
            },
            extensions={"sni_hostname": url.raw_host.decode()},
        )
        response = await client.send(request, stream=True)
        try:
            if response.has_redirect_location:
                return url.join(response.headers["location"])
            _check(response)
            content, cut = await self._content(response)
        finally:
            await response.aclose()
        return await _source(str(url), response, content, cut)

    async def _content(self, response: "httpx2.Response") -> tuple[bytes, bool]:
        """The body up to `max_bytes`, and whether there was more."""
        content = bytearray()
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                content += chunk
                if len(content) > self.max_bytes:
                    return bytes(content[: self.max_bytes]), True
        return bytes(content), False

    async def _address(self, url: "httpx2.URL") -> Address:
        """The address to connect to. Raises `NotRead` for one that nobody outside may name."""
        if url.scheme not in ("http", "https") or not url.host:
            raise NotRead("only https and http addresses are read")
        if url.userinfo:
            raise NotRead("an address with a password in it is not read")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                url.raw_host.decode(), port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError):  # UnicodeError: a part of the name is empty, or too long.
            raise NotRead(f"there is no host {url.host}") from None
        addresses = [ip_address(place[0]) for *_, place in found]
        host = url.host.casefold()
        if {host, f"{host}:{port}"} & self.allowed:
            return addresses[0]
        if not all(is_public(one) for one in addresses):
            raise NotRead("it is in a private network; the operator can allow its host")
        return addresses[0]


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, also where another is written within it."""
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if within is None and address in NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return is_public(within)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _check(response: "httpx2.Response") -> None:
    if response.status_code != 200:
        raise NotRead(f"it answered with status {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotRead("it came compressed, though it was asked not to")
    if (kind := _kind(response)) not in HTML | TEXTS:
        raise NotRead(f"it is of the type {kind[:80]}, which is not read")


def _kind(response: "httpx2.Response") -> str:
    return str(response.headers.get("content-type", "no type")).partition(";")[0].strip().lower()


async def _source(url: str, response: "httpx2.Response", content: bytes, cut: bool) -> Source:
    try:
        text = mended(content.decode(response.charset_encoding or "utf-8", "replace"))
    except (LookupError, UnicodeError):  # An encoding that nobody knows, or that can not leave out a mistake.
        text = content.decode("utf-8", "replace")
    page = await asyncio.to_thread(page_text, text) if _kind(response) in HTML else PageText("", text.strip())
    if not page.text:
        raise NotRead("it has no text")
    return Source(url, page.title, page.text[:MAX_CHARACTERS], cut or len(page.text) > MAX_CHARACTERS)
