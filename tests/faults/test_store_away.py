"""While the store is away clients are told so, keep their connections, and go on by themselves after it."""

import asyncio
import os
import signal
import socket
from pathlib import Path

from chatting import Client, Envelope
from counting import counted
from faults.deployment import deployed, paused
from faults.traffic import talking

from productflo.server.pages import PAGE

LONG = "x" * 9_000
REPLAYED = PAGE + 10  # Of these: nearly the megabyte that a resume replays, and more than is read at once.
SMALL_BUFFER = 65_536
AGAIN_SECONDS = 0.05  # A client's pause before it tries again.
LONGER_THAN_ANY_ANSWER = 6.0  # Seconds; after 5 the server asks again on another connection.


async def refusal(client: Client, request: str) -> Envelope:
    """The next refusal of such a request, which says when to try again."""
    data = (await client.until("system", status="error", request_code=request))["data"]
    assert data["code"] == "STORE_AWAY"
    assert data["retry_after"] > 0
    return data


async def joined_again(client: Client, room: str) -> Envelope:
    """Join as often as it takes, on the connection that there is."""
    while True:
        await client.say("join", room)
        answer = await client.next()
        while answer["code"] not in ("join", "system"):
            answer = await client.next()
        if answer["code"] == "join" and "generation" in answer["data"]:
            return answer
        await asyncio.sleep(AGAIN_SECONDS)


async def said_again(client: Client, message_id: str, message: str) -> Envelope:
    """Send a refused message as often as it takes.

    A message is heard over the bus before the server has the store's answer to it, which is how it knows that
    the store is back: who sends at once after hearing may be refused once more.
    """
    while True:
        await client.say("chat", "room", message=message, sender=client.user, message_id=message_id)
        while (answer := await client.next())["data"].get("message_id") != message_id:
            pass
        if answer["status"] == "success":
            return answer
        await asyncio.sleep(AGAIN_SECONDS)


async def test_sends_are_refused_or_pending_and_the_connections_stay(tmp_path: Path) -> None:
    """The first message waits and ends as a success; later ones, and joins, are refused with a delay."""
    async with (
        deployed(tmp_path) as deployment,
        deployment.server.client("ada") as ada,
        deployment.server.client("bob") as bob,
    ):
        await bob.join("room")
        await ada.chat("room", "before")
        with paused(deployment.keeper_pid):
            await deployment.kill_store()
            await ada.say("chat", "room", message="first", sender="ada", message_id="m-first")
            pending = await ada.until("system", status="pending")
            assert pending["data"]["code"] == "UNCONFIRMED"
            assert pending["data"]["message_id"] == "m-first"
            await ada.say("chat", "room", message="second", sender="ada", message_id="m-second")
            assert (await refusal(ada, "chat"))["message_id"] == "m-second"
            await bob.say("join", "other")
            await refusal(bob, "join")
        first = await ada.until("chat_response", message_id="m-first")
        assert first["data"]["seq"] == 2
        assert (await said_again(ada, "m-second", "second"))["data"]["seq"] == 3
        await bob.until("chat_response", message_id="m-second")
        assert (await counted(deployment.server))["unconfirmed_total"] == 1
        assert [one["data"]["seq"] for one in bob.heard if one["code"] == "chat_response"] == [1, 2, 3]
        await joined_again(bob, "other")


async def test_a_store_that_stands_still_writes_nothing_twice(tmp_path: Path) -> None:
    """The server asks again for what it got no answer to; the store, awake again, is asked it all at once."""
    async with deployed(tmp_path) as deployment, talking(deployment.server) as traffic:
        await traffic.goes_on()
        with paused(deployment.store_pid):
            await asyncio.sleep(LONGER_THAN_ANY_ANSWER)
        await traffic.goes_on()
        assert await traffic.problems() == []
        assert all(writer.told["UNCONFIRMED"] for writer in traffic.writers)
        assert {one.connections for one in traffic.people} == {1}


def slow_socket(port: int) -> socket.socket:
    """Connected; what its client does not read stays with the server soon."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    plain.connect(("127.0.0.1", port))
    plain.setblocking(False)
    return plain


async def test_a_replay_outlasts_a_lost_store(tmp_path: Path) -> None:
    """The store is lost while a slow reader is sent what it missed: it stays connected, and gets the rest."""
    async with (
        deployed(tmp_path) as deployment,
        deployment.server.client("ada") as ada,
        deployment.server.client("bob", sock=slow_socket(deployment.server.port), max_queue=1) as bob,
    ):
        for _ in range(REPLAYED):
            await ada.chat("room", LONG)
        await bob.join("room", since=0)  # It reads no further: the server can not send it all.
        with paused(deployment.keeper_pid):
            await deployment.kill_store()
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(bob.until("chat_response", seq=REPLAYED))
                for _ in range(2):  # The replay, which asks at the same time, was refused by then.
                    await ada.say("join", "other")
                    await refusal(ada, "join")
                assert not reading.done()
                os.kill(deployment.keeper_pid, signal.SIGCONT)
        assert [one["data"]["seq"] for one in bob.heard if one["code"] == "chat_response"] == [
            *range(1, REPLAYED + 1)
        ]
