"""All live connections of this process: their subscriptions, by room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from productflo.protocol.codes import CloseCode
from productflo.server.connection import Connection, Frame
from productflo.server.feed import Feed, Subscription
from productflo.store.bus import Bus
from productflo.store.events import Logged
from productflo.store.log import Log

REPLAY_PAGE = 100
"""Events read from the log at once for a subscription that catches up; about 50 KB."""


class Hub:
    """The feeds of the rooms that somebody here is subscribed to, and the connections themselves."""

    def __init__(self, bus: Bus, log: Log) -> None:
        self._bus = bus
        self._log = log
        self.feeds: dict[str, Feed] = {}
        self.connections: dict[str, tuple[Connection, str]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def arrived(self, connection: Connection, user: str) -> None:
        """A connection's user is known from now on."""
        self.connections[connection.id] = (connection, user)
        self._empty.clear()

    async def left(self, connection: Connection) -> None:
        """A connection ended: so do its subscriptions."""
        self.connections.pop(connection.id, None)
        if not self.connections:
            self._empty.set()
        for feed in [feed for feed in self.feeds.values() if connection.id in feed.subscriptions]:
            del feed.subscriptions[connection.id]
            await self._close_if_unused(feed)

    @asynccontextmanager
    async def feed(self, room: str) -> AsyncIterator[Feed]:
        """The room's feed, listened to; kept at least as long as the block. Raises `StoreAway`."""
        feed = self.feeds.setdefault(room, Feed(room))
        feed.pins += 1
        try:
            await self._bus.subscribe(room)
            yield feed
        finally:
            feed.pins -= 1
            await self._close_if_unused(feed)

    async def catch_up(self, feed: Feed, subscription: Subscription) -> None:
        """Hand a subscription everything after its cursor, at the pace of its reader; then it is live.

        Ends early where the connection or the subscription does.
        """
        while feed.subscriptions.get(subscription.connection.id) is subscription:
            if subscription.connection.closed:
                return
            heard = feed.seq
            records = await self._log.read(feed.room, subscription.cursor, REPLAY_PAGE)
            for record in records:
                subscription.connection.send(Frame(record.envelope))
                subscription.cursor = record.seq
            if len(records) < REPLAY_PAGE:
                # What was heard of and is not in the log any more can not be handed on.
                subscription.cursor = max(subscription.cursor, heard)
                if subscription.cursor >= feed.seq:
                    feed.go_live(subscription)
                    return
            await subscription.connection.drained()

    async def fill(self, feed: Feed) -> bool:
        """Hand on from the log what the bus dropped; False if the log does not have it either."""
        while feed.behind:
            records = await self._log.read(feed.room, feed.seq, REPLAY_PAGE)
            if not records or records[0].seq > feed.seq + 1:
                return not feed.behind
            feed.logged(Logged(records[0].seq, tuple(record.envelope for record in records)))
        return True

    def close_all(self, code: CloseCode, reason: str) -> None:
        """Close every connection."""
        for connection, _ in list(self.connections.values()):
            connection.close(code, reason)

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        await self._empty.wait()

    async def _close_if_unused(self, feed: Feed) -> None:
        if not feed.subscriptions and not feed.pins and self.feeds.get(feed.room) is feed:
            del self.feeds[feed.room]
            await self._bus.unsubscribe(feed.room)
