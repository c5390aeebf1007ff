"""Connections of a feed that keep what they are handed."""

from typing import Any

import orjson
import pytest

from productflo.protocol.codes import CloseCode
from productflo.server.connection import Frame, Joined
from productflo.server.feed import Feed
from productflo.server.subscription import Subscription
from productflo.store.events import Logged


class Recorder:
    """A connection that keeps what it is handed."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.closed = False
        self.got: list[Any] = []

    def send(self, frame: Frame | Joined) -> None:
        self.got += [orjson.loads(text) for text in frame.texts]

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = True

    async def drained(self) -> None:
        return


def subscribed(
    feed: Feed,
    user: str,
    *,
    stream: bool = False,
    live: bool = True,
    cursor: int = 0,
    tab: str = "",
    leaves: int = 0,
) -> Recorder:
    """A connection of a user, caught up unless said otherwise."""
    connection = Recorder(user + tab)
    subscription = Subscription(connection, user, stream, cursor, leaves)
    feed.subscriptions[connection.id] = subscription
    if live:
        feed.go_live(subscription)
    return connection


def message(seq: int) -> bytes:
    """A durable event."""
    return orjson.dumps({"code": "chat_response", "data": {"message_id": f"m{seq}", "seq": seq}})


def logged(first: int, last: int, generation: str = "g1") -> Logged:
    """Durable events in a row."""
    return Logged(first, generation, 0, tuple(message(seq) for seq in range(first, last + 1)))


@pytest.fixture
def feed() -> Feed:
    """A room at seq 0."""
    feed = Feed("lab")
    feed.start("g1", 0, 0)
    return feed
