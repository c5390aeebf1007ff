"""A connection that listens to channels of one server; the bus has one for each shard."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from productflo.store.outage import OUTAGE

log = logging.getLogger(__name__)

RECONNECT_DELAY = 0.2
"""Seconds between attempts to listen again: a restarted server is found within one."""
QUIET = 10.0
"""Seconds without a message until redis-py may send its PING (every 30 s, see `connect`): networks forget a
connection on which nothing moves for some minutes, and tell nobody."""
LOST = (RedisError, OSError, AttributeError)
"""What asking for a channel raises while `run` connects anew; redis-py has no writer then."""


class Ear:
    """Listens to `channels`, one at least while it runs; `run()` must be running to hear anything.

    `unconfirmed` are those that a shard was asked for and has not confirmed: it may have them no longer.
    `on_message` is handed what redis-py makes of a message; `on_trouble` is called when the server was lost,
    or has a channel no longer. Neither may block.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        sharded: bool,
        on_message: Callable[[dict[str, Any]], None],
        on_trouble: Callable[[], None],
    ) -> None:
        self.channels: set[bytes] = set()
        self.unconfirmed: set[bytes] = set()
        self._pubsub: PubSub = _Sharded(redis, self.unconfirmed) if sharded else redis.pubsub()
        self._sharded = sharded
        self._on_message = on_message
        self._on_trouble = on_trouble
        self._attached = False

    async def listen(self, channel: bytes) -> None:
        """Ask for a channel; a message of type `subscribe` or `ssubscribe` confirms it. Raises `LOST`."""
        # Only `run` connects: where two do so at once, redis-py forgets one connection and what it asked for.
        if self._attached:
            await self._ask(channel)
        self.channels.add(channel)

    async def leave(self, channel: bytes) -> None:
        """Listen to a channel no more."""
        self.channels.discard(channel)
        self.unconfirmed.discard(channel)
        if self._attached:
            try:
                await (self._pubsub.sunsubscribe if self._sharded else self._pubsub.unsubscribe)(channel)
            except LOST as error:
                log.debug("%r is listened to in vain until the next start: %s", channel, error)
            self._pubsub.shard_channels.pop(channel, None)  # Whether the shard confirms it or has moved it.

    async def run(self) -> None:
        """Hand messages on until cancelled; through any number of lost connections."""
        try:
            while True:
                try:
                    if not self._attached:
                        await self._attach()
                    message = await self._pubsub.get_message(timeout=QUIET)
                except (RedisError, OSError) as error:
                    OUTAGE.noticed(error)
                    self._on_trouble()
                    await asyncio.sleep(RECONNECT_DELAY)
                    continue
                if message:
                    self._heard(message)
        finally:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _attach(self) -> None:
        asked: set[bytes] = set()
        while missing := self.channels - asked:  # There may be more of them after each question.
            await self._ask(*missing)
            asked |= missing
        self._attached = True

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "ssubscribe":
            self.unconfirmed.discard(message["channel"])
        if message["type"] == "sunsubscribe" and message["channel"] in self.channels:
            # The slot has left this shard, which is the server's word and not an answer to ours.
            self._pubsub.shard_channels.pop(message["channel"], None)
            self._on_trouble()
        else:
            self._on_message(message)

    async def _ask(self, *channels: bytes) -> None:
        if self._sharded:
            for channel in channels:
                await self._pubsub.ssubscribe(channel)
        else:
            await self._pubsub.subscribe(*channels)


class _Sharded(PubSub):
    """redis-py's, which asks for all its channels in one command after it has lost its connection.

    A Cluster refuses that for channels of several slots.
    """

    def __init__(self, redis: Redis, unconfirmed: set[bytes]) -> None:
        super().__init__(redis.connection_pool)
        self._unconfirmed = unconfirmed

    async def ssubscribe(self, *channels: Any, target_node: Any = None, **handlers: Any) -> None:
        """Ask for a channel."""
        self._unconfirmed.update(channels)
        await super().ssubscribe(*channels, target_node=target_node, **handlers)

    async def on_connect(self, connection: AbstractConnection) -> None:
        """Ask for each channel again."""
        for channel in list(self.shard_channels):
            await self.ssubscribe(channel)
