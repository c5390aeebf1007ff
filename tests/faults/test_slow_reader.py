"""Clients that never read, and clients that flood: they harm themselves only."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from chatting import PATIENCE_SECONDS, Client
from faults.checker import Said, problems_of_reader
from faults.deployment import Deployment, deployed
from faults.raw import PING, RawClient, frame, raw_client, said
from quart import Quart, websocket
from serving import serving

from productflo.server.quart_connection import BoundedInbox

MB = 1_000_000
LOOK_SECONDS = 0.05  # Between two looks at a process.
LONG = "x" * 36_000  # Near the longest message.
WARM_UP = 100  # Messages after which the process has the memory that ordinary traffic takes.


def memory(pid: int) -> int:
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def until(holds: Callable[[], bool]) -> None:
    """Return when something that tells nobody holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - the kernel and Hypercorn set no event of ours
            await asyncio.sleep(LOOK_SECONDS)


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    """A web process of the test's own."""
    async with deployed(tmp_path) as deployment:
        yield deployment


async def talk(client: Client, room: str, messages: int, watch: Callable[[], None]) -> None:
    """Say long things, each after the one before was heard."""
    for _ in range(messages):
        await client.chat(room, LONG)
        watch()


async def test_a_client_that_never_reads_is_dropped(deployment: Deployment) -> None:
    """Its neighbours hear everything, the server's memory stays, and its connection is freed."""
    pid, server = deployment.web.pid, deployment.server
    heaviest = 0

    def watch() -> None:
        nonlocal heaviest
        heaviest = max(heaviest, memory(pid))

    async with server.client("writer") as writer, server.client("neighbour") as neighbour:
        await neighbour.join("room")
        await talk(writer, "room", WARM_UP, watch)
        before, sockets = heaviest, descriptors(pid)
        async with raw_client(server.port) as mute:
            await mute.send(said("join", "mute", "room"))
            await writer.until("join", member=lambda member: member["id"] == "mute")
            await talk(writer, "room", 800, watch)
            assert heaviest - before < 10 * MB
            await until(lambda: descriptors(pid) == sockets)
            assert len(await mute.rest()) < 6 * MB
        heard = [
            Said(one["data"]["seq"], "")
            for one in await neighbour.settled()
            if one["code"] == "chat_response"
        ]
        assert problems_of_reader([Said(seq, "") for seq in range(1, WARM_UP + 801)], heard) == []


@pytest.mark.parametrize(
    "flood", [said("ping", "flooder"), frame(b"x" * 125, PING)], ids=["envelopes", "frames"]
)
async def test_a_flood_of_pings_without_reading(deployment: Deployment, flood: bytes) -> None:
    """The server's memory stays, another client is served meanwhile, and nothing of the flood is left."""
    pid, server = deployment.web.pid, deployment.server
    async with server.client("ada") as ada:
        await ada.chat("room", "before")
        before, sockets = memory(pid), descriptors(pid)
        async with raw_client(server.port) as flooder:
            flooding = asyncio.create_task(_pour(flooder, flood))
            heaviest = 0
            for number in range(100):
                await ada.chat("room", f"word {number}")
                heaviest = max(heaviest, memory(pid))
            flooding.cancel()
            await asyncio.wait({flooding})
        await until(lambda: descriptors(pid) == sockets)
        assert max(heaviest, memory(pid)) - before < 5 * MB


async def _pour(client: RawClient, drop: bytes) -> None:
    """Send for as long as the server takes it."""
    try:
        while True:
            await client.send(drop * 1000)
    except ConnectionError:
        return


async def test_a_client_that_talks_on_after_the_end_leaves_nothing() -> None:
    """The route has ended, the queues are full: the server's tasks for the connection end all the same."""
    app = Quart("ends")
    app.asgi_websocket_class = BoundedInbox

    @app.websocket("/ws")
    async def ends() -> None:
        await websocket.receive()
        await websocket.close(1008)

    async with serving(app) as port, raw_client(port) as talker:
        await talker.send(frame(b"x") * 500)
        await talker.rest()
        await until(lambda: not served_connections())


def served_connections() -> list[str]:
    """Hypercorn's tasks in this process, one for each connection that it has not done with."""
    return [task.get_name() for task in asyncio.all_tasks() if "_server_callback" in repr(task.get_coro())]
