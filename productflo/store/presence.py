"""Presence: leases of connections, and the words that users say about themselves.

A lease is renewed by the process that holds the connection and ends by itself; the clock is the store's.
Any process may sweep, so that no one of them is needed; the scripts publish each change once, and keep in
mind which users changed, for listeners whose bus was away.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from productflo import metrics
from productflo.domain.presence import Word, effective
from productflo.protocol.codes import Presence
from productflo.store.client import Client
from productflo.store.exchange import Argument, Command
from productflo.store.keys import PRESENCE_SHARDS, SWEEPER, PresenceKeys, RoomKeys, presence_shard
from productflo.store.reply import text
from productflo.store.scripts import Call, script
from productflo.store.together import ask_any, call

BATCH = 200
"""Connections of one script call: it holds the store for 0.9 ms (measured with Valkey 9.1)."""
CHANGES_KEPT = 24 * 3600.0
"""Seconds for which it is known when a user's presence changed: nobody's bus is away for longer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long presence lasts and how often it is seen to, in seconds. All processes of a store share it."""

    lease: float = 15.0
    """For which a connection counts without a beat: three beats may be lost."""
    grace: float = 6.0
    """From a closed connection until its user is offline: a page reload takes less."""
    beat: float = 4.0
    """Between beats."""
    sweep: float = 1.0
    """Between sweeps."""
    usual_pause: float = 4.0
    """Between two sweeps of a shard that is still usual; a longer pause holds all leases."""

    @property
    def turn(self) -> float:
        """For which a process has the sweeps to itself: less than a usual pause, if it dies."""
        return 2 * self.sweep


USUAL_PACE = Pace()


class Said(Enum):
    """What became of a user's word."""

    NEW = b"new"
    SAME = b"same"
    NOT_HERE = None


class Missed(NamedTuple):
    """What a listener missed: the epoch of a shard's newest change, and users' present `word|epoch`."""

    epoch: int
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PresenceStore:
    """The leases and words of all users. Methods raise what redis-py raises.

    Every change may be sent twice by redis-py, and is made once.
    """

    redis: Client
    pace: Pace = field(default_factory=lambda: USUAL_PACE)
    _name: str = field(default_factory=lambda: secrets.token_hex(6))

    async def beat(self, leases: Iterable[tuple[str, str]]) -> None:
        """Renew (or begin) the leases of (user, connection) pairs, in calls of at most `BATCH`."""
        await self._batches("presence_beat", self.pace.lease, leases)

    async def begin(self, user: str, connection: str) -> None:
        """As `beat`, for one connection among many that come."""
        lease = f"{user}|{connection}"
        await call(
            self.redis,
            script("presence_beat"),
            _keys(presence_shard(user)),
            [_ms(self.pace.lease), lease],
        )

    async def end(self, leases: Iterable[tuple[str, str]]) -> None:
        """Connections closed: their leases end after the grace."""
        await self._batches("presence_end", self.pace.grace, leases)

    async def sweep(self) -> None:
        """End the leases that have run out, in all shards, unless it is another process's turn.

        64 calls a second from each of many processes would be most of what an idle store does.
        """
        if await self._others_turn():
            return
        times = [_ms(seconds) for seconds in (self.pace.lease, self.pace.usual_pause, CHANGES_KEPT)]
        results = await self._each(
            "presence_sweep", [(_keys(shard), times) for shard in range(PRESENCE_SHARDS)]
        )
        metrics.LEASES_ENDED.inc(sum(ended for _, ended, _ in results))
        metrics.PRESENCE_HELD.inc(sum(held for _, _, held in results))
        if any(left for left, _, _ in results):  # Else nothing is written: see presence_sweep.lua.
            await self.redis.set(SWEEPER, self._name, px=_ms(self.pace.turn))

    async def _others_turn(self) -> bool:
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.get(SWEEPER)
        pipeline.pttl(SWEEPER)
        sweeper, left = await pipeline.execute()
        # A turn that lasts longer than one can was given before the store's clock was put back.
        return sweeper is not None and text(sweeper) != self._name and left <= _ms(self.pace.turn)

    async def say(self, user: str, word: Presence) -> Said:
        """A user's word for everywhere; one who is not there has none."""
        return Said(await script("presence_say")(self.redis, _keys(presence_shard(user)), [user, word]))

    async def say_in(self, room: str, user: str, word: Presence) -> Said:
        """A user's word for one room, until their next word for everywhere."""
        epoch = await script("presence_say_in")(self.redis, _keys(presence_shard(user)), [user])
        if epoch is None:
            return Said.NOT_HERE
        await self.redis.hset(RoomKeys(room).words, user, str(Word(word, int(epoch))))
        return Said.NEW

    async def of(self, users: list[str], room: str | None = None) -> dict[str, Presence]:
        """The presence of users, as it is in a room where one is given."""
        shards: dict[int, list[str]] = defaultdict(list)
        for user in users:
            shards[presence_shard(user)].append(user)
        asked: list[tuple[str, Command]] = []
        for shard, several in shards.items():
            key = PresenceKeys(shard).words
            asked.append((key, ("HMGET", key, *several)))
        if room is not None and users:
            key = RoomKeys(room).words
            asked.append((key, ("HMGET", key, *users)))
        found = await ask_any(self.redis, asked)
        in_room = dict(zip(users, found.pop(), strict=True)) if room is not None and users else {}
        everywhere: dict[str, bytes | None] = {}
        for several, words in zip(shards.values(), found, strict=True):
            everywhere.update(zip(several, words, strict=True))
        return {user: effective(_word(everywhere[user]), _word(in_room.get(user))) for user in users}

    async def missed(self, since: Mapping[int, int | None]) -> dict[int, Missed]:
        """What changed in shards after an epoch of each; with None only where the shard stands."""
        calls: list[Call] = [
            (_keys(shard), ["" if epoch is None else epoch]) for shard, epoch in since.items()
        ]
        results = await self._each("presence_changes", calls)
        return {shard: _missed(*result) for shard, result in zip(since, results, strict=True)}

    async def _batches(self, name: str, seconds: float, leases: Iterable[tuple[str, str]]) -> None:
        shards: dict[int, list[Argument]] = defaultdict(list)
        for user, connection in leases:
            shards[presence_shard(user)].append(f"{user}|{connection}")
        await self._each(
            name,
            [
                (_keys(shard), [_ms(seconds), *several[at : at + BATCH]])
                for shard, several in shards.items()
                for at in range(0, len(several), BATCH)
            ],
        )

    async def _each(self, name: str, calls: list[Call]) -> list[Any]:
        """Make all calls, then raise the first error among them."""
        results = await script(name).everywhere(self.redis, calls) if calls else []
        for result in results:
            if isinstance(result, RedisError):
                raise result
        return results


@cache
def _keys(shard: int) -> tuple[str, ...]:
    """As all scripts of presence take them."""
    keys = PresenceKeys(shard)
    return (keys.leases, keys.counts, keys.words, keys.changes, keys.sweep, keys.bus)


def _word(value: bytes | None) -> Word | None:
    return Word.parse(value.decode()) if value else None


def _missed(epoch: bytes, *changed: bytes) -> Missed:
    words = dict(zip(map(text, changed[::2]), map(text, changed[1::2]), strict=True))
    return Missed(int(float(epoch)), words)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
