"""Pub/Sub: what happens in rooms, and whose presence changes, between processes.

Pub/Sub may drop what is published while a connection is down. Nothing durable depends on it: after every
new subscription of a channel `on_subscribed` is called, and the relay reads what it missed from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from productflo.store.client import Client, Cluster, look_again, shard_of
from productflo.store.ear import LOST, RECONNECT_DELAY, Ear
from productflo.store.events import Published, RoomEvent, decode, encode
from productflo.store.keys import PRESENCE_SHARDS, PresenceKeys, RoomKeys
from productflo.store.refusals import note, told
from productflo.store.together import ask

log = logging.getLogger(__name__)

SUBSCRIBE_TIMEOUT = 5.0
"""Seconds for a subscription to be confirmed, before the caller is told that the store is away."""
FOLLOW = 2.0
"""Seconds between looks at whether a Cluster's slots have moved, as others of this process found out."""


class Bus:
    """The channels of the rooms that this process asked for.

    `run()` must be running for `subscribe` to return. Events are handed to `on_event(room, event)` in the
    order in which the store published them; it must not block. `shards` are those of presence that are
    listened to: one at least, because a connection without a channel can not listen.
    """

    _on_event: Callable[[str, RoomEvent], None]
    _on_presence: Callable[[str, str], None]
    _on_subscribed: Callable[[str], None]
    _on_presence_subscribed: Callable[[int], None]
    _tasks: asyncio.TaskGroup

    def __init__(self, redis: Client, shards: Sequence[int] = range(PRESENCE_SHARDS)) -> None:
        self._redis = redis
        self._presence = {PresenceKeys(shard).bus.encode(): shard for shard in shards}
        self._unheard = set(self._presence)
        self._presence_heard = asyncio.Event()
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._rooms: dict[bytes, str] = {}
        self._ears: dict[Redis, tuple[Ear, asyncio.Task[None]]] = {}
        self._trouble = asyncio.Event()

    async def publish(self, room: str, event: Published) -> None:
        """Tell every process that listens to the room. Raises `StoreAway`."""
        channel, message = RoomKeys(room).bus, encode(event)
        try:
            word = "SPUBLISH" if isinstance(self._redis, Cluster) else "PUBLISH"
            await ask(self._redis, channel, (word, channel, message))
        except RedisError as error:
            raise told(error) from error

    async def subscribe(self, room: str) -> None:
        """Listen to a room; returns when the store confirmed it. Raises `StoreAway`."""
        await _confirmed(self._presence_heard)
        channel = RoomKeys(room).bus.encode()
        if channel not in self._rooms:
            self._rooms[channel] = room
            self._confirmed[channel] = asyncio.Event()
            try:
                await self._ear_of(channel).listen(channel)
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
            for ear, _ in list(self._ears.values()):
                if channel in ear.channels:
                    await ear.leave(channel)

    async def run(
        self,
        on_event: Callable[[str, RoomEvent], None],
        on_presence: Callable[[str, str], None],
        on_subscribed: Callable[[str], None],
        on_presence_subscribed: Callable[[int], None] = lambda shard: None,
    ) -> None:
        """Hand events on until cancelled; through any number of lost connections and moved slots.

        `on_presence(user, "word|epoch")` tells changes of presence; `on_subscribed(room)` that a room's
        channel is listened to from now on, for the first time or again, and `on_presence_subscribed(shard)`
        that one of presence is.
        """
        self._on_event, self._on_presence = on_event, on_presence
        self._on_subscribed, self._on_presence_subscribed = on_subscribed, on_presence_subscribed
        async with asyncio.TaskGroup() as self._tasks:
            self._trouble.set()
            while True:
                if self._trouble.is_set():
                    self._trouble.clear()
                    await self._look_again()
                await self._follow()
                with suppress(TimeoutError):
                    async with asyncio.timeout(FOLLOW):
                        await self._trouble.wait()
                        await asyncio.sleep(RECONNECT_DELAY)

    async def _look_again(self) -> None:
        try:
            await look_again(self._redis)
        except RedisError as error:
            note(error)  # Nobody says where the Cluster's slots are.
            self._trouble.set()

    async def _follow(self) -> None:
        """Listen to each channel at the shard that has it, and no other; ask again what was not confirmed."""
        for channel in (*self._presence, *self._rooms):
            shard = shard_of(self._redis, channel.decode())
            heard_at = [key for key, (ear, _) in self._ears.items() if channel in ear.channels]
            if channel not in self._presence and channel not in self._rooms:
                continue  # Nobody asks for it any more.
            if shard is None or (heard_at == [shard] and channel not in self._ears[shard][0].unconfirmed):
                continue
            for key in heard_at:
                if key is not shard:
                    await self._ears[key][0].leave(channel)
            try:
                await self._ear_of(channel).listen(channel)
            except LOST as error:
                log.info("%r is listened to later: %s", channel, error)
                self._trouble.set()
        for key, (ear, task) in list(self._ears.items()):
            if not ear.channels:
                del self._ears[key]
                task.cancel()

    def _ear_of(self, channel: bytes) -> Ear:
        """The ear of the shard that has a channel. Raises redis-py's `ConnectionError` for an unknown one."""
        shard = shard_of(self._redis, channel.decode())
        if shard is None:
            raise RedisConnectionError("nobody knows where the channel is")
        if shard not in self._ears:
            sharded = isinstance(self._redis, Cluster)
            ear = Ear(
                shard,
                sharded=sharded,
                on_message=self._hand_on,
                on_subscribed=self._listening,
                on_trouble=self._trouble.set,
            )
            self._ears[shard] = ear, self._tasks.create_task(ear.run())
        return self._ears[shard][0]

    def _hand_on(self, channel: bytes, data: bytes) -> None:
        if room := self._rooms.get(channel):
            if event := _event(data):
                self._on_event(room, event)
        elif channel in self._presence:
            user, word = data.decode().split(" ")
            self._on_presence(user, word)

    def _listening(self, channel: bytes) -> None:
        if room := self._rooms.get(channel):
            self._confirmed[channel].set()
            self._on_subscribed(room)
        elif channel in self._presence:
            self._on_presence_subscribed(self._presence[channel])
            self._unheard.discard(channel)
            if not self._unheard:
                self._presence_heard.set()

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
