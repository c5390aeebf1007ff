"""Read marks: they move forward, all hear of it, and they are there when one comes back."""

from datetime import datetime
from itertools import pairwise

import pytest
from cast import unique
from chatting import Server
from redis.asyncio import Redis

from productflo.protocol.codes import Kind
from productflo.service.receipts import GATHERED, TOLD_TO_ALL
from productflo.store.rooms import Member, Rooms


async def test_a_mark_moves_forward_and_all_hear_of_it(server: Server, room: str) -> None:
    """The reader too; who reads an older message hears where the mark is, alone."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        first, second = [(await other.chat(room, text))["data"]["message_id"] for text in ("one", "two")]
        await tab.say("read_receipt", room, message_id=second, sender=ada)
        for one in (tab, other):
            told = await one.until("read_receipt")
            assert told["user_id"] == ada
            assert told["data"] == {"message_id": second, "sender": ada, "read_seq": 2}
        await tab.say("read_receipt", room, message_id=first, sender=ada)
        assert (await tab.until("read_receipt"))["data"]["read_seq"] == 2
        assert "read_receipt" not in [one["code"] for one in await other.settled()]


async def test_a_mark_outlives_the_connection(server: Server, room: str) -> None:
    """It is in the answer to the next join, with what is unread after it."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other:
        async with server.client(ada) as tab:
            await tab.join(room)
            said = [(await other.chat(room, text))["data"]["message_id"] for text in ("one", "two", "three")]
            await tab.say("read_receipt", room, message_id=said[0])
            await tab.until("read_receipt")
        async with server.client(ada) as tab:
            data = (await tab.join(room))["data"]
    assert (data["read_seq"], data["unread"]) == (1, 2)
    assert {member["id"]: member["read_seq"] for member in data["members"]} == {ada: 1, bob: 0}


@pytest.mark.parametrize("message_id", ["nowhere", "ada|seen"])
async def test_a_message_that_is_not_there_can_not_be_read(
    server: Server, room: str, message_id: str
) -> None:
    """The error names the field."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.chat(room, "hello")
        await tab.say("read_receipt", room, message_id=message_id)
        error = await tab.error()
        assert (error["code"], error["field"]) == ("NOT_FOUND", "data.message_id")


async def test_a_message_of_another_room_can_not_be_read(server: Server, room: str) -> None:
    """An id is looked for in the room only."""
    (ada,) = unique("ada")
    async with server.client(ada) as tab:
        await tab.join(room)
        await tab.chat(f"{room}-2", "elsewhere", message_id="m1")
        await tab.say("read_receipt", room, message_id="m1")
        assert (await tab.error())["code"] == "NOT_FOUND"


async def test_a_burst_costs_the_room_an_envelope_a_second(server: Server, room: str) -> None:
    """The mark moves at once; the others hear of the first, and of the newest of the rest a second later."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        for number in range(20):
            await other.chat(room, f"word {number}", message_id=f"m{number}")
        for number in range(20):
            await tab.say("read_receipt", room, message_id=f"m{number}")
        assert (await tab.join(room))["data"]["read_seq"] == 20
        await other.until("read_receipt", read_seq=20)
        told = [one for one in other.heard if one["code"] == "read_receipt"]
        assert len(told) < 20
        assert told[-1]["data"] == {"message_id": "m19", "sender": ada, "read_seq": 20}
        times = [datetime.fromisoformat(one["timestamp"]) for one in told]
        assert all((later - one).total_seconds() > GATHERED - 0.05 for one, later in pairwise(times))


async def test_in_a_big_room_only_author_and_reader_hear(server: Server, redis: Redis, room: str) -> None:
    """Above a hundred members; on all their connections."""
    ada, bob, eve = unique("ada", "bob", "eve")
    async with (
        server.client(ada) as tab,
        server.client(ada) as second,
        server.client(bob) as author,
        server.client(eve) as bystander,
    ):
        for one in (tab, second, author, bystander):
            await one.join(room)
        for number in range(TOLD_TO_ALL - 2):
            guest = Member(f"guest{number}", "Guest", Kind.HUMAN)
            await Rooms(redis).join(room, guest, granted=True)
        said = [(await one.chat(room, "hello"))["data"]["message_id"] for one in (author, bystander, author)]
        await tab.say("read_receipt", room, message_id=said[0])
        for one in (tab, second, author):
            await one.until("read_receipt", sender=ada)
        await author.chat(room, "over")
        await bystander.until("chat_response", message="over")
        assert "read_receipt" not in [one["code"] for one in bystander.heard]
