"""Leases of connections on the real store: whatever dies is offline by itself, once; who lives is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest
from counting import here
from redis.asyncio import Redis

from productflo.domain.presence import Word
from productflo.protocol.codes import Presence
from productflo.server.heartbeat import STEPS, Heartbeat
from productflo.store.bus import Bus
from productflo.store.embedded import EmbeddedStore
from productflo.store.keys import SWEEPER, PresenceKeys, presence_shard
from productflo.store.presence import Pace, PresenceStore

LEASE, GRACE = 0.4, 0.15
"""Seconds; a fortieth of the real ones."""
PACE = Pace(lease=LEASE, grace=GRACE, beat=0.1, sweep=0.02)
PATIENCE = 10.0


class Watcher:
    """Hears changes of presence, and keeps sweeping meanwhile."""

    def __init__(self, store: PresenceStore) -> None:
        self._store = store
        self._happened = asyncio.Event()
        self.told: list[tuple[str, Presence]] = []

    def changed(self, user: str, word: str) -> None:
        """Take a change from the bus."""
        self.told.append((user, Word.parse(word).presence))
        self._happened.set()

    def of(self, user: str) -> list[Presence]:
        """What was told of a user."""
        return [presence for name, presence in self.told if name == user]

    async def until(self, user: str, presence: Presence) -> float:
        """Sweep until this was told of the user; how many seconds that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(PATIENCE):
            while self.of(user)[-1:] != [presence]:
                await self.sweep()
        return loop.time() - began

    async def sweep(self) -> None:
        """Sweep, and let what it finds arrive."""
        self._happened.clear()
        await self._store.sweep()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await self._happened.wait()


@pytest.fixture(scope="module")
async def store_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A store of this file's own: nobody else sweeps it."""
    async with EmbeddedStore(tmp_path_factory.mktemp("leases"), "the presence tests") as store:
        yield store.url


@pytest.fixture
def store(redis: Redis) -> PresenceStore:
    """Presence with short leases."""
    return PresenceStore(redis, PACE)


@asynccontextmanager
async def watching(redis: Redis, store: PresenceStore) -> AsyncIterator[Watcher]:
    """A watcher on all shards, when the store is being swept as usual."""
    watcher, bus = Watcher(store), Bus(redis)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bus.run(lambda *_: None, watcher.changed, lambda _: None))
        await bus.heard()
        await sweeping(redis)
        yield watcher
        running.cancel()


async def sweeping(redis: Redis) -> None:
    """Make it as if all shards had just been swept, and nothing had to be held."""
    for shard in range(64):
        seconds, _ = await redis.time()
        await redis.hset(PresenceKeys(shard).sweep, mapping={"at": seconds * 1000, "hold": 0})


def person() -> str:
    """Somebody new."""
    return f"ada_{uuid4().hex[:8]}"


async def test_the_last_tab_takes_presence_with_it_after_the_grace(
    redis: Redis, store: PresenceStore
) -> None:
    """Told once; a tab that is left keeps its user online."""
    ada = person()
    async with watching(redis, store) as watcher:
        await store.beat([(ada, "tab1"), (ada, "tab2")])
        await watcher.until(ada, Presence.ONLINE)
        await store.end([(ada, "tab1")])
        for _ in range(5):
            await store.beat([(ada, "tab2")])
            await watcher.sweep()
        assert watcher.of(ada) == [Presence.ONLINE]
        assert (await store.of([ada]))[ada] is Presence.ONLINE
        await store.end([(ada, "tab2")])
        assert await watcher.until(ada, Presence.OFFLINE) >= GRACE - 0.05
        await watcher.sweep()
        assert watcher.of(ada) == [Presence.ONLINE, Presence.OFFLINE]
        assert (await store.of([ada]))[ada] is Presence.OFFLINE


