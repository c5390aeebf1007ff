"""All members of a big room come back at once. Run it with

    PYTHONPATH=.:tests .venv/bin/python -m long.rejoin --clients 1000

It starts an embedded Valkey and a web process, lets the clients join one room, kills the web process, has
others speak meanwhile, starts it again, and measures until every client has been told `continuous` and has
what it missed. The load generator runs beside on the same machine.
"""

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from chatting import Server
from faults.deployment import Deployment, deployed
from processes import kill
from redis.asyncio import Redis
from rooms import entry, writing
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from productflo.protocol.codes import Kind
from productflo.store.connect import open_redis
from productflo.store.log import Log
from productflo.store.rooms import Member, Rooms

ROOM = "hall"
SPEAKER = "speaker"
SETTLING = 1.5  # Seconds in which what follows a return would be heard: joins, presence.


@dataclass(slots=True)
class Crowd:
    """What the clients of one round were sent."""

    expected: int
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    codes: Counter[str] = field(default_factory=Counter)
    connected: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


async def come(server: Server, user: str, position: dict[str, Any], last_seq: int, crowd: Crowd) -> None:
    """Connect, resume, and read until everything that was missed is here; stay until cancelled."""
    begin = time.monotonic()
    while True:
        try:
            async with connect(server.ws, compression=None, open_timeout=60, max_queue=None) as socket:
                crowd.connected.append(time.monotonic() - begin)
                await resume(socket, user, position, last_seq, crowd)
                crowd.took.append(time.monotonic() - begin)
                if len(crowd.took) == crowd.expected:
                    crowd.complete.set()
                while True:
                    count(crowd, json.loads(await socket.recv()))
        except (OSError, EOFError, WebSocketException, TimeoutError) as error:
            crowd.failures[type(error).__name__] += 1
            await asyncio.sleep(0.2)


async def resume(
    socket: ClientConnection, user: str, position: dict[str, Any], last_seq: int, crowd: Crowd
) -> None:
    """Join from a position, and check that each event follows once."""
    since = position.get("since")
    asked = json.dumps({"code": "join", "user_id": user, "room_id": ROOM, "data": position})
    await socket.send(asked)
    seq, joined = last_seq if since is None else since, False
    while not (joined and seq >= last_seq):
        envelope = json.loads(await socket.recv())
        count(crowd, envelope)
        data = envelope["data"]
        if envelope["status"] == "error":
            crowd.failures[data["code"]] += 1
            await asyncio.sleep(data["retry_after"])
            await socket.send(asked)
        if envelope["code"] == "join" and "generation" in data:
            assert since is None or data["continuous"], data
            joined = True
        elif envelope["code"] == "chat_response":
            assert data["seq"] == seq + 1, (user, data["seq"], seq)
            seq = data["seq"]


def count(crowd: Crowd, envelope: dict[str, Any]) -> None:
    """Note what kind it is."""
    kind = envelope["code"]
    if kind == "join":
        kind = "answer" if "generation" in envelope["data"] else "joined"
    crowd.codes[kind] += 1


def seconds_of(pid: int) -> float:
    """CPU time of a process so far."""
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


async def commands(redis: Redis) -> Counter[str]:
    """How often the store was asked for what."""
    return Counter({name: row["calls"] for name, row in (await redis.info("commandstats")).items()})


async def round_of(
    deployment: Deployment,
    redis: Redis,
    users: list[str],
    position: dict[str, Any],
    last_seq: int,
    title: str,
) -> None:
    """All come at once; print what it took and what it cost."""
    crowd, before = Crowd(len(users)), await commands(redis)
    cpu, begin = time.process_time(), time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        coming = [tasks.create_task(come(deployment.server, one, position, last_seq, crowd)) for one in users]
        await crowd.complete.wait()
        took = time.monotonic() - begin
        await asyncio.sleep(SETTLING)
        spent = await commands(redis) - before
        for one in coming:
            one.cancel()
    crowd.took.sort()
    half = crowd.took[len(users) // 2]
    click.echo(f"{title}: {len(users)} clients in {took:.1f} s (half of them in {half:.1f} s)")
    crowd.connected.sort()
    click.echo(
        f"  connected: half in {crowd.connected[len(users) // 2]:.1f} s, all in {crowd.connected[-1]:.1f} s"
    )
    click.echo(f"  envelopes: {dict(crowd.codes)}; refused and tried again: {dict(crowd.failures)}")
    load = time.process_time() - cpu
    click.echo(f"  CPU: web {seconds_of(deployment.web_pid):.1f} s, load {load:.1f} s")
    click.echo(f"  store: {sum(spent.values())} commands, {dict(spent.most_common(9))}")


async def run(clients: int, missed: int) -> None:
    """First visit, then the storm."""
    users = [f"user{number}" for number in range(clients)]
    with tempfile.TemporaryDirectory() as folder:
        async with deployed(Path(folder)) as deployment, open_redis(deployment.redis_url) as redis:
            async with deployment.server.client(SPEAKER) as speaker:
                generation = (await speaker.join(ROOM))["data"]["generation"]
                for one in users:
                    await Rooms(redis).join(ROOM, Member(one, one.title(), Kind.HUMAN), granted=True)
                await speaker.chat(ROOM, "welcome")
            position = {"since": 1, "generation": generation}
            await round_of(deployment, redis, users, {}, 1, "first visit")
            kill(deployment.web.pid)
            await deployment.web.ends()
            async with writing(redis) as log:
                await speak(log, missed)
            await deployment.start_web()
            await round_of(deployment, redis, users, position, 1 + missed, f"return, {missed} missed")


async def speak(log: Log, count: int) -> None:
    """Somebody speaks while the clients are away."""
    for number in range(count):
        await log.append(entry(ROOM, SPEAKER, f"This is message {number} " + "word " * 30, f"m{number}"))


@click.command()
@click.option("--clients", default=1000, show_default=True)
@click.option("--missed", default=100, show_default=True, help="Messages said while they were away.")
def main(clients: int, missed: int) -> None:
    """Measure the return of all members of a room."""
    asyncio.run(run(clients, missed))


if __name__ == "__main__":
    main()
