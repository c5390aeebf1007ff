"""Messages as long as they may be: pages, and what is published at once, stay small enough."""

import asyncio

import orjson
from cast import http, unique
from chatting import Server
from redis.asyncio import Redis
from rooms import entry, listening, make_room, writing

from productflo.protocol.inbound import MAX_TEXT
from productflo.service.history import PAGE_BYTES
from productflo.store.commit import MAX_BATCH_BYTES
from productflo.store.events import Logged

LONG = "é" * MAX_TEXT


async def test_pages_of_long_messages_do_not_close_a_healthy_connection(server: Server, room: str) -> None:
    """Asked for at once, they come one after the other, each cut to what a connection takes."""
    [ada] = unique("ada")
    async with server.client(ada, max_size=None) as tab:
        await tab.join(room)
        for number in range(20):
            await tab.chat(room, LONG, message_id=f"m{number}")
        for _ in range(4):
            await tab.say("historic", room, limit=200)
        for _ in range(4):
            page = await tab.until("historic_response")
            assert len(orjson.dumps(page)) < PAGE_BYTES + 10_000
            assert page["data"]["last_seq"] == 20
            assert page["data"]["has_more"]


async def test_pages_lead_through_all_of_it_both_ways(server: Server, room: str) -> None:
    """A page that is shorter than its limit says that there is more; none is empty."""
    [ada] = unique("ada")
    async with server.client(ada, max_size=None) as tab, http(server, ada) as asking:
        await tab.join(room)
        for number in range(20):
            await tab.chat(room, LONG, message_id=f"m{number}")
        for query, end, onwards in (("before", "first_seq", 21), ("after", "last_seq", 0)):
            seen: list[int] = []
            more = True
            while more:
                page = (await asking.get(f"/api/rooms/{room}/messages", params={query: onwards})).json()
                seen += [one["seq"] for one in page["messages"]]
                onwards, more = page[end], page["has_more"]
            assert sorted(seen) == list(range(1, 21))


async def test_what_is_published_at_once_is_bounded(redis: Redis) -> None:
    """Long messages of one turn of the loop go in several calls, in their order."""
    async with writing(redis) as log, listening(redis, "lab") as listener:
        await make_room(redis, log, "lab")
        await asyncio.gather(*(log.append(entry("lab", "ada", LONG, f"m{number}")) for number in range(60)))
        logged = [
            event
            for event in await listener.until(
                lambda events: sum(len(one.envelopes) for one in events if isinstance(one, Logged)) == 60
            )
            if isinstance(event, Logged)
        ]
        assert max(sum(map(len, event.envelopes)) for event in logged) < MAX_BATCH_BYTES + 10_000
        ids = [orjson.loads(one)["data"]["message_id"] for event in logged for one in event.envelopes]
        assert ids == [f"m{number}" for number in range(60)]
