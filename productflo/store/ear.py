"""A connection that listens to channels of one server; the bus has one for each shard."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from hiredis import PushNotification
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection, Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from productflo.store.outage import OUTAGE

log = logging.getLogger(__name__)

RECONNECT_DELAY = 0.2
"""Seconds between attempts to listen again: a restarted server is found within one."""
QUIET = 10.0
"""Seconds without a message until redis-py may send its PING (every 30 s, see `connect`): networks forget a
connection on which nothing moves for some minutes, and tell nobody."""
_PUBLISHED = (b"message", b"smessage")
LOST = (RedisError, OSError)
"""What asking for a channel raises while `run` connects anew."""


class Ear:
    """Listens to `channels`, one at least while it runs; `run()` must be running to hear anything.

    `unconfirmed` are those that a shard was asked for and has not confirmed: it may have them no longer.
    `on_message(channel, data)` is handed what is published, `on_subscribed(channel)` told that a channel is
    listened to from now on; `on_trouble` is called when the server was lost, or has a channel no longer. None
    may block.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        sharded: bool,
        on_message: Callable[[bytes, bytes], None],
        on_subscribed: Callable[[bytes], None],
        on_trouble: Callable[[], None],
    ) -> None:
        self.channels: set[bytes] = set()
        self.unconfirmed: set[bytes] = set()
        self._pubsub = _PubSub(redis, self.unconfirmed)
        self._sharded = sharded
        self._order = asyncio.Lock()
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._on_trouble = on_trouble
        self._attached = False

    async def listen(self, channel: bytes) -> None:
        """Ask for a channel; `on_subscribed` confirms it. Raises `LOST`."""
        async with self._order:
            if self._attached:
                await self._send("SSUBSCRIBE" if self._sharded else "SUBSCRIBE", channel)
                self._known[channel] = None
                if self._sharded:
                    self.unconfirmed.add(channel)
            self.channels.add(channel)

    async def leave(self, channel: bytes) -> None:
        """Listen to a channel no more; a `listen` that follows is sent after it."""
        async with self._order:
            self.channels.discard(channel)
            self.unconfirmed.discard(channel)
            self._known.pop(channel, None)
            if self._attached:
                try:
                    await self._send("SUNSUBSCRIBE" if self._sharded else "UNSUBSCRIBE", channel)
                except LOST as error:
                    log.debug("%r is not asked for again: %s", channel, error)

    @property
    def _known(self) -> dict[Any, Any]:
        """What redis-py asks for again after it has lost its connection."""
        return self._pubsub.shard_channels if self._sharded else self._pubsub.channels

    async def _send(self, command: str, channel: bytes) -> None:
        """Send on the connection that `run` reads from.

        Not through redis-py's PubSub, which would connect where that is lost: only `run` connects. Where two
        do so at once, redis-py forgets one connection and what it asked for, or reads from one twice.
        """
        connection = self._pubsub.connection
        if connection is None or not self._pubsub.is_greeted(connection):
            raise RedisConnectionError("It is being connected anew")
        await connection.send_command(command, channel, check_health=False)

    async def run(self) -> None:
        """Hand messages on until cancelled; through any number of lost connections."""
        try:
            while True:
                try:
                    if not self._attached:
                        await self._attach()
                    if message := await self._pubsub.get_message(timeout=QUIET):
                        self._heard(message)
                    await self._pubsub.hand_on(self._on_message, self._heard)
                except (RedisError, OSError) as error:
                    OUTAGE.noticed(error)
                    self._on_trouble()
                    await asyncio.sleep(RECONNECT_DELAY)
        finally:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _attach(self) -> None:
        asked: set[bytes] = set()
        while missing := self.channels - asked:  # There may be more of them after each question.
            if self._sharded:
                for channel in missing:
                    await self._pubsub.ssubscribe(channel)
            else:
                await self._pubsub.subscribe(*missing)
            asked |= missing
        self._attached = True

    def _heard(self, message: dict[str, Any]) -> None:
        channel = message["channel"]
        match message["type"]:
            case "message" | "smessage":
                self._on_message(channel, message["data"])
            case "subscribe" | "ssubscribe":
                self.unconfirmed.discard(channel)
                self._on_subscribed(channel)
            case "sunsubscribe" if channel in self.channels:
                # The slot has left this shard, which is the server's word and not an answer to ours.
                self._pubsub.shard_channels.pop(channel, None)
                self._on_trouble()


class _PubSub(PubSub):
    """redis-py's, which knows whether its connection may be written to, and asks for shards' channels apart.

    redis-py asks for all of them in one command after it has lost its connection, which a Cluster refuses for
    channels of several slots.
    """

    def __init__(self, redis: Redis, unconfirmed: set[bytes]) -> None:
        super().__init__(redis.connection_pool)
        self._unconfirmed = unconfirmed
        self._greeted: asyncio.StreamWriter | None = None

    def is_greeted(self, connection: AbstractConnection) -> bool:
        """Whether the connection is there, and its first words (HELLO, what it asked for before) are sent."""
        return connection.is_connected and connection._writer is self._greeted

    async def execute_command(self, *args: Any) -> None:
        """Send a command, connecting where that must be."""
        await super().execute_command(*args)
        self._greeted = self.connection._writer if self.connection else None

    async def hand_on(
        self, on_message: Callable[[bytes, bytes], None], on_other: Callable[[dict[str, Any]], None]
    ) -> None:
        """Hand on what comes, until nothing has for `QUIET` seconds, or twice as long.

        redis-py's `get_message` sets a timer for each message and may try again, 40 us where they come one by
        one. What is published goes to `on_message(channel, data)`, all else to `on_other`. Raises as
        `get_message` does.
        """
        connection: Any = self.connection
        heard = True
        while heard:
            heard = False
            try:
                async with asyncio.timeout(QUIET):
                    while connection.is_connected:
                        await self._hand_on_arrived(connection, on_message, on_other)
                        await connection.read_more()
                        heard = True
            except TimeoutError:
                continue

    async def _hand_on_arrived(
        self,
        connection: Any,
        on_message: Callable[[bytes, bytes], None],
        on_other: Callable[[dict[str, Any]], None],
    ) -> None:
        for reply in connection.arrived():
            if isinstance(reply, RedisError):
                if isinstance(reply, RedisConnectionError):
                    await connection.disconnect(nowait=True)
                raise reply
            if reply[0] in _PUBLISHED:
                on_message(reply[1], reply[2])
                continue
            if isinstance(reply, PushNotification):
                reply = await connection._parser.handle_push_response(reply)
            if reply in self.health_check_response:
                continue
            if message := await self.handle_message(reply):  # type: ignore[no-untyped-call]
                on_other(message)

    async def ssubscribe(self, *channels: Any, target_node: Any = None, **handlers: Any) -> None:
        """Ask for a channel."""
        self._unconfirmed.update(channels)
        await super().ssubscribe(*channels, target_node=target_node, **handlers)

    async def on_connect(self, connection: Connection) -> None:
        """Ask for what was asked for on the connection before."""
        await super().on_connect(connection)
        self._greeted = connection._writer

    async def _resubscribe_shard_channels(self) -> None:
        for channel in list(self.shard_channels):
            await self.ssubscribe(channel)
