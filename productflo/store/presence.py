"""Presence: leases of connections, and the words that users say about themselves.

A lease is renewed by the process that holds the connection and ends by itself; the clock is the store's.
All processes sweep all shards, so that no one process is needed; the scripts publish each change once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from redis.asyncio import Redis

from productflo.domain.presence import Word, effective
from productflo.protocol.codes import Presence
from productflo.store.keys import PRESENCE_SHARDS, PresenceKeys, RoomKeys, presence_shard
from productflo.store.reply import text
from productflo.store.scripts import Call, script

LEASE = 15.0
"""Seconds that a connection counts without a beat: three beats may be lost."""
GRACE = 6.0
"""Seconds after a closed connection until its user is offline: a page reload takes less."""
BEAT = 4.0
"""Seconds between beats."""
SWEEP = 1.0
"""Seconds between sweeps."""
USUAL_PAUSE = 4.0
"""Seconds between two sweeps of a shard that are still usual; a longer pause holds all leases."""
BATCH = 200
"""Connections of one script call; 2,000 at once held the store for 38 ms (measured in a trial)."""


@dataclass(frozen=True, slots=True)
class PresenceStore:
    """The leases and words of all users. Methods raise what redis-py raises."""

    redis: Redis
    lease: float = LEASE
    grace: float = GRACE

    async def beat(self, leases: Iterable[tuple[str, str]]) -> None:
        """Renew (or begin) the leases of (user, connection) pairs."""
        calls: list[Call] = []
        for shard, names in _by_shard(leases).items():
            keys = PresenceKeys(shard)
            for at in range(0, len(names), BATCH):
                part = names[at : at + BATCH]
                of_shard = [keys.leases, keys.counts, keys.words, keys.bus, keys.sweep]
                calls.append((of_shard, [_ms(self.lease), *part]))
        await self._each("presence_beat", calls)

    async def end(self, leases: Iterable[tuple[str, str]]) -> None:
        """Connections closed: their leases end after the grace."""
        await self._each(
            "presence_end",
            [([PresenceKeys(s).leases], [_ms(self.grace), *names]) for s, names in _by_shard(leases).items()],
        )

    async def sweep(self) -> None:
        """End the leases that have run out, in all shards."""
        shards = (PresenceKeys(shard) for shard in range(PRESENCE_SHARDS))
        times = (_ms(self.lease), _ms(USUAL_PAUSE))
        await self._each(
            "presence_sweep", [([k.leases, k.counts, k.words, k.bus, k.sweep], times) for k in shards]
        )

    async def _each(self, name: str, calls: list[Call]) -> None:
        if calls:
            await script(name).everywhere(self.redis, calls)

    async def say(self, user: str, word: Presence) -> None:
        """A user's word for everywhere; one who is not there has none."""
        keys = PresenceKeys(presence_shard(user))
        await script("presence_say")(self.redis, [keys.counts, keys.words, keys.bus], [user, word])

    async def say_in(self, room: str, user: str, word: Presence) -> None:
        """A user's word for one room, until their next word for everywhere."""
        said = await self.redis.hget(PresenceKeys(presence_shard(user)).words, user)
        if said is not None:
            epoch = Word.parse(text(said)).epoch
            await self.redis.hset(RoomKeys(room).words, user, str(Word(word, epoch)))

    async def of(self, users: list[str], room: str | None = None) -> dict[str, Presence]:
        """The presence of users, as it is in a room where one is given."""
        shards: dict[int, list[str]] = defaultdict(list)
        for user in users:
            shards[presence_shard(user)].append(user)
        pipeline = self.redis.pipeline(transaction=False)
        for shard, several in shards.items():
            pipeline.hmget(PresenceKeys(shard).words, several)
        if room is not None:
            pipeline.hgetall(RoomKeys(room).words)
        found = await pipeline.execute()
        in_room = found.pop() if room is not None else {}
        everywhere: dict[str, bytes | None] = {}
        for several, words in zip(shards.values(), found, strict=True):
            everywhere.update(zip(several, words, strict=True))
        return {user: effective(_word(everywhere[user]), _word(in_room.get(user.encode()))) for user in users}


def _word(value: bytes | None) -> Word | None:
    return Word.parse(value.decode()) if value else None


def _by_shard(leases: Iterable[tuple[str, str]]) -> dict[int, list[str]]:
    shards: dict[int, list[str]] = defaultdict(list)
    for user, connection in leases:
        shards[presence_shard(user)].append(f"{user}|{connection}")
    return shards


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
