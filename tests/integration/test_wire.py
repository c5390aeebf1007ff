"""The wire over real Hypercorn: on both event loops, with and without TLS, whoever carries it."""

import asyncio
import datetime
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chatting import PATIENCE_SECONDS
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faults.raw import frame, handshake
from processes import running
from websockets.asyncio.client import ClientConnection, connect

from productflo.protocol import frames

ECHO = str(Path(__file__).parent.parent / "echo.py")
LOOK_SECONDS = 0.05
LARGE = "é" * 130_000  # Nearly as long as it may be.


def certificate(folder: Path) -> Path:
    """A key and the certificate that it has signed for this machine, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem)
    )
    return file


class Server:
    """An echo, and how to reach it."""

    def __init__(self, port: int, trust: ssl.SSLContext | None) -> None:
        self.port = port
        self.trust = trust

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection."""
        name = "localhost" if self.trust else None
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, server_hostname=name)

    def client(self) -> connect:
        """A WebSocket, as a library makes it."""
        scheme = "wss" if self.trust else "ws"
        return connect(
            f"{scheme}://localhost:{self.port}/ws", host="127.0.0.1", ssl=self.trust, max_size=None
        )

    async def holds(self) -> tuple[int, int]:
        """How many tasks and files the server has, with those of this question."""
        reader, writer = await self.opened()
        head = f"GET /tasks HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        told = json.loads(body)
        return told["tasks"], told["files"]

    async def holds_no_more_than(self, before: tuple[int, int]) -> None:
        """Return when what clients took is given back."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(now > then for now, then in zip(await self.holds(), before, strict=True)):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def echoing(carrier: str, loop: str, certificate: Path | None) -> AsyncIterator[Server]:
    """An echo in a process of its own."""
    words = ("--certificate", str(certificate)) if certificate else ()
    async with running(sys.executable, ECHO, carrier, "--loop", loop, *words, env=os.environ) as process:
        port = int((await process.says(r"echo on (\d+)"))[1])
        yield Server(port, ssl.create_default_context(cafile=certificate) if certificate else None)
        process.process.terminate()
        assert await process.ends() == 0
        assert process.lines == [f"echo on {port}"]  # Nothing was complained of.


@pytest.fixture(
    scope="module",
    params=[
        ("own", "uvloop", False),
        ("own", "uvloop", True),
        ("own", "asyncio", True),
        ("quart", "uvloop", True),
    ],
    ids=lambda kind: f"{kind[0]}-{kind[1]}{'-tls' if kind[2] else ''}",
)
async def echo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """An echo of each kind."""
    carrier, loop, tls = request.param
    signed = certificate(tmp_path_factory.mktemp("tls")) if tls else None
    async with echoing(carrier, loop, signed) as server:
        yield server


async def test_an_ordinary_client(echo: Server) -> None:
    """Texts and binary messages, long ones, in fragments, pings, and an orderly end."""
    async with echo.client() as client:
        for message in ("hello", "", b"", b"\xff" * 200_000, LARGE):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "fragm", "", "ents"])
        assert await client.recv() == "in fragments"
        await asyncio.wait_for(await client.ping("there?"), PATIENCE_SECONDS)
        await client.close(4000, "bye")
        assert client.close_code == 4000
        assert "Sec-WebSocket-Extensions" not in client.response.headers


async def test_many_messages_in_their_order(echo: Server) -> None:
    """While the client sends faster than it reads."""
    async with echo.client() as client:
        sending = asyncio.create_task(_count(client, 2000))
        assert [await client.recv() for _ in range(2000)] == [str(number) for number in range(2000)]
        await sending


async def _count(client: ClientConnection, end: int) -> None:
    for number in range(end):
        await client.send(str(number))


async def test_what_follows_the_101_at_once(echo: Server) -> None:
    """Whatever the server is at in this moment: nothing is lost, of 50 clients that come together."""

    async def hasty() -> bytes:
        reader, writer = await echo.opened()
        writer.write(handshake(echo.port))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"".join(frame(b"%d" % number) for number in range(20)))
        told = await reader.readexactly(len(expected))
        writer.write(frame(b"", frames.CLOSE))
        assert await reader.read() == frames.frame(b"", frames.CLOSE)
        writer.close()
        return told

    expected = b"".join(frames.frame(b"%d" % number) for number in range(20))
    assert await asyncio.gather(*(hasty() for _ in range(50))) == [expected] * 50


async def test_however_clients_come_and_go_nothing_stays(echo: Server) -> None:
    """With and without a close, in mid-frame, in mid-handshake, too early, with a reset."""
    await _come_and_go(echo)
    before = await echo.holds()
    for _ in range(3):
        await _come_and_go(echo)
    await echo.holds_no_more_than(before)


LEAVINGS: tuple[Callable[[int], bytes], ...] = (
    lambda port: handshake(port) + b"",
    lambda port: handshake(port)[:-20],
    lambda port: handshake(port) + frame(b"too early"),
    lambda port: b"",
)


async def _come_and_go(echo: Server) -> None:
    """One client for each way to leave."""
    for said in (frame(b"x"), frame(b"x")[:3], frame(b"", frames.CLOSE), b"\xff\xff", b""):
        for reset in (False, True):
            reader, writer = await echo.opened()
            writer.write(handshake(echo.port))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            if reset:
                writer.transport.abort()
            writer.close()
    for opening in LEAVINGS:
        _, writer = await echo.opened()
        writer.write(opening(echo.port))
        await writer.drain()
        writer.transport.abort()
