"""`durability = replicated`: nobody is told of a message before a replica has it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chatting import Server, web_process
from rooms import entry, make_room, writing
from topologies import QUICK, Node, linked, nodes, until

from productflo.errors import Unconfirmed
from productflo.store import commit
from productflo.store.connect import open_redis

OPTIONS = ("--appendonly", "no", *QUICK)


@asynccontextmanager
async def replicated(folder: Path) -> AsyncIterator[tuple[str, Node]]:
    """The address of a master, and its only replica."""
    async with nodes(folder, OPTIONS, OPTIONS) as (master, replica):
        await replica.redis.replicaof("127.0.0.1", master.port)
        await until(lambda: linked(replica))
        yield f"redis://127.0.0.1:{master.port}", replica


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Server, Node]]:
    """A web process on a master, and the master's only replica."""
    async with replicated(folder) as (url, replica):
        env = {
            "REDIS_URL": url,
            "PRODUCTFLO_DURABILITY": "replicated",
            "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
        }
        async with web_process(folder / "web", **env) as server:
            yield server, replica


async def test_what_no_replica_has_is_pending_and_nobody_hears_it(tmp_path: Path) -> None:
    """It is told to all when the replica has it, once."""
    async with (
        serving(tmp_path) as (server, replica),
        server.client("ada") as ada,
        server.client("bob") as bob,
    ):
        await bob.join("room")
        await ada.chat("room", "before")
        os.kill(replica.pid, signal.SIGSTOP)
        try:
            await ada.say("chat", "room", message="held", sender="ada", message_id="m-held")
            pending = await ada.until("system", status="pending", message_id="m-held")
            assert pending["data"]["code"] == "UNCONFIRMED"
            await ada.say("chat", "room", message="more", sender="ada", message_id="m-more")
            refused = (await ada.until("system", status="error", message_id="m-more"))["data"]
            assert (refused["code"], refused["retry_after"] > 0) == ("STORE_AWAY", True)
            told = [one["data"]["seq"] for one in await bob.settled() if one["code"] == "chat_response"]
            assert told == [1]
        finally:
            os.kill(replica.pid, signal.SIGCONT)
        for client in (ada, bob):
            assert (await client.until("chat_response", message_id="m-held"))["data"]["seq"] == 2
        assert (await ada.chat("room", "more", message_id="m-more"))["data"]["seq"] == 3
        await bob.until("chat_response", message_id="m-more")
        everything = [one for client in (ada, bob) for one in client.heard if one["code"] == "chat_response"]
        assert [one["data"]["seq"] for one in everything] == [1, 2, 3] * 2


async def test_asking_again_does_not_confirm_what_no_replica_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WAIT answers at once on a connection that has written nothing, as that of another process has not."""
    monkeypatch.setattr(commit, "GIVE_UP_AFTER", 0.0)
    async with (
        replicated(tmp_path) as (url, replica),
        open_redis(url) as here,
        open_redis(url) as there,
        writing(here, replicas=1) as first,
        writing(there, replicas=1) as second,
    ):
        room = await make_room(here, first, "room")
        os.kill(replica.pid, signal.SIGSTOP)
        try:
            for log in (first, second):
                with pytest.raises(Unconfirmed):
                    await log.append(entry(room.name, "ada", "held", "m1"))
        finally:
            os.kill(replica.pid, signal.SIGCONT)
        await until(lambda: linked(replica))
        assert (await second.append(entry(room.name, "ada", "held", "m1"))).seq == 1
