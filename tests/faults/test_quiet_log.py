"""Operators find in the log what happened, once, and nobody can fill it."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from chatting import Client, Server
from counting import counted
from faults.deployment import Deployment, deployed, paused
from processes import PRODUCTFLO, environment, running

CROWD = 30


async def last_words(deployment: Deployment) -> list[str]:
    """Stop the web process: everything that it has written."""
    deployment.web.process.terminate()
    await deployment.web.ends()
    return deployment.web.lines


async def be_refused(client: Client) -> None:
    """Ask for what takes the store, in vain."""
    await client.say("historic", "room")
    assert (await client.error())["code"] == "STORE_AWAY"


async def test_a_store_that_goes_away_is_two_lines(tmp_path: Path) -> None:
    """One when it goes and one when it is back, whoever waits for it meanwhile, comes and leaves."""
    async with deployed(tmp_path) as deployment:
        server = deployment.server
        async with AsyncExitStack() as stack:
            crowd = [
                await stack.enter_async_context(deployment.server.client(f"user{n}")) for n in range(CROWD)
            ]
            for client in crowd:
                await client.join("room")
            with paused(deployment.keeper_pid):
                await deployment.kill_store()
                async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
                    for client in crowd:
                        tasks.create_task(be_refused(client))
                for client in crowd[:10]:
                    await client.socket.close()
            async with asyncio.timeout(30):
                while not any("is back" in line for line in deployment.web.lines):
                    await deployment.web.says("store")
            async with server.client("late") as late:
                await late.chat("room", "back again")
            told = await counted(server)
            assert told["store_away_total"] == 1
            assert told["generation_changes_total"] == 1
        lines = await last_words(deployment)
    away = [line for line in lines if "The store is away" in line]
    back = [line for line in lines if "The store is back after" in line]
    assert (len(away), len(back)) == (1, 1), lines
    assert len(lines) <= 6, lines


async def test_a_client_can_not_fill_the_log(store_url: str, tmp_path: Path) -> None:
    """Whatever it sends before and after the upgrade, and however it leaves: no trace and hardly a line."""
    env = environment(tmp_path, REDIS_URL=store_url, PRODUCTFLO_LOG_FORMAT="json")
    async with running(*PRODUCTFLO, "serve", env=env) as process:
        port = int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
        server = Server(port)
        heads = (
            b"NONSENSE\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /ws HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\n\r\n" % port,
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"POST /api/rooms HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 99\r\n\r\n{" % port,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        )
        for head in heads * 4:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            await writer.drain()
            writer.transport.abort()
        for number in range(12):
            async with server.client(f"user{number}") as client:
                await client.say("join", "room")
                for nonsense in ("{", b"\xff", '{"code": 7}'):
                    await client.send(nonsense)
                client.socket.transport.abort()
        async with server.client("ada") as ada:
            assert await ada.settled() == []
        process.process.terminate()
        await process.ends()
    told = [json.loads(line) for line in process.lines]
    assert [one for one in told if "trace" in one] == []
    assert len(told) <= 20, process.lines
