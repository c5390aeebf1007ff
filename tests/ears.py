"""A connection for tests of feeds: it keeps what it is handed, and reads only when it is let."""

import asyncio
from typing import Any

import orjson

from productflo.protocol.codes import CloseCode
from productflo.server.connection import Frame, Joined
from productflo.server.feed import Feed
from productflo.server.subscription import Subscription


class Ear:
    """Implements `Connection`. While `reads` is not set, nothing drains."""

    address = ""

    def __init__(self, name: str) -> None:
        self.id = name
        self.closed = False
        self.got: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self._came = asyncio.Event()

    def send(self, frame: Frame | Joined) -> None:
        """Take a frame."""
        self.got += [orjson.loads(text) for text in frame.texts]
        self._came.set()

    async def more(self) -> None:
        """Wait for the next frame."""
        self._came.clear()
        await self._came.wait()

    def close(self, code: CloseCode, reason: str) -> None:
        """End."""
        self.closed = True

    async def drained(self) -> None:
        """Wait until it reads."""
        await self.reads.wait()

    @property
    def heard(self) -> list[int | str]:
        """Seqs of durable events; of what else was told its code and up to where, `GAP 7`."""
        return [_short(one) for one in self.got]


def _short(envelope: dict[str, Any]) -> int | str:
    data = envelope["data"]
    if envelope["code"] == "system":
        kind = "goes on" if data.get("continuous") else data["reason"]
        return f"{data['code']} {kind} {data['last_seq']}"
    return int(data["seq"]) if "seq" in data else str(envelope["code"])


def follow(feed: Feed, ear: Ear, user: str, *, cursor: int, live: bool = False) -> Subscription:
    """A subscription of the feed; live, or one that has to catch up."""
    subscription = Subscription(ear, user, stream=False, cursor=cursor, leaves=feed.leaves)
    assert feed.follow(subscription)
    if live:
        feed.go_live(subscription)
    return subscription