async def test_a_reload_goes_unnoticed(redis: Redis, store: PresenceStore) -> None:
    """A connection that comes within the grace."""
    ada = person()
    async with watching(redis, store) as watcher:
        await store.beat([(ada, "before")])
        await store.end([(ada, "before")])
        await store.beat([(ada, "after")])
        gone = asyncio.get_running_loop().time() + 2 * GRACE
        while asyncio.get_running_loop().time() < gone:
            await store.beat([(ada, "after")])
            await watcher.sweep()
        assert watcher.of(ada) == [Presence.ONLINE]


async def test_a_process_that_died_takes_its_users_with_it(redis: Redis, store: PresenceStore) -> None:
    """Without a word from it, a lease after its last beat; several sweepers tell it once."""
    ada, bob = person(), person()
    before = here("leases_ended_total")
    async with watching(redis, store) as watcher:
        await store.beat([(ada, "c1"), (bob, "c2")])
        took = await watcher.until(ada, Presence.OFFLINE)
        assert LEASE - 0.05 <= took < LEASE + GRACE + 2
        await watcher.until(bob, Presence.OFFLINE)
        await asyncio.gather(*(store.sweep() for _ in range(5)))
        await watcher.sweep()
        assert watcher.of(ada) == watcher.of(bob) == [Presence.ONLINE, Presence.OFFLINE]
    assert here("leases_ended_total") == before + 2


async def test_who_beats_is_never_swept(redis: Redis, store: PresenceStore) -> None:
    """For several leases, with more sweeps than beats."""
    ada = person()
    async with watching(redis, store) as watcher:
        ends = asyncio.get_running_loop().time() + 3 * LEASE
        while asyncio.get_running_loop().time() < ends:
            await store.beat([(ada, "c1")])
            for _ in range(4):
                await watcher.sweep()
        assert watcher.of(ada) == [Presence.ONLINE]


async def test_after_a_pause_nothing_is_swept_for_a_whole_lease(redis: Redis, store: PresenceStore) -> None:
    """While nobody swept nobody could beat either: a lease that ran out then proves nothing."""
    ada, before = person(), here("presence_held_total")
    async with watching(redis, store) as watcher:
        await store.beat([(ada, "c1")])
        await watcher.until(ada, Presence.ONLINE)
        keys = PresenceKeys(presence_shard(ada))
        await redis.zadd(keys.leases, {f"{ada}|c1": 1})
        await redis.hset(keys.sweep, "at", 1)
        took = await watcher.until(ada, Presence.OFFLINE)
        assert took >= LEASE - 0.05
    assert here("presence_held_total") == before + 1


async def test_nothing_is_written_where_nobody_is(redis: Redis, store: PresenceStore) -> None:
    """A server that nobody uses does not keep its disk awake."""
    before = (await redis.info("persistence"))["rdb_changes_since_last_save"]
    for _ in range(3):
        await store.sweep()
    assert (await redis.info("persistence"))["rdb_changes_since_last_save"] == before


async def test_the_first_one_to_come_is_not_held_for_a_pause(redis: Redis, store: PresenceStore) -> None:
    """While nobody was there nobody was swept; that was no pause of the store."""
    ada = person()
    async with watching(redis, store) as watcher:
        await redis.hset(PresenceKeys(presence_shard(ada)).sweep, "at", 1)
        await store.beat([(ada, "c1")])
        await store.end([(ada, "c1")])
        assert await watcher.until(ada, Presence.OFFLINE) < LEASE - 0.05


async def test_a_word_ends_with_its_user_s_presence(redis: Redis, store: PresenceStore) -> None:
    """Who comes back is online, not busy as they were; a room's word is over too."""
    ada = person()
    async with watching(redis, store) as watcher:
        await store.beat([(ada, "c1")])
        await store.say(ada, Presence.AWAY)
        await store.say_in("lab", ada, Presence.BUSY)
        assert (await store.of([ada], "lab"))[ada] is Presence.BUSY
        await store.end([(ada, "c1")])
        await watcher.until(ada, Presence.OFFLINE)
        assert (await store.of([ada], "lab"))[ada] is Presence.OFFLINE
        await store.beat([(ada, "c2")])
        assert (await store.of([ada], "lab"))[ada] is Presence.ONLINE


