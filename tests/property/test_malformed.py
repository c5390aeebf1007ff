"""Bad input: each message is answered with an error that says what and where, and costs nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chatting import Client, Server
from malformed import ROOM, USER, Malformed, malformed
from processes import PRODUCTFLO, Spoken, environment, running, web_process_of

KINDS = 400
"""Different messages."""
MANY = 5_000
"""Messages over which the memory is watched."""
MOST_GROWTH = 10 * 1024
"""Kilobytes of growth that are noise: Python's allocator keeps what it once had."""


@pytest.fixture(scope="module")
def messages() -> list[Malformed]:
    """The malformed messages of this run."""
    return malformed(KINDS)


@asynccontextmanager
async def served(store_url: str, data: Path, **env: str) -> AsyncIterator[tuple[Spoken, Server]]:
    """A web process of one's own."""
    every = environment(data, REDIS_URL=store_url, PRODUCTFLO_DEFAULT_ASSISTANTS=",", **env)
    async with running(*PRODUCTFLO, "serve", env=every) as process:
        port = int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
        yield process, Server(port)


@pytest.fixture
async def server(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server with its ordinary limits: so many mistakes are a developer's, and not an attack."""
    async with served(store_url, tmp_path) as (_, server):
        yield server


def resident(pid: int) -> int:
    """Kilobytes of memory that a process has."""
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1])


async def test_each_is_answered_and_the_connection_stays(server: Server, messages: list[Malformed]) -> None:
    """With the code and the field of what is wrong, in the order in which they came, on one connection."""
    assert len(messages) >= 200
    async with server.client(USER) as client:
        await client.join(ROOM)
        for one in messages:
            await client.send(one.message)
            told = await client.error()
            assert (told["code"], told.get("field")) == (one.code, one.field), (one, told)
        assert await client.settled() == []
        assert (await client.chat(ROOM, "still here"))["data"]["seq"] == 1


async def test_the_first_envelope_may_be_malformed(server: Server, messages: list[Malformed]) -> None:
    """A connection that has not said who it is yet hears the same, and may still say so."""
    about_nobody = [one for one in messages if one.code not in {"PERMISSION_DENIED", "NOT_FOUND"}][:100]
    async with server.client(USER) as client:
        for one in about_nobody:
            if one.field != "data.conversation_id":
                await client.send(one.message)
                assert (await client.error())["code"] == one.code, one
        assert (await client.join(ROOM))["data"]["member_count"] == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
async def test_the_memory_stays_flat(store_url: str, tmp_path: Path, messages: list[Malformed]) -> None:
    """Thousands of them, once every kind has been seen; without the limits that would end it long before."""
    limits = ("MALFORMED", "CONNECTION", "CHATS", "HISTORIC", "TYPING")
    off = {f"PRODUCTFLO_RATE_{one}": "off" for one in limits}
    async with (
        served(store_url, tmp_path, **off) as (process, server),
        server.client(USER) as client,
    ):
        await client.join(ROOM)
        await flood(client, messages, 2 * KINDS)
        before = resident(web_process_of(process.pid))
        await flood(client, messages, MANY)
        assert resident(web_process_of(process.pid)) - before < MOST_GROWTH


async def flood(client: Client, messages: list[Malformed], count: int) -> None:
    """Send so many, as many at once as there are kinds, and hear an error for each."""
    for start in range(0, count, len(messages)):
        some = messages[: count - start]
        for one in some:
            await client.send(one.message)
        for _ in some:
            await client.error()
        client.heard.clear()
