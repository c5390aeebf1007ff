"""A session answers whatever goes wrong, and goes on."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from productflo.domain.rates import Rate
from productflo.server.connection import Frame
from productflo.server.rate_limits import RateLimits, Rates
from productflo.server.session import Session


class Heard:
    """A connection that keeps what it is sent."""

    id = "conn_1"
    address = ""
    closed = False

    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []

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


async def test_a_fault_of_the_server_is_told_and_the_connection_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client gets PROCESSING_ERROR, the log the reason; the next envelope is answered."""

    async def begin(user: str, connection: str) -> None:
        pass

    door: Any = SimpleNamespace(
        hub=SimpleNamespace(opened=lambda connection: None, arrived=lambda connection, user: None),
        rates=RateLimits(Rates(*[Rate.parse("off")] * 6)),
        connections=SimpleNamespace(arrive=lambda user: None),
        heartbeat=SimpleNamespace(begin=begin),
        attendance=None,
        clock=BrokenClock(),
        reserved=lambda user: False,
    )
    connection: Any = Heard()
    ping = '{"code": "ping", "user_id": "ana", "data": {}}'
    async with asyncio.TaskGroup() as tasks:
        session = Session(door, connection, None, tasks)
        with caplog.at_level(logging.ERROR):
            await session.receive(ping)
        await session.receive(ping)
    assert [one["data"].get("code") for one in connection.envelopes] == ["PROCESSING_ERROR", None]
    assert connection.envelopes[1]["code"] == "pong"
    assert "ZeroDivisionError" in caplog.text
