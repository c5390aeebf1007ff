"""Clients that never read, and clients that flood: they harm themselves only."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from chatting import Client
from counting import counting
from faults.deployment import Deployment, deployed
from faults.raw import PING, RawClient, frame, raw_client, said
from faults.watching import connections, memory, until
from quart import Quart, websocket
from serving import serving

from productflo.server.quart_connection import PacedWebsocket

MB = 1_000_000
LONG = "x" * 36_000  # Near the longest message.
TALK = 150  # Of them, several times what is kept for one who does not read.
WARM_UP = 100  # Messages after which the process has the memory that ordinary traffic takes.


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    """A web process of the test's own."""
    async with deployed(tmp_path) as deployment:
        yield deployment


async def talk(client: Client, room: str, messages: int, watch: Callable[[], None]) -> None:
    """Type and say long things, each after the one before was heard."""
    for _ in range(messages):
        await client.say("typing", room, status="started", sender=client.user)
        await client.chat(room, LONG)
        watch()


async def test_a_client_that_never_reads_is_dropped(deployment: Deployment) -> None:
    """With 1013, after what passes was shed; its neighbours hear everything, and little is kept for it."""
    pid, server = deployment.web_pid, deployment.server
    heaviest = 0

    def watch() -> None:
        nonlocal heaviest
        heaviest = max(heaviest, memory(pid))

    async with server.client("writer") as writer, server.client("neighbour") as neighbour:
        await neighbour.join("room")
        listening = asyncio.create_task(neighbour.until("chat_response", seq=WARM_UP + TALK))
        await talk(writer, "room", WARM_UP, watch)
        before, sockets = heaviest, connections(server.port)
        async with counting(server) as rise, raw_client(server.port) as mute:
            await mute.send(said("join", "mute", "room"))
            await writer.until("join", member=lambda member: member["id"] == "mute")
            await talk(writer, "room", TALK, watch)
            assert heaviest - before < 10 * MB
            await until(lambda: connections(server.port) == sockets)
            assert len(await mute.rest()) < MB  # What the kernel had of it.
            shed, slow = await rise.of("shed_total typing", "closes_total 1013")
            assert shed > 5
            assert slow == 1
        await listening
        heard = [one["data"] for one in neighbour.heard if one["code"] == "chat_response"]
        assert [data["seq"] for data in heard] == [*range(1, WARM_UP + TALK + 1)]


@pytest.mark.parametrize(
    "flood",
    [
        said("ping", "flooder") * 1000,
        frame(b"x" * 125, PING) * 1000,
        said("historic", "flooder", "room", message=LONG) * 30,
    ],
    ids=["pings", "ping frames", "requests that wait for the store"],
)
async def test_a_flood_without_reading(deployment: Deployment, flood: bytes) -> None:
    """The server's memory stays, another client is served meanwhile, and nothing of the flood is left."""
    pid, server = deployment.web_pid, deployment.server
    async with server.client("ada") as ada:
        await ada.chat("room", "before")
        before, sockets = memory(pid), connections(server.port)
        async with raw_client(server.port) as flooder:
            flooding = asyncio.create_task(_pour(flooder, flood))
            heaviest = 0
            for number in range(500):
                if number > 100 and flooding.done():
                    break
                await ada.chat("room", f"word {number}")
                heaviest = max(heaviest, memory(pid))
            flooding.cancel()
            await asyncio.wait({flooding})
        await until(lambda: connections(server.port) == sockets)
        assert max(heaviest, memory(pid)) - before < 5 * MB


async def _pour(client: RawClient, flood: bytes) -> None:
    """Send for as long as the server takes it."""
    try:
        while True:
            await client.send(flood)
    except ConnectionError:
        return


async def test_a_client_that_talks_on_after_the_end_leaves_nothing() -> None:
    """The route has ended, the queues are full: the server's tasks for the connection end all the same."""
    app = Quart("ends")
    app.asgi_websocket_class = PacedWebsocket

    @app.websocket("/ws")
    async def ends() -> None:
        await websocket.receive()
        await websocket.close(1008)

    async with serving(app) as port, raw_client(port) as talker:
        assert len(served_connections()) == 1
        await talker.send(frame(b"x") * 500)
        await talker.rest()
        await until(lambda: not served_connections())
        assert served_connections() == []


def served_connections() -> list[str]:
    """Hypercorn's tasks in this process, one for each connection that it has not done with."""
    return [task.get_name() for task in asyncio.all_tasks() if "_server_callback" in repr(task.get_coro())]
