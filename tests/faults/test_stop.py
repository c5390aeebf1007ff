"""A stop with many open sockets: all are told when to come back, none holds the process, all go on."""

import asyncio
import os
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from chatting import Client, Server
from faults.deployment import deployed
from faults.raw import CLOSE, frame, handshake, next_frame, raw_client, said, told_to_leave
from faults.traffic import talking
from processes import Spoken
from websockets.exceptions import ConnectionClosed, WebSocketException

from productflo.cli.web import KILL_SECONDS, STOP_SECONDS

LONG = "x" * 36_000


DEADLINE = STOP_SECONDS + KILL_SECONDS
"""Seconds in which the parent has ended its web process, also one that hangs; there is little else to end."""


def in_time(web: Spoken) -> bool:
    """Whether web process and parent came to their ends in order, and in time by their own clocks.

    The tests' clock runs on while this process waits for a core. A web process that hangs says so, and ends.
    """
    (stopped,) = (found for line in web.lines if (found := re.search(r"Stopped after ([\d.]+) s", line)))
    in_order = not any("Traceback" in line or "cut short" in line or "killed" in line for line in web.lines)
    return in_order and float(stopped[1]) < DEADLINE


async def closed_with(client: Client) -> ConnectionClosed:
    """How the server ends a connection."""
    try:
        while True:
            await client.next()
    except ConnectionClosed as closed:
        return closed


async def enter(stack: AsyncExitStack, server: Server, user: str) -> Client:
    """A client that has joined."""
    client = await stack.enter_async_context(server.client(user))
    await client.join("room")
    return client


async def comes_too_early(server: Server) -> None:
    """A client that returns while the old process is still there is turned away as the others were."""
    try:
        async with server.client("early") as early:
            closing = await closed_with(early)
    except (OSError, WebSocketException):
        return  # The process listens no more.
    assert closing.rcvd is not None
    assert closing.rcvd.code == 1012


@pytest.mark.parametrize("stuck", [0, 2])
async def test_everybody_is_told_when_to_come_back(tmp_path: Path, stuck: int) -> None:
    """50 sockets, of which some never read and one never said a word: 1012, and an end in time."""
    async with deployed(tmp_path) as deployment, AsyncExitStack() as stack:
        server, web = deployment.server, deployment.web
        polite = [await enter(stack, server, f"user{at}") for at in range(49 - stuck)]
        polite.append(await stack.enter_async_context(server.client("silent")))
        writer = polite[0]
        for at in range(stuck):
            mute = await stack.enter_async_context(raw_client(server.port))
            await mute.send(said("join", f"mute{at}", "room"))
            await writer.until("join", member=lambda member, at=at: member["id"] == f"mute{at}")
        if stuck:  # Enough for their sockets to be full, and too little for their outboxes.
            for _ in range(15):
                await writer.chat("room", LONG)
        os.kill(web.pid, signal.SIGTERM)
        closings = await asyncio.gather(*map(closed_with, polite))
        assert {closing.rcvd.code for closing in closings if closing.rcvd} == {1012}
        delays = [closing.rcvd.reason for closing in closings if closing.rcvd]
        assert len(delays) == len(polite)
        assert len(set(delays)) > 1
        assert all(delay.startswith("retry_after=") for delay in delays)
        await comes_too_early(server)
        assert await web.ends() == 0
        assert in_time(web)


async def opened(port: int, at: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare WebSocket; every fifth has joined a room."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake(port))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    if at % 5 == 0:
        writer.write(said("join", f"user{at}", f"room{at}"))
        await next_frame(reader)
    return reader, writer


async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str]:
    """What a polite client is told: it answers the close frame, and waits for the end."""
    told = await told_to_leave(reader)
    writer.write(frame(told[0].to_bytes(2, "big"), CLOSE))
    await reader.read()
    writer.close()
    return told


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_500_sockets_of_which_5_are_mute(tmp_path: Path, loop: str) -> None:
    """Each but the mute is told 1012 and a delay of its own; the end is in time, and in order."""
    async with deployed(tmp_path, PRODUCTFLO_LOOP=loop) as deployment, AsyncExitStack() as stack:
        port, web = deployment.server.port, deployment.web
        for _ in range(5):
            await stack.enter_async_context(raw_client(port))
        polite = []
        for first in range(0, 495, 45):
            polite += await asyncio.gather(*(opened(port, at) for at in range(first, first + 45)))
        leaving = [asyncio.create_task(leaves(*one)) for one in polite]
        os.kill(web.pid, signal.SIGTERM)
        told = await asyncio.gather(*leaving)
        assert {code for code, _ in told} == {1012}
        assert len({delay for _, delay in told}) > 10
        assert await web.ends() == 0
        assert in_time(web)


async def test_clients_go_on_at_the_next_process(tmp_path: Path) -> None:
    """They come back while the old process is still there and when the new one is: nothing is missed."""
    async with (
        deployed(tmp_path, PRODUCTFLO_WORKERS="2") as deployment,
        talking(deployment.server, writers=2) as traffic,
    ):
        await traffic.goes_on()
        os.kill(deployment.web.pid, signal.SIGTERM)
        assert await deployment.web.ends() == 0
        await deployment.start_web()
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert [one.gaps for one in traffic.people if one.gaps] == []
