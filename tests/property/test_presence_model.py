"""Presence against a model: the real scripts on the real store, with a clock that is moved by hand.

The model has neither counts nor sweeps. It knows what really happened to each connection and when, and holds
against that what was told: no false offline, no flap, no ghost, nothing twice.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from productflo.domain.presence import Word
from productflo.protocol.codes import Presence
from productflo.store import presence as presence_module
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.keys import PresenceKeys
from productflo.store.presence import USUAL_PACE, PresenceStore
from productflo.store.scripts import Script, script

USERS, TABS = ("ada", "bob"), ("tab1", "tab2")
LEASE, GRACE, USUAL = (
    round(1000 * one) for one in (USUAL_PACE.lease, USUAL_PACE.grace, USUAL_PACE.usual_pause)
)
HOUR = 3_600_000
KEYS = PresenceKeys(0)
ADA = ("ada", "tab1")
Connection = tuple[str, str]
Step = tuple[Any, ...]

CONNECTIONS = st.tuples(st.sampled_from(USERS), st.sampled_from(TABS))
STEPS = st.one_of(
    st.tuples(st.just("beat"), CONNECTIONS),
    st.tuples(st.just("end"), CONNECTIONS),
    st.tuples(st.just("say"), st.sampled_from(USERS), st.sampled_from(Presence)),
    st.tuples(st.just("say_in"), st.sampled_from(USERS), st.sampled_from(Presence)),
    st.tuples(st.just("go_on"), st.sets(CONNECTIONS), st.sampled_from((1, 5, 8, 17, 23))),
    st.tuples(st.just("pause"), st.sampled_from((500, 3_000, 8_000, 16_000, 60_000))),
    st.tuples(st.just("set_clock"), st.sampled_from((HOUR, -HOUR, -2_000))),
    st.tuples(st.just("wipe")),
)


def by_hand(name: str) -> Script:
    """A script that reads the test's clock, and tells the test."""
    source = script(name).source
    source = source.replace("redis.call('TIME')", "redis.call('MGET', 'test:seconds', 'test:microseconds')")
    return Script(source.replace("publish(KEYS[6], ", "redis.call('RPUSH', 'test:told', "))


@contextmanager
def one_shard_by_hand() -> Iterator[None]:
    """All users in one shard, where they could harm each other."""
    with (
        patch.object(presence_module, "script", by_hand),
        patch.object(presence_module, "PRESENCE_SHARDS", 1),
        patch.object(presence_module, "presence_shard", lambda user: 0),
    ):
        yield


