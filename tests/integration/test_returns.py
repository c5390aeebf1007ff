"""Many members of a room come back at once: nobody hears of it, and the store is asked little.

tests/long/rejoin.py is the same with a thousand, and tells how long it takes.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from chatting import Client, Server
from redis.asyncio import Redis

from productflo.protocol.codes import Kind
from productflo.store.rooms import Member, Rooms

CROWD = 80
MISSED = 30


async def commands(redis: Redis) -> Counter[str]:
    """How often the store was asked for what."""
    stats = await redis.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()})


async def test_a_crowd_that_returns_is_no_news(server: Server, redis: Redis, room: str) -> None:
    """Each gets what it missed, once; nobody is told of a join; log and members are read for all together."""
    users = [f"{room}_{number}" for number in range(CROWD)]
    async with server.client("ada") as ada, AsyncExitStack() as stack:
        generation = (await ada.join(room))["data"]["generation"]
        for user in users:
            await Rooms(redis).join(room, Member(user, user.title(), Kind.HUMAN), granted=True)
        for number in range(MISSED):
            await ada.say("chat", room, message=f"{number}", sender="ada")
        await ada.until("chat_response", seq=MISSED)
        crowd = [await stack.enter_async_context(server.client(user)) for user in users]
        await asyncio.gather(*(one.settled() for one in crowd))  # Their presence is told by now.
        before = await commands(redis)
        await asyncio.gather(*(resume(one, room, generation) for one in crowd))
        spent = await commands(redis) - before
        joined = [one for one in await ada.settled() if one["code"] == "join"]
        others = [one for tab in crowd for one in await tab.settled() if one["code"] == "join"]
    assert joined == others == []
    assert spent["xrange"] < 2.2 * CROWD  # Two of each join's script: the replays share theirs.
    assert spent["hgetall"] < CROWD / 5


async def resume(client: Client, room: str, generation: str) -> None:
    """Come back, and hear all that was missed."""
    answer = await client.join(room, since=0, generation=generation)
    assert answer["data"]["continuous"] is True
    await client.until("chat_response", seq=MISSED)
    seqs = [one["data"]["seq"] for one in client.heard if one["code"] == "chat_response"]
    assert seqs == list(range(1, MISSED + 1))