async def test_no_word_is_kept_of_one_who_is_not_there(redis: Redis, store: PresenceStore) -> None:
    """Nobody is made present by a word alone."""
    ada = person()
    await store.say_in("lab", ada, Presence.BUSY)
    assert (await store.of([ada], "lab"))[ada] is Presence.OFFLINE
    await store.say(ada, Presence.AWAY)
    assert (await store.of([ada]))[ada] is Presence.OFFLINE


async def test_one_process_at_a_time_sweeps(redis: Redis, store: PresenceStore) -> None:
    """The others ask whose turn it is; when it dies another one takes over before that counts as a pause."""
    ada = person()
    await store.beat([(ada, "c1")])
    several = [store, PresenceStore(redis, PACE), PresenceStore(redis, PACE)]
    await store.sweep()
    before = await swept_shards(redis)
    for _ in range(5):
        for one in several:
            await one.sweep()
    assert await swept_shards(redis) - before == 5 * 64
    async with asyncio.timeout(PACE.usual_pause):
        while await swept_shards(redis) == before + 5 * 64:
            await several[1].sweep()


async def test_a_turn_from_before_the_clock_was_put_back_is_over(redis: Redis, store: PresenceStore) -> None:
    """Else nobody would sweep until the clock is there again."""
    await store.beat([(person(), "c1")])
    await redis.set(SWEEPER, "another", px=3_600_000)
    before = await swept_shards(redis)
    await store.sweep()
    assert await swept_shards(redis) == before + 64


async def swept_shards(redis: Redis) -> int:
    """How often a script was called by its hash."""
    return int((await redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


async def test_a_shard_that_fails_stops_no_other(redis: Redis) -> None:
    """Its beats are tried again; those of the others go on, and so does their presence."""
    ada, bob = person(), person()
    while presence_shard(bob) == presence_shard(ada):
        bob = person()
    heart = Heartbeat(PresenceStore(redis, Pace(beat=PACE.beat)))
    await heart.begin(ada, "c1")
    await heart.begin(bob, "c2")
    broken = PresenceKeys(presence_shard(ada)).leases
    await redis.set(broken, "not a sorted set")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heart.run())
        lease = PresenceKeys(presence_shard(bob)).leases
        before = await redis.zscore(lease, f"{bob}|c2")
        await until(redis, lease, f"{bob}|c2", before + 2000 * PACE.beat)
        await redis.delete(broken)
        await until(redis, broken, f"{ada}|c1", before)
        running.cancel()


async def until(redis: Redis, leases: str, lease: str, ends: float) -> None:
    """Wait until a lease lasts longer; nobody is told of a beat."""
    async with asyncio.timeout(PATIENCE):
        while (await redis.zscore(leases, lease) or 0) <= ends:  # noqa: ASYNC110 - the store sets no event of ours
            await asyncio.sleep(PACE.beat / 4)


async def test_beats_are_spread_over_the_interval(redis: Redis) -> None:
    """Many connections do not beat in one moment: their leases end at different ones."""
    pace = Pace(beat=0.8)
    heart = Heartbeat(PresenceStore(redis, pace))
    people = [person() for _ in range(200)]
    for ada in people:
        await heart.begin(ada, "c1")
    shards = {presence_shard(ada): ada for ada in people}
    begun = int((await redis.time())[0]) * 1000 + 1000
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heart.run())
        for shard, ada in shards.items():
            await until(redis, PresenceKeys(shard).leases, f"{ada}|c1", begun + 1000 * pace.lease)
        running.cancel()
    ends = [
        int(await redis.zscore(PresenceKeys(shard).leases, f"{ada}|c1") or 0) for shard, ada in shards.items()
    ]
    assert max(ends) - min(ends) > 1000 * pace.beat / 2
    assert len(set(ends)) > STEPS / 2
