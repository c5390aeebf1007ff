"""What 100 readers who do not read cost 100 who do: `PYTHONPATH=tests python benchmarks/slow_readers.py`.

One person speaks in a room at a fixed rate. Stretches without and with slow readers take turns, so that a
noisy machine disturbs both alike; the latency is from the speaker's clock to the readers', in one process. A
slow reader never reads; when it is closed (1013) it comes back, as a client does. Prints a table;
exit code 1 where the normal readers' p99 is 1.5 times as high, or more.
"""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from chatting import Client, Server
from faults.raw import frame, raw_client, said
from processes import PRODUCTFLO, environment, running, web_process_of

from productflo.server.connection import SLOW_RETURN_WITHIN

ROOM = "town-hall"
MOST = 1.5
"""Times as high as without slow readers that the p99 of the others may be."""
SENT_AT = re.compile(rb'"message":"(\d+)\.')
ASKED, ANSWER = b"\x89\x00", frame(b"", 0xA)
"""An empty ping, which no text is part of, and the pong to it."""
LOOK = 0.5
"""Seconds between two looks of a slow reader whether it has been closed."""


@dataclass(slots=True)
class Stretch:
    """One measurement: latencies in milliseconds, memory of the process and the kernel's sockets in bytes."""

    latencies: list[float] = field(default_factory=list)
    memory: int = 0
    kernel: int = 0
    closed: int = 0

    def quantile(self, share: float) -> float:
        """The latency that so many stay below."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


class Reader(asyncio.Protocol):
    """Notes in `stretch` how old each message is as it comes; nothing is parsed: 100 of them cost little."""

    stretch = Stretch()

    def __init__(self) -> None:
        self._rest = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        if ASKED in data:
            self._transport.write(ANSWER)
        data = self._rest + data
        end = 0
        for found in SENT_AT.finditer(data):
            Reader.stretch.latencies.append((now - int(found[1])) / 1e6)
            end = found.end()
        self._rest = data[max(end, len(data) - 40) :]


async def stand_still(port: int, user: str, stretch: Stretch) -> None:
    """Join and read nothing; whenever that ends in a close, come back when its reason says."""
    while True:
        async with raw_client(port) as client:
            await client.send(said("join", user, ROOM))
            with suppress(ConnectionError):
                while True:
                    await asyncio.sleep(LOOK)
                    await client.send(said("ping", user))
        stretch.closed += 1
        await asyncio.sleep(random.uniform(*SLOW_RETURN_WITHIN))  # noqa: S311


def memory(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def kernel() -> int:
    """Bytes that the kernel holds for all TCP sockets of the machine."""
    (line,) = (one for one in Path("/proc/net/sockstat").read_text().splitlines() if one.startswith("TCP:"))
    return int(line.split()[-1]) * os.sysconf("SC_PAGESIZE")


async def speak(speaker: Client, seconds: float, rate: float, size: int) -> None:
    """Say something at a fixed rate; a delay is not made up for."""
    loop = asyncio.get_running_loop()
    end, due = loop.time() + seconds, loop.time()
    while loop.time() < end:
        text = f"{time.perf_counter_ns()}." + "x" * size
        await speaker.say("chat", ROOM, message=text, sender=speaker.user)
        due = max(due + 1 / rate, loop.time())
        await asyncio.sleep(due - loop.time())


async def hear(speaker: Client) -> None:
    """Take what comes, so that the speaker is no slow reader; unchecked."""
    async for _ in speaker.socket:
        pass


@asynccontextmanager
async def readers(asked: argparse.Namespace, server: Server) -> AsyncIterator[Client]:
    """Those who read, all the while, and the one who speaks."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        for number in range(asked.normal):
            client = await stack.enter_async_context(raw_client(server.port, buffer=262_144))
            await client.send(said("join", f"normal{number}", ROOM))
            await asyncio.get_running_loop().connect_accepted_socket(Reader, client.socket)
        speaker = await stack.enter_async_context(server.client("speaker"))
        hearing = tasks.create_task(hear(speaker))
        await speaker.say("join", ROOM)
        yield speaker
        hearing.cancel()


async def measure(asked: argparse.Namespace, server: Server, speaker: Client, pid: int, slow: int) -> Stretch:
    """One stretch of speaking, beside so many slow readers, once their coming is over."""
    Reader.stretch = stretch = Stretch()
    async with asyncio.TaskGroup() as tasks:
        standing = [
            tasks.create_task(stand_still(server.port, f"slow{number}", stretch)) for number in range(slow)
        ]
        await speak(speaker, asked.warm, asked.rate, asked.size)
        stretch.latencies.clear()
        speaking = tasks.create_task(speak(speaker, asked.seconds, asked.rate, asked.size))
        while not speaking.done():
            stretch.memory = max(stretch.memory, memory(pid))
            stretch.kernel = max(stretch.kernel, kernel())
            await asyncio.wait({speaking}, timeout=0.1)
        for one in standing:
            one.cancel()
    return stretch


def show(name: str, stretches: list[Stretch]) -> tuple[float, float, float]:
    """Print a row: medians over the stretches. Returns the p99, and the memory of process and kernel."""
    p50 = statistics.median(one.quantile(0.5) for one in stretches)
    p99 = statistics.median(one.quantile(0.99) for one in stretches)
    held = statistics.median(one.memory for one in stretches)
    sockets = statistics.median(one.kernel for one in stretches)
    count = sum(len(one.latencies) for one in stretches)
    closed = sum(one.closed for one in stretches)
    print(
        f"{name:<10} {count:>9,} {p50:>8.2f} {p99:>8.2f} {held / 1e6:>8.1f} {sockets / 1e6:>8.1f} {closed:>7}"
    )
    return p99, held, sockets


async def compare(asked: argparse.Namespace) -> int:
    """Measure in turns, and compare."""
    with tempfile.TemporaryDirectory() as data:
        env = environment(Path(data), PRODUCTFLO_DEFAULT_ASSISTANTS=",", PRODUCTFLO_RATE_CHATS="off")
        async with running(*PRODUCTFLO, "serve", env=env) as process:
            server = Server(int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1]))
            pid = web_process_of(process.pid)
            without, beside = [], []
            async with readers(asked, server) as speaker:
                await measure(asked, server, speaker, pid, asked.slow)  # They are members from now on.
                for _ in range(asked.rounds):
                    without.append(await measure(asked, server, speaker, pid, 0))
                    beside.append(await measure(asked, server, speaker, pid, asked.slow))
    print(f"{'':<10} {'messages':>9} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>8} {'TCP MB':>8} {'closed':>7}")
    p99, held, sockets = show("without", without)
    p99_beside, held_beside, sockets_beside = show("beside", beside)
    process = (held_beside - held) / asked.slow / 1e3
    kernels = (sockets_beside - sockets) / asked.slow / 1e3
    print(f"p99 {p99_beside / p99:.2f} times as high")
    print(f"a slow reader takes {process:.0f} KB of the process and {kernels:.0f} KB of the kernel")
    print(json.dumps({"ratio": p99_beside / p99, **vars(asked)}))
    return int(p99_beside / p99 >= MOST)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--normal", type=int, default=100, help="readers who read")
    parser.add_argument("--slow", type=int, default=100, help="readers who do not")
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second")
    parser.add_argument("--size", type=int, default=500, help="characters of a message")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each stretch")
    parser.add_argument(
        "--warm",
        type=float,
        default=10.0,
        help="seconds before each, in which comings and goings are told",
    )
    parser.add_argument("--rounds", type=int, default=3, help="stretches of each kind")
    return asyncio.run(compare(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
