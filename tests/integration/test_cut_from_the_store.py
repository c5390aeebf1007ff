"""What stands while the store is away, and that all of it goes on by itself when the store is back."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from rooms import entry, make_room, writing
from wire import wired

from productflo.errors import StoreAway, Unconfirmed
from productflo.protocol.codes import CloseCode
from productflo.server.connection import Frame
from productflo.server.hub import Hub
from productflo.server.subscription import Subscription
from productflo.store import commit as commit_module
from productflo.store.bus import Bus
from productflo.store.connect import client, open_redis


async def test_an_append_waits_for_the_store_and_is_written_once(redis: Redis, store_url: str) -> None:
    """Handed in while it is away; confirmed when it is back."""
    async with wired(store_url) as wire, open_redis(wire.url) as through, writing(through) as log:
        room = await make_room(through, log, f"away_{uuid4().hex}")
        await room.say("ada", "before")
        await wire.cut()
        waiting = asyncio.create_task(room.say("ada", "meanwhile"))
        await asyncio.wait({waiting}, timeout=0.1)
        await wire.mend()
        await waiting
        assert [data["message"] for data in await room.said()] == ["before", "meanwhile"]


async def test_a_log_that_gave_up_goes_on_when_the_store_is_back(
    redis: Redis, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given up is unconfirmed, not lost sight of; the next append finds the store again."""
    monkeypatch.setattr(commit_module, "GIVE_UP_AFTER", 0.01)
    async with wired(store_url) as wire, open_redis(wire.url) as through, writing(through) as log:
        room = await make_room(through, log, f"away_{uuid4().hex}")
        await wire.cut()
        first = entry(room.name, "ada", "first", "m1")
        with pytest.raises(Unconfirmed):
            await log.append(first)
        await wire.mend()
        assert (await log.append(first)).seq == 1


async def test_others_are_told_at_once_that_the_store_is_away(redis: Redis, store_url: str) -> None:
    """While one append tries, the next ones do not queue behind it."""
    async with wired(store_url) as wire, open_redis(wire.url) as through, writing(through) as log:
        room = await make_room(through, log, f"away_{uuid4().hex}")
        await wire.cut()
        asked = []
        while not any(append.done() for append in asked):
            append = asyncio.create_task(log.append(entry(room.name, "ada", "more", f"m{len(asked)}")))
            asked.append(append)
            await asyncio.wait(asked, timeout=0.05)
        assert isinstance(asked[-1].exception(), StoreAway)
        await wire.mend()
        seqs = [appended.seq for appended in await asyncio.gather(*asked[:-1])]
        assert seqs == list(range(1, len(seqs) + 1))


class Gone:
    """A connection whose client has left."""

    id = "conn_gone"
    address = "127.0.0.1"
    closed = True

    def send(self, frame: Frame) -> None:
        raise AssertionError("it has left")

    def close(self, code: CloseCode, reason: str) -> None:
        return

    async def drained(self) -> None:
        return


async def test_a_connection_leaves_all_its_rooms_though_the_store_is_away(
    redis: Redis, store_url: str
) -> None:
    """No feed keeps an ear of one who has gone."""
    async with wired(store_url) as wire:
        through = client(wire.url)
        bus = Bus(through, shards=(0,))
        hub = Hub(bus)
        listening = asyncio.create_task(bus.run(lambda *_: None, lambda *_: None, lambda *_: None))
        gone = Gone()
        hub.opened(gone)
        for name in ("a", "b", "c"):
            async with hub.feed(name) as feed:
                feed.subscriptions[gone.id] = Subscription(gone, "ada", stream=False)
        await wire.cut()
        await hub.closed(gone, ["a", "b", "c"])
        assert hub.feeds == {}
        listening.cancel()
        await asyncio.wait({listening})
        await through.aclose()