@dataclass(slots=True)
class World:
    """What really happened; times in ms. Each call is made twice, as redis-py does after a time-out."""

    redis: Redis
    store: PresenceStore
    real: int = 1_800_000_000_000
    clock: int = 1_800_000_000_000
    beaten: dict[Connection, int] = field(default_factory=dict)
    ended: dict[Connection, int] = field(default_factory=dict)
    in_rooms: set[str] = field(default_factory=set)
    told: list[tuple[str, Word]] = field(default_factory=list)
    swept: int | None = None
    held_until: int = 0

    async def take(self, step: Step) -> None:
        """Do one step, and check what came of it."""
        name, *arguments = step
        await getattr(self, name)(*arguments)
        await self.check_counts()

    async def beat(self, connection: Connection) -> None:
        """A connection comes, or is still there; also one that ended, whose last beat was late."""
        if not await self.redis.exists(KEYS.leases):
            self.swept = self.real
        self.beaten[connection] = self.real
        self.ended.pop(connection, None)
        for _ in range(2):
            await self.store.beat([connection])
        await self.hear()
        assert (await self.store.of([connection[0]]))[connection[0]] is self.shown(connection[0])

    async def end(self, connection: Connection) -> None:
        """A connection closes; the second call, a while later, prolongs nothing."""
        if connection in self.beaten:
            self.ended.setdefault(connection, self.real)
        lease = "|".join(connection)
        await self.store.end([connection])
        ends = await self.redis.zscore(KEYS.leases, lease)
        await self.move(400)
        await self.store.end([connection])
        assert await self.redis.zscore(KEYS.leases, lease) == ends

    async def say(self, user: str, word: Presence) -> None:
        """A word for everywhere."""
        for _ in range(2):
            await self.store.say(user, word)
        if await self.is_here(user):
            await self.hear()
            assert self.shown(user) is word
            assert (await self.store.of([user], "lab"))[user] is word
        self.in_rooms.discard(user)

    async def say_in(self, user: str, word: Presence) -> None:
        """A word for one room, in which the user is shown with it."""
        for _ in range(2):
            await self.store.say_in("lab", user, word)
        if await self.is_here(user):
            self.in_rooms.add(user)
            assert (await self.store.of([user], "lab"))[user] is word

    async def go_on(self, beating: set[Connection], seconds: int) -> None:
        """Time passes with sweeps, and with beats of those that are there."""
        for second in range(seconds):
            if second % 4 == 0:
                for connection in sorted(beating):
                    await self.beat(connection)
            await self.move(1000)
            await self.sweep()

    async def pause(self, ms: int) -> None:
        """Time passes without anything."""
        await self.move(ms)

    async def set_clock(self, ms: int) -> None:
        """The store's clock is put forward or back; how long ago its last sweep was can not be known."""
        self.swept = None
        self.clock += ms
        await self.move(0)

    async def wipe(self) -> None:
        """The store loses everything; who is there beats again."""
        there = self.beaten.keys() - self.ended.keys()
        await self.redis.flushdb()
        self.beaten.clear()
        self.ended.clear()
        self.in_rooms.clear()
        self.told.clear()
        await self.move(0)
        for connection in sorted(there):
            await self.beat(connection)

    async def move(self, ms: int) -> None:
        self.real += ms
        self.clock += ms
        seconds, left = divmod(self.clock, 1000)
        await self.redis.mset({"test:seconds": seconds, "test:microseconds": left * 1000})

    async def sweep(self) -> None:
        if self.swept is not None and self.real - self.swept > USUAL:
            self.held_until = self.real + LEASE
        if await self.redis.exists(KEYS.leases):
            self.swept = self.real
        await self.store.sweep()
        await self.hear()

    async def is_here(self, user: str) -> bool:
        return bool(await self.redis.hexists(KEYS.words, user))

    def shown(self, user: str) -> Presence:
        """What was told of a user last."""
        return next((word.presence for name, word in reversed(self.told) if name == user), Presence.OFFLINE)

    async def hear(self) -> None:
        """Take what was told since; it is a change, and nobody is said to be gone who is not."""
        for message in await self.redis.lpop("test:told", 1000) or ():
            user, text = message.decode().split(" ")
            word = Word.parse(text)
            assert word.presence is not self.shown(user) or user in self.in_rooms
            assert not self.told or word.epoch > self.told[-1][1].epoch
            self.told.append((user, word))
            if not await self.is_here(user):
                self.check_gone(user)

    def check_gone(self, user: str) -> None:
        """Every connection had its whole lease, or its grace; and nothing ended that a pause had held."""
        assert self.shown(user) is Presence.OFFLINE
        assert self.real >= self.held_until
        for connection in [one for one in self.beaten if one[0] == user]:
            over = self.real - self.beaten[connection] >= LEASE
            closed = connection in self.ended and self.real - self.ended[connection] >= GRACE
            assert over or closed, connection
            del self.beaten[connection]
            self.ended.pop(connection, None)
        self.in_rooms.discard(user)

    async def check_counts(self) -> None:
        """The counts are those of the leases; a word has whoever has a lease, and nobody else."""
        leases = [lease.decode().split("|")[0] for lease in await self.redis.zrange(KEYS.leases, 0, -1)]
        counts = {
            user.decode(): int(count) for user, count in (await self.redis.hgetall(KEYS.counts)).items()
        }
        assert counts == {user: leases.count(user) for user in set(leases)}
        assert {user.decode() for user in await self.redis.hkeys(KEYS.words)} == counts.keys()

    async def check_missed(self) -> None:
        """Who did not hear something is told of those, and only those, that changed since."""
        for at, (_, heard) in enumerate(self.told):
            missed = (await self.store.missed({0: heard.epoch}))[0]
            later = {user for user, _ in self.told[at + 1 :]}
            assert missed.epoch == self.told[-1][1].epoch
            assert {user: Word.parse(word).presence for user, word in missed.words.items()} == {
                user: self.shown(user) for user in later
            }

    async def check_no_ghosts(self) -> None:
        """Without beats nobody is left after a lease, and one more where the store was paused."""
        await self.go_on(set(), (2 * LEASE) // 1000 + 2)
        assert not await self.redis.exists(KEYS.leases, KEYS.counts, KEYS.words)
        assert {self.shown(user) for user in USERS} == {Presence.OFFLINE}


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    """A store that nobody else sweeps, without a sync to the disk for each of thousands of steps."""
    async with EmbeddedStore(tmp_path, "the presence model") as store, open_redis(store.url) as redis:
        await redis.config_set("appendfsync", "no")
        yield redis


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=20))
@example(steps=[("beat", ADA), ("set_clock", HOUR), ("go_on", {ADA}, 1), ("set_clock", -HOUR)])
@example(
    steps=[
        ("beat", ("ada", "tab1")),
        ("go_on", {("ada", "tab1")}, 5),
        ("set_clock", HOUR),
        ("go_on", set(), 1),
    ]
)
@example(steps=[("beat", ADA), ("say", "ada", Presence.OFFLINE), ("go_on", set(), 17), ("beat", ADA)])
@example(steps=[("beat", ADA), ("say_in", "ada", Presence.BUSY), ("say", "ada", Presence.ONLINE)])
async def test_any_life_of_connections(redis: Redis, steps: list[Step]) -> None:
    """Tabs that come, end, beat late; words; pauses; a clock that jumps; a store that forgets."""
    with one_shard_by_hand():
        await redis.flushdb()
        world = World(redis, PresenceStore(redis))
        await world.move(0)
        for step in steps:
            await world.take(step)
        await world.check_missed()
        await world.check_no_ghosts()
