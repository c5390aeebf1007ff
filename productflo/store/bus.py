"""Pub/Sub: what happens in rooms, and whose presence changes, between processes.

Pub/Sub may drop what is published while a connection is down. Nothing durable depends on it: after every
new subscription of a channel `on_subscribed` is called, and the relay reads what it missed from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from productflo.store.events import Published, RoomEvent, decode, encode
from productflo.store.keys import PRESENCE_SHARDS, PresenceKeys, RoomKeys
from productflo.store.refusals import told

log = logging.getLogger(__name__)

RECONNECT_DELAY = 0.2
"""Seconds between attempts to listen again: a restarted server is found within one."""
SUBSCRIBE_TIMEOUT = 5.0
"""Seconds for a subscription to be confirmed, before the caller is told that the store is away."""
QUIET = 10.0
"""Seconds without a message until redis-py may send its PING (every 30 s, see `connect.client`): networks
forget a connection on which nothing moves for some minutes, and tell nobody."""
LOST = (RedisError, OSError, AttributeError)
"""What asking for a channel raises while `run` connects anew; redis-py has no writer then."""


class Bus:
    """The channels of the rooms that this process asked for.

    `run()` must be running for `subscribe` to return. Events are handed to `on_event(room, event)` in the
    order in which the store published them; it must not block. `shards` are those of presence that are
    listened to: one at least, because a connection without a channel can not listen.
    """

    def __init__(self, redis: Redis, shards: Sequence[int] = range(PRESENCE_SHARDS)) -> None:
        self._redis = redis
        self._presence = {PresenceKeys(shard).bus.encode(): shard for shard in shards}
        self._pubsub: PubSub = redis.pubsub()
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._rooms: dict[bytes, str] = {}
        self._presence_heard = asyncio.Event()

    async def publish(self, room: str, event: Published) -> None:
        """Tell every process that listens to the room. Raises `StoreAway`."""
        try:
            await self._redis.publish(RoomKeys(room).bus, encode(event))
        except RedisError as error:
            raise told(error) from error

    async def subscribe(self, room: str) -> None:
        """Listen to a room; returns when the store confirmed it. Raises `StoreAway`."""
        # Only `run` connects: where two do so at once, redis-py forgets one connection and what it asked for.
        await _confirmed(self._presence_heard)
        channel = RoomKeys(room).bus.encode()
        if channel not in self._rooms:
            self._rooms[channel] = room
            self._confirmed[channel] = asyncio.Event()
            try:
                await self._pubsub.subscribe(channel)
            except LOST as error:
                self._forget(channel)
                raise told(RedisConnectionError("not listening")) from error
        await _confirmed(self._confirmed[channel])

    async def heard(self) -> None:
        """Wait until changes of presence are listened to."""
        await self._presence_heard.wait()

    async def unsubscribe(self, room: str) -> None:
        """Stop listening to a room."""
        channel = RoomKeys(room).bus.encode()
        if channel in self._rooms:
            self._forget(channel)
            try:
                await self._pubsub.unsubscribe(channel)
            except LOST as error:
                log.debug("%s is listened to in vain until the next start: %s", room, error)

    async def run(
        self,
        on_event: Callable[[str, RoomEvent], None],
        on_presence: Callable[[str, str], None],
        on_subscribed: Callable[[str], None],
        on_presence_subscribed: Callable[[int], None] = lambda shard: None,
    ) -> None:
        """Hand events on until cancelled; through any number of lost connections.

        `on_presence(user, "word|epoch")` tells changes of presence; `on_subscribed(room)` that a room's
        channel is listened to from now on, for the first time or again, and `on_presence_subscribed(shard)`
        that one of presence is.
        """
        attached = failing = False
        try:
            while True:
                try:
                    if not attached:
                        await self._pubsub.subscribe(*self._presence)
                        attached = True
                    message = await self._pubsub.get_message(timeout=QUIET)
                    failing = False
                except (RedisError, OSError) as error:
                    if not failing:
                        log.warning("The bus lost the store, and tries to listen again: %s", error)
                    failing = True
                    await asyncio.sleep(RECONNECT_DELAY)
                    continue
                if message:
                    self._hand_on(message, on_event, on_presence, on_subscribed, on_presence_subscribed)
        finally:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    def _hand_on(
        self,
        message: dict[str, Any],
        on_event: Callable[[str, RoomEvent], None],
        on_presence: Callable[[str, str], None],
        on_subscribed: Callable[[str], None],
        on_presence_subscribed: Callable[[int], None],
    ) -> None:
        channel = message["channel"]
        room = self._rooms.get(channel)
        if message["type"] == "subscribe":
            if room is not None:
                self._confirmed[channel].set()
                on_subscribed(room)
            elif channel in self._presence:
                on_presence_subscribed(self._presence[channel])
                if channel == next(reversed(self._presence)):
                    self._presence_heard.set()
        elif message["type"] == "message":
            if room is not None:
                if event := _event(message["data"]):
                    on_event(room, event)
            elif channel in self._presence:
                user, word = message["data"].decode().split(" ")
                on_presence(user, word)

    def _forget(self, channel: bytes) -> None:
        self._rooms.pop(channel, None)
        self._confirmed.pop(channel, None)


def _event(message: bytes) -> RoomEvent | None:
    """The event; None for what another version says, which must not end this process."""
    try:
        return decode(message)
    except ValueError as error:
        log.error("The bus carries what this version does not know: %s", error)
        return None


async def _confirmed(subscription: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(subscription.wait(), SUBSCRIBE_TIMEOUT)
    except TimeoutError as error:
        raise told(RedisTimeout("subscription not confirmed")) from error
