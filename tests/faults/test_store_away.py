"""While the store is away clients are told so, keep their connections, and go on by themselves after it."""

import asyncio
from pathlib import Path

from chatting import Client, Envelope
from faults.deployment import Deployment, deployed, paused
from faults.traffic import AGAIN_SECONDS, talking

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
        assert (await ada.chat("room", "second", message_id="m-second"))["data"]["seq"] == 3
        await bob.until("chat_response", message_id="m-second")
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
        everybody = (*traffic.readers, *traffic.writers)
        assert [one.connections for one in everybody] == [1] * len(everybody)


async def test_a_replay_outlasts_a_lost_store(tmp_path: Path) -> None:
    """The store is killed while rooms are replayed; the connection stays, and the replay goes on."""
    async with deployed(tmp_path) as deployment, deployment.server.client("ada") as ada:
        for number in range(300):
            await ada.chat("room", f"word {number}", message_id=f"m{number}")
        await asyncio.gather(
            *(_replayed_across_a_kill(deployment, f"reader{at}", kill=at == 0) for at in range(3))
        )


async def _replayed_across_a_kill(deployment: Deployment, user: str, *, kill: bool) -> None:
    async with deployment.server.client(user) as reader:
        for round_ in range(5):
            await reader.say("join", "room", since=0)
            if kill and round_ == 1:
                await deployment.kill_store()
        told = 0
        while told < 5:  # Each join is answered, and the last one that succeeds is replayed to its end.
            answer = await reader.next()
            told += answer["code"] == "system" and answer["status"] == "error"
            told += answer["code"] == "join" and "generation" in answer["data"]
        await joined_again(reader, "room")
        assert not [one for one in await reader.settled() if one["status"] == "error"]
