"""Pages over TLS: the connection goes to the address that was judged, the certificate is the name's."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority, serving
from web_site import Site, site

from assistants.fetch import Fetcher, NotRead

NAME = "wiki.example"
HERE, THERE = "127.0.0.1", "127.0.0.2"


class Names:
    """A name server: what each name is, one answer after the other; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {NAME: [HERE], "internal.example": [HERE]}
        self.asked: list[str] = []

    async def look_up(self, host: str | bytes, port: int, **_: object) -> list[tuple[object, ...]]:
        """As a loop's `getaddrinfo`; an address is itself."""
        host = host if isinstance(host, str) else host.decode()
        self.asked.append(host)
        known = self.answers.get(host, [host])
        address = known.pop(0) if len(known) > 1 else known[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The one that is asked within the test."""
    names = Names()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.look_up)
    return names


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The one that the fetcher trusts."""
    return Authority(tmp_path)


@pytest.fixture
async def wiki(authority: Authority) -> AsyncIterator[Site]:
    """A server that is what its certificate says."""
    async with site(serving(authority.sign(NAME))) as served:
        served.put("/", b"<title>Wiki</title><p>M4 holds 40 N.</p>")
        yield served


def fetcher(authority: Authority, *hosts: str) -> Fetcher:
    """One that may read these hosts, and no other of this machine."""
    return Fetcher(frozenset(hosts), seconds=5, trusted=ssl.create_default_context(cafile=authority.cert))


async def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(NotRead) as told:
        await fetcher.read(url)
    return str(told.value)


async def test_the_name_is_checked_and_the_address_is_connected_to(
    names: Names, authority: Authority
) -> None:
    """The server is told the name, by SNI and Host; the name is looked up once."""
    said: list[str | None] = []
    tls = serving(authority.sign(NAME))
    tls.sni_callback = lambda sslsocket, name, context: said.append(name)
    async with site(tls) as wiki:
        wiki.put("/", b"<title>Wiki</title><p>M4 holds 40 N.</p>")
        source = await fetcher(authority, NAME).read(wiki.url(host=NAME))
        assert (source.title, source.url) == ("Wiki", wiki.url(host=NAME))
        assert said == [NAME]
        assert f"host: {NAME}:{wiki.port}\r\n" in wiki.asked[0].lower()
    assert names.asked == [NAME]


@pytest.mark.parametrize("signed", ["other.example", HERE])
async def test_a_certificate_for_something_else(names: Names, authority: Authority, signed: str) -> None:
    """Another name's, or the address's: nothing is asked of who shows it."""
    async with site(serving(authority.sign(signed))) as impostor:
        impostor.put("/", b"<p>Trust me.</p>")
        url = impostor.url(host=NAME)
        assert await refused(fetcher(authority, NAME), url) == "it is not reachable"
        assert impostor.asked == []


async def test_a_certificate_of_somebody_unknown(names: Names, wiki: Site) -> None:
    """The authorities are the usual ones, where no other is named."""
    url = wiki.url(host=NAME)
    assert await refused(Fetcher(frozenset({NAME}), seconds=5), url) == "it is not reachable"
    assert wiki.asked == []


async def test_a_redirect_inwards(names: Names, authority: Authority, wiki: Site) -> None:
    """Each place that an https page sends to is judged by its own address, whatever its name and scheme."""
    async with site(serving(authority.sign("internal.example"))) as internal, site() as plain:
        internal.put("/", b"<p>Secret</p>")
        plain.put("/", b"<p>Secret</p>")
        for to in (internal.url(host="internal.example"), internal.url(), plain.url()):
            wiki.move("/inward", to)
            told = await refused(fetcher(authority, NAME), wiki.url("/inward", host=NAME))
            assert "private network" in told
        assert internal.asked == plain.asked == []


async def test_a_name_that_points_elsewhere_the_second_time(
    names: Names, authority: Authority, wiki: Site
) -> None:
    """What was judged is connected to; who is pointed to then, with a certificate that is right, is not."""
    names.answers[NAME] = [HERE, THERE]
    async with site(serving(authority.sign(NAME)), host=THERE, port=wiki.port) as rebound:
        rebound.put("/", b"<title>Rebound</title><p>Secret</p>")
        source = await fetcher(authority, NAME).read(wiki.url(host=NAME))
        assert source.title == "Wiki"
        assert rebound.asked == []


async def test_a_name_that_points_inwards_the_second_time(
    names: Names, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that moves to another path of its own host is looked up anew, and judged anew."""
    monkeypatch.setattr("assistants.fetch.is_public", lambda address: str(address) == THERE)
    names.answers["public.example"] = [THERE, HERE]
    tls = serving(authority.sign("public.example"))
    async with site(tls, host=THERE) as public, site(tls, port=public.port) as internal:
        internal.put("/secret", b"<p>Secret</p>")
        public.move("/", "/secret")
        assert "private network" in await refused(fetcher(authority), public.url(host="public.example"))
        assert [head.split()[1] for head in public.asked] == ["/"]
        assert internal.asked == []
    assert names.asked == ["public.example"] * 2
