"""A session answers whatever goes wrong, and goes on."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from productflo.domain.rates import Rate
from productflo.errors import Unconfirmed
from productflo.server import rate_limits
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.rate_limits import RateLimits, Rates
from productflo.server.session import Session
from productflo.server.subscription import Subscription

PING = '{"code": "ping", "user_id": "ana", "data": {}}'


class Heard:
    """A connection that keeps what it is sent."""

    id = "conn_1"
    address = ""
    closed = False

    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []

    def read_on(self) -> None:
        pass

    def send(self, frame: Frame) -> None:
        self.envelopes.append(json.loads(frame.envelope))


class BrokenClock:
    """Fails at its first look, as a fault of ours would."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        if self.looks == 1:
            raise ZeroDivisionError
        return datetime(2026, 11, 23, tzinfo=UTC)


def door(clock: object) -> Any:
    """As much of a server as a ping takes."""

    async def begin(user: str, connection: str) -> None:
        pass

    return SimpleNamespace(
        hub=SimpleNamespace(
            opened=lambda connection: None, arrived=lambda connection, user: None, feeds={"r": Feed("r")}
        ),
        rates=RateLimits(Rates(*[Rate.parse("off")] * 6)),
        connections=SimpleNamespace(arrive=lambda user: None),
        heartbeat=SimpleNamespace(begin=begin),
        attendance=None,
        clock=clock,
        reserved=lambda user: False,
    )


async def test_a_fault_of_the_server_is_told_and_the_connection_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client gets PROCESSING_ERROR, the log the reason; the next envelope is answered."""

    connection: Any = Heard()
    async with asyncio.TaskGroup() as tasks:
        session = Session(door(BrokenClock()), connection, None, tasks)
        with caplog.at_level(logging.ERROR):
            await session.receive(PING)
        await session.receive(PING)
    assert [one["data"].get("code") for one in connection.envelopes] == ["PROCESSING_ERROR", None]
    assert connection.envelopes[1]["code"] == "pong"
    assert "ZeroDivisionError" in caplog.text


async def test_who_sends_many_bytes_is_read_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is answered all the same; the next message is not asked for meanwhile."""
    monkeypatch.setattr(rate_limits, "BYTES", Rate(10 * len(PING), len(PING)))
    connection: Any = Heard()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        session = Session(door(lambda: datetime(2026, 11, 23, tzinfo=UTC)), connection, None, tasks)
        begin = loop.time()
        for _ in range(4):
            await session.receive(PING)
        assert loop.time() - begin >= 0.3
    assert [one["code"] for one in connection.envelopes] == ["pong"] * 4


async def test_a_message_that_nobody_tries_any_more_is_pending_still() -> None:
    """It may be stored, so it is called no error; `retry_after` says that only sending it again will tell."""
    unconfirmed = Unconfirmed("The store did not confirm it.", retry_after=2)

    async def prepare(*said: object) -> None:
        return None

    served = door(lambda: datetime(2026, 11, 23, tzinfo=UTC))
    served.chat = SimpleNamespace(prepare=prepare, hand_in=lambda entry, answered: answered(unconfirmed))
    served.requests = SimpleNamespace(command=prepare)
    connection: Any = Heard()
    async with asyncio.TaskGroup() as tasks:
        session = Session(served, connection, None, tasks)
        served.hub.feeds["r"].follow(Subscription(connection, "ana", stream=False))
        said = {"message": "hello", "sender": "ana", "message_id": "m1"}
        await session.receive(json.dumps({"code": "chat", "user_id": "ana", "room_id": "r", "data": said}))
    (pending,) = connection.envelopes
    assert (pending["status"], pending["data"]["code"]) == ("pending", "UNCONFIRMED")
    assert (pending["data"]["message_id"], pending["data"]["retry_after"]) == ("m1", 2)
