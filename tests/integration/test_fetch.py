"""Reading web pages: what is read, and what nobody in a room can make this server read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
from web_site import Site, site

from assistants.fetch import MAX_CHARACTERS, Fetcher, NotRead, is_public

PAGE = b"""<html><head><title> M4  screws </title><style>p{}</style></head><body><nav>Home</nav>
<h1>Screws</h1><p>An M4 screw <b>holds</b> 40&nbsp;N.</p><script>alert(1)</script>
<ul><li>steel</li><li>brass</li></ul><table><tr><td>pitch</td><td>0.7</td></tr></table></body></html>"""


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as served:
        yield served


@pytest.fixture
def fetcher(web: Site) -> Fetcher:
    """One whose operator allows that server, and no other."""
    return Fetcher(frozenset({f"127.0.0.1:{web.port}"}), seconds=5)


async def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(NotRead) as told:
        await fetcher.read(url)
    return str(told.value)


async def test_a_page_is_its_text(web: Site, fetcher: Fetcher) -> None:
    """Title, headings, lists and tables; no scripts, no styles, no navigation."""
    web.put("/m4", PAGE)
    source = await fetcher.read(web.url("/m4#pitch"))
    assert source.title == "M4 screws"
    assert source.text == "# Screws\nAn M4 screw holds 40 N.\n- steel\n- brass\n| pitch | 0.7"
    assert not source.cut
    assert "GET /m4 HTTP" in web.asked[0]
    assert f"host: 127.0.0.1:{web.port}" in web.asked[0].lower()


@pytest.mark.parametrize("kind", ["text/plain", "text/markdown", "text/csv", "application/json"])
async def test_text_is_read_as_it_is(web: Site, fetcher: Fetcher, kind: str) -> None:
    """Of any of these types, in the encoding that it names."""
    web.put("/notes", "# Größe <b>".encode("latin-1"), f"{kind}; charset=latin-1")
    assert (await fetcher.read(web.url("/notes"))).text == "# Größe <b>"


async def test_a_long_page_is_cut(web: Site, fetcher: Fetcher) -> None:
    """At what a model is given, and at what is fetched at all; both are told."""
    web.put("/long", b"a" * (MAX_CHARACTERS + 1), "text/plain")
    source = await fetcher.read(web.url("/long"))
    assert (len(source.text), source.cut) == (MAX_CHARACTERS, True)
    small = Fetcher(fetcher.allowed, max_bytes=100)
    source = await small.read(web.url("/long"))
    assert (len(source.text), source.cut) == (100, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://224.0.0.1/",
    ],
)
async def test_the_operators_network_is_not_read(web: Site, url: str) -> None:
    """However its addresses are written; nothing is even asked there."""
    web.put("/", PAGE)
    assert "private network" in await refused(Fetcher(), url.format(port=web.port))
    assert not web.asked


async def test_only_the_host_and_port_that_are_allowed(web: Site, fetcher: Fetcher) -> None:
    """Another name of the same address is not."""
    web.put("/", PAGE)
    assert "private network" in await refused(fetcher, web.url(host="localhost"))
    assert "private network" in await refused(fetcher, "http://127.0.0.1:1/")
    assert (await Fetcher.allowing(["LOCALHOST"]).read(web.url(host="localhost"))).title


async def test_each_redirect_is_judged(web: Site, fetcher: Fetcher) -> None:
    """One that stays where reading is allowed is followed, three times at most; one to elsewhere is not."""
    web.put("/3", PAGE)
    for at in range(3):
        web.move(f"/{at}", f"/{at + 1}")
    web.move("/before", "/0")
    assert (await fetcher.read(web.url("/0"))).url == web.url("/3")
    assert "more than 3 times" in await refused(fetcher, web.url("/before"))
    async with site() as internal:
        internal.put("/secret", PAGE)
        web.move("/inward", internal.url("/secret"))
        assert "private network" in await refused(fetcher, web.url("/inward"))
        assert not internal.asked
    for to in ("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"):
        web.move("/out", to)
        assert "only https and http" in await refused(fetcher, web.url("/out"))


async def test_what_was_looked_up_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that points elsewhere the second time gains nothing; one private address is enough."""
    looked_up: list[str] = []
    answers = [["93.184.215.14"], ["127.0.0.1"]]

    async def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        found = answers[min(len(looked_up), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    connected: list[str] = []

    async def connect(*, remote_host: str, **_: object) -> None:
        connected.append(remote_host)
        raise OSError("no way out of a test")

    monkeypatch.setattr("anyio.connect_tcp", connect)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    assert "not reachable" in await refused(Fetcher(), "http://rebinding.example/")
    assert (looked_up, connected) == (["rebinding.example"], ["93.184.215.14"])
    answers[:] = [["93.184.215.14", "10.0.0.1"]]
    assert "private network" in await refused(Fetcher(), "http://both.example/")


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined", "utf-7", "unicode_escape"])
async def test_an_odd_encoding_spoils_nothing(web: Site, fetcher: Fetcher, encoding: str) -> None:
    """One that raises, or that makes halves of characters: the page is text that can be sent on."""
    web.put("/odd", rb"a +2AA- \ud800 " + b"\xff", f"text/plain; charset={encoding}")
    (await fetcher.read(web.url("/odd"))).text.encode()


@pytest.mark.parametrize("host", ["a..example", "a" * 64 + ".example"])
async def test_a_name_that_can_not_be_looked_up(host: str) -> None:
    """Is told like any other address that is not read."""
    assert f"there is no host {host}" in await refused(Fetcher(), f"http://{host}/")


@pytest.mark.parametrize(
    ("kind", "headers", "told"),
    [
        ("application/pdf", {}, "of the type application/pdf"),
        ("image/svg+xml", {}, "of the type image/svg+xml"),
        ("text/html", {"Content_Encoding": "gzip"}, "compressed"),
        ("text/plain", {}, "no text"),
    ],
)
async def test_what_is_no_text_is_not_read(
    web: Site, fetcher: Fetcher, kind: str, headers: dict[str, str], told: str
) -> None:
    """Types that are not text, what would have to be unpacked first, and nothing at all."""
    web.put("/odd", b" \n", kind, **headers)
    assert told in await refused(fetcher, web.url("/odd"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "only https and http"),
        ("http://", "only https and http"),
        ("//127.0.0.1/", "only https and http"),
        ("http://ana:secret@127.0.0.1/", "with a password"),
        ("http://[::1", "not a web address"),
        ("http://nowhere.invalid/", "no host nowhere.invalid"),
    ],
)
async def test_what_is_no_address_is_told(url: str, told: str) -> None:
    """Plainly enough for the one who wrote it."""
    assert told in await refused(Fetcher(), url)


async def test_a_missing_page_is_told(web: Site, fetcher: Fetcher) -> None:
    """With the status that the server gave."""
    assert await refused(fetcher, web.url("/none")) == "it answered with status 404"


async def test_a_slow_page_is_given_up(web: Site, fetcher: Fetcher) -> None:
    """In all, whatever drips; and its server sees the connection end."""

    async def drip(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"drop ")
            await writer.drain()
            await asyncio.sleep(0.01)

    web.paths["/slow"] = drip
    slow = Fetcher(fetcher.allowed, seconds=0.2)
    assert "within 0.2 s" in await refused(slow, web.url("/slow"))
    async with asyncio.timeout(10):
        await web.left.wait()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("::", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("198.18.0.1", False),
    ],
)
def test_addresses_of_the_internet(address: str, public: bool) -> None:
    """Also where an IPv4 address is written within one of IPv6."""
    assert is_public(ip_address(address)) is public
