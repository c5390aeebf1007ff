"""All live connections of this process: their subscriptions, by room."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from productflo import metrics
from productflo.errors import RateLimited
from productflo.protocol.codes import CloseCode
from productflo.server.connection import Connection
from productflo.server.feed import Feed
from productflo.store.bus import Bus

JOINING = 32
"""Arrivals and joins under way at once. When a thousand came back and all asked the store at once, on as many
connections, its answers came so late that they counted as lost four times over (tests/long/rejoin.py)."""
ENTRANCE_TIMEOUT = 30.0
"""Seconds that a join waits for its turn: far longer than a thousand take, unless the store is away."""
RETRY_AFTER = 2.0
"""Seconds that one is asked to wait for whom that was too long."""


class Hub:
    """The feeds of the rooms that somebody here is subscribed to, and the connections themselves."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.feeds: dict[str, Feed] = {}
        self.connections: dict[str, Connection] = {}
        self.users: dict[str, str] = {}
        self.addresses: Counter[str] = Counter()
        self.devices: Counter[str] = Counter()
        self._entrance = asyncio.Semaphore(JOINING)
        self._closing: tuple[CloseCode, Callable[[], str]] | None = None

    def opened(self, connection: Connection) -> None:
        """A connection is there, whoever it may be. After `close_all` it is closed as the others were."""
        self.connections[connection.id] = connection
        self.addresses[connection.address] += 1
        metrics.CONNECTIONS.inc()
        if self._closing:
            code, reason = self._closing
            connection.close(code, reason())

    def arrived(self, connection: Connection, user: str) -> None:
        """A connection's user is known from now on."""
        self.users[connection.id] = user
        self.devices[user] += 1

    async def closed(self, connection: Connection, rooms: Iterable[str]) -> None:
        """A connection ended, and its subscriptions of these rooms with it."""
        del self.connections[connection.id]
        metrics.CONNECTIONS.dec()
        _one_less(self.addresses, connection.address)
        if user := self.users.pop(connection.id, None):
            _one_less(self.devices, user)
        for feed in [self.feeds[room] for room in rooms if room in self.feeds]:
            feed.subscriptions.pop(connection.id, None)
            await self._close_if_unused(feed)

    @asynccontextmanager
    async def entrance(self) -> AsyncIterator[None]:
        """A place among those who join at the moment; first come, first served.

        Raises `RateLimited` where so many wait that it would take too long.
        """
        try:
            await asyncio.wait_for(self._entrance.acquire(), ENTRANCE_TIMEOUT)
        except TimeoutError as error:
            raise RateLimited(
                "Many join at the moment. Try again shortly.", retry_after=RETRY_AFTER
            ) from error
        try:
            yield
        finally:
            self._entrance.release()

    @asynccontextmanager
    async def feed(self, room: str) -> AsyncIterator[Feed]:
        """The room's feed, listened to; kept at least as long as the block. Raises `StoreAway`."""
        feed = self.feeds.setdefault(room, Feed(room))
        feed.pins += 1
        try:
            await self._bus.subscribe(room)
            yield feed
        finally:
            feed.unpin()
            await self._close_if_unused(feed)

    def close_all(self, code: CloseCode, reason: Callable[[], str]) -> None:
        """Close every connection, and those that still come; each is given a reason of its own."""
        self._closing = code, reason
        for connection in self.connections.values():
            connection.close(code, reason())

    async def close_unused(self) -> None:
        """Stop listening to rooms that nobody here is subscribed to any more."""
        for feed in list(self.feeds.values()):
            await self._close_if_unused(feed)

    async def _close_if_unused(self, feed: Feed) -> None:
        if not feed.subscriptions and not feed.pins and self.feeds.get(feed.room) is feed:
            del self.feeds[feed.room]
            await self._bus.unsubscribe(feed.room)


def _one_less(count: Counter[str], key: str) -> None:
    """Nothing is kept of who is gone."""
    count[key] -= 1
    if not count[key]:
        del count[key]
