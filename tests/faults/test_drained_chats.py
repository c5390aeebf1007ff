"""Chats in flight when the server is asked to stop: acknowledged, or not written, or found by a retry."""

import os
import signal
from pathlib import Path

import pytest
from chatting import Client, Server
from faults.deployment import deployed, paused
from websockets.exceptions import ConnectionClosed

BURST = 64  # As many as a connection may have under way.


async def burst(client: Client, first: int) -> list[str]:
    """Say many things without waiting; their ids."""
    ids = [f"m{number}" for number in range(first, first + BURST)]
    for message_id in ids:
        await client.say("chat", "room", message=message_id, sender=client.user, message_id=message_id)
    return ids


async def acknowledged(client: Client) -> dict[str, int]:
    """What is confirmed until the server closes: seq by message id."""
    try:
        while True:
            await client.next()
    except ConnectionClosed:
        heard = [one["data"] for one in client.heard if one["code"] == "chat_response"]
        return {data["message_id"]: data["seq"] for data in heard}


async def logged(server: Server) -> dict[str, int]:
    """The room's log, which is dense: seq by message id."""
    found: list[tuple[str, int]] = []
    async with server.client("checker") as client:
        await client.join("room")
        more = True
        while more:
            await client.say("historic", "room", after=len(found), limit=200)
            page = (await client.until("historic_response"))["data"]
            found += [(message["message_id"], message["seq"]) for message in page["messages"]]
            more = page["has_more"]
    assert [seq for _, seq in found] == list(range(1, len(found) + 1))
    assert len(dict(found)) == len(found)
    return dict(found)


async def retried(server: Server, ids: list[str]) -> dict[str, int]:
    """What each message is answered when it is sent again as it was."""
    async with server.client("ada") as ada:
        return {one: (await ada.chat("room", one, message_id=one))["data"]["seq"] for one in ids}


@pytest.mark.parametrize("confirmed", [1, 20, 40])
async def test_a_burst_at_the_stop(tmp_path: Path, confirmed: int) -> None:
    """What was acknowledged is in the log; a retry of all gets the first results, and adds the rest."""
    async with deployed(tmp_path) as deployment:
        async with deployment.server.client("ada") as ada:
            ids = await burst(ada, 0)
            await ada.until("chat_response", message_id=ids[confirmed - 1])
            os.kill(deployment.web.pid, signal.SIGTERM)
            told = await acknowledged(ada)
        assert await deployment.web.ends() == 0
        await deployment.start_web()
        before = await logged(deployment.server)
        assert told.items() <= before.items()
        answers = await retried(deployment.server, ids)
        assert before.items() <= answers.items()
        assert await logged(deployment.server) == answers


async def test_written_without_an_answer(tmp_path: Path) -> None:
    """The store gets the messages, and answers only after the server has ended: a retry finds them."""
    async with deployed(tmp_path) as deployment:
        async with deployment.server.client("ada") as ada:
            await ada.chat("room", "before", message_id="before")
            with paused(deployment.store_pid):
                ids = await burst(ada, 0)
                await ada.until("system", status="pending", message_id=ids[0])
                os.kill(deployment.web.pid, signal.SIGTERM)
                told = await acknowledged(ada)
                await deployment.web.ends()
        await deployment.start_web()
        before = await logged(deployment.server)
        assert told.keys() == {"before"}
        assert ids[0] in before
        answers = await retried(deployment.server, ids)
        assert {one: seq for one, seq in before.items() if one != "before"}.items() <= answers.items()
        assert await logged(deployment.server) == {"before": 1, **answers}
