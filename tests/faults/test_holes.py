"""What Quart and Hypercorn as they come let a client do to the server, and what is left of it here.

Each attack runs on our wire, on Quart's in our hands, and on plain Quart and Hypercorn, where it must succeed
to show anything.
"""

import asyncio
import json
import os
import signal
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from chatting import PATIENCE_SECONDS
from faults.raw import CONTINUATION, RawClient, frame, handshake, raw_client
from faults.watching import LOOK_SECONDS, connections, until
from processes import Spoken, running

from productflo.protocol import frames

MB = 1_000_000
ENOUGH = 20 * MB  # What each attack sends, or has the server keep.
STILL = 0.5  # Seconds after which a server that takes nothing more is believed.
DEADLINE = 0.3  # Seconds that the servers here give a mute peer.
OURS = ("own", "quart")
REFUSED = "unknown opcode, reserved bits, or a frame without mask"
ECHO = str(Path(__file__).parent.parent / "echo.py")


class Server:
    """A server of echoes, in one of the three ways."""

    def __init__(self, carrier: str, process: Spoken, port: int) -> None:
        self.carrier = carrier
        self.process = process
        self.port = port

    def forget_peak(self) -> int:
        """Measure the peak of memory from now on; what it is now, in bytes."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        """The most memory that the process has had, in bytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@asynccontextmanager
async def echoing(carrier: str, *words: str) -> AsyncIterator[Server]:
    """A server of its own."""
    command = (sys.executable, ECHO, carrier, "--deadline", str(DEADLINE), *words)
    async with running(*command, env=os.environ) as process:
        yield Server(carrier, process, int((await process.says(r"echo on (\d+)"))[1]))


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[dict[str, Server]]:
    """One of each."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(echoing(name)) for name in (*OURS, "plain")}


@pytest.fixture(params=[*OURS, "plain"])
async def server(servers: dict[str, Server], request: pytest.FixtureRequest) -> Server:
    """Each of them in turn, with the memory that it takes for one client."""
    server = servers[request.param]
    async with raw_client(server.port, "/ws") as client:
        await client.send(frame(b"x" * 200_000, frames.BINARY))
        await client.read(200_000)
    return server


async def pour(client: RawClient, data: bytes) -> None:
    """Send for as long as the server takes it, and no more than enough."""
    try:
        for _ in range(ENOUGH // len(data)):
            async with asyncio.timeout(STILL):
                await client.send(data)
    except (TimeoutError, ConnectionError):
        return


async def test_messages_that_nobody_takes(server: Server) -> None:
    """The socket is left unread; Quart's queue has no bound."""
    before = server.forget_peak()
    async with raw_client(server.port, "/stuck") as client:
        await pour(client, frame(b"x" * 10_000, frames.BINARY))
        if server.carrier in OURS:
            assert server.peak() - before < 2 * MB
        else:
            await until(lambda: server.peak() - before > ENOUGH / 2)


async def test_a_message_that_never_ends(server: Server) -> None:
    """It is refused with 1009, and no more of it is taken; Hypercorn refuses it, and keeps it."""
    before = server.forget_peak()
    async with raw_client(server.port) as client:
        await client.send(frame(b"x" * 60_000, frames.BINARY, final=False))
        await pour(client, frame(b"x" * 60_000, CONTINUATION, final=False))
        if server.carrier in OURS:
            assert frames.close_code((await client.read(4))[2:]) == 1009
            assert server.peak() - before < 2 * MB
        else:
            await until(lambda: server.peak() - before > ENOUGH / 2)


async def test_a_small_frame_that_is_a_large_message(server: Server) -> None:
    """Compression is not agreed on, and an error; Hypercorn agrees always, and inflates without a bound."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(ENOUGH)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    compressed = bytearray(frame(bomb.removesuffix(b"\x00\x00\xff\xff"), frames.BINARY))
    compressed[0] |= 0x40
    before = server.forget_peak()
    async with raw_client(server.port, extensions="permessage-deflate") as client:
        assert (b"permessage-deflate" in client.head) is (server.carrier not in OURS)
        await client.send(bytes(compressed))
        if server.carrier in OURS:
            assert await client.rest() in (b"", frames.close_frame(1002, REFUSED))
            assert server.peak() - before < 2 * MB
        else:
            await until(lambda: server.peak() - before > ENOUGH / 2)


async def test_a_reader_who_is_stuck(server: Server) -> None:
    """It is dropped; plain Quart waits for it as long as it likes, and so does whoever would close it."""
    await until(lambda: connections(server.port) == 0)
    before = server.forget_peak()
    async with raw_client(server.port) as client:
        await client.send(frame(b"push"))
        if server.carrier in OURS:
            await until(lambda: connections(server.port) == 0)
            assert server.peak() - before < 2 * MB
        else:
            await asyncio.sleep(5 * DEADLINE)
            assert connections(server.port) == 1


async def test_a_peer_that_answers_no_ping(server: Server) -> None:
    """It is cut off; Hypercorn does not look at the answers. (The dead TCP's keep-alive ends there too.)"""
    async with raw_client(server.port) as client:
        await client.send(frame(b"hello"))
        await client.read(7)
        ended = asyncio.create_task(client.rest())
        done, _ = await asyncio.wait(
            {ended}, timeout=PATIENCE_SECONDS if server.carrier == "own" else 5 * DEADLINE
        )
        ended.cancel()
    assert bool(done) is (server.carrier == "own")


async def test_an_empty_binary_message(server: Server) -> None:
    """Is a message; for plain Quart it is nothing, which can not be sent back."""
    async with raw_client(server.port) as client:
        await client.send(frame(b"", frames.BINARY))
        answer = await client.read(2)
    assert (answer == b"\x82\x00") is (server.carrier in OURS)


@pytest.mark.parametrize("carrier", [*OURS, "plain"])
async def test_a_stop(carrier: str) -> None:
    """Those who listen are told to come back, mute ones hold nothing up; Hypercorn tells 1011, if it ends."""
    async with echoing(carrier) as server, raw_client(server.port) as mute, raw_client(server.port) as client:
        await mute.send(frame(b"push"))
        await client.send(frame(b"hello"))
        await client.read(7)
        os.kill(server.process.pid, signal.SIGTERM)
        in_order = await client.read(9) == frames.close_frame(1012, "again")
        assert in_order is (carrier in OURS)
        if in_order:
            await client.send(frame(b"\x03\xf4", frames.CLOSE))
            assert await server.process.ends() == 0


async def test_clients_that_speak_too_early_and_leave(server: Server) -> None:
    """What comes before the 101 is refused; on plain Quart such a client leaves tasks behind."""
    before = await tasks(server.port)
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake(server.port) + frame(b"early"))
        assert b" 101 " not in await reader.readline()
        writer.transport.abort()
    if server.carrier in OURS:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await tasks(server.port) > before:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(LOOK_SECONDS)
    else:
        assert await tasks(server.port) > before + 20


async def tasks(port: int) -> int:
    """How many tasks the server has, with those of this question."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /tasks HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    _, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    found: int = json.loads(body)["tasks"]
    return found
