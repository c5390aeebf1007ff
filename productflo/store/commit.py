"""Group commits: what arrives in one turn of the event loop goes to the store together.

What is handed in waits in a queue of its room. A shard is sent one pipeline at a time, with at most one call
of the script for each room; the next one leaves when it was answered, so what waits meanwhile gathers by
itself. (Where much waits, a few: the store works on one while this process reads another's answers.) A room's
next call leaves only when the one before it has an answer, so nothing can overtake, whatever fails.

An idea as old as databases; in a trial on Valkey 9.1 with `appendfsync always` it took 50,000 messages a
second where a call a message took 21,000.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Generic

from redis.asyncio import Redis
from redis.exceptions import RedisError, TryAgainError

from productflo import metrics, tallies
from productflo.errors import ProductFloError, StoreAway, Unconfirmed
from productflo.store.client import Client, Cluster, look_again, shard_of
from productflo.store.exchange import Command
from productflo.store.keys import slot
from productflo.store.outage import OUTAGE
from productflo.store.refusals import RETRY_AFTER, is_away, is_elsewhere, told
from productflo.store.scripts import Call, Script
from productflo.store.waiting import Queue, R, Shard, T, Waiting

log = logging.getLogger(__name__)

MAX_WAITING = 20_000
"""Items that may wait for the store, over all rooms."""
MAX_WAITING_BYTES = 67_108_864
"""Of all that waits: what a process may spend on a store that is away."""
MAX_BATCH = 250
"""Items that go at once: some 8 ms in which the store serves nobody else, at 30 us each (benchmarks.md)."""
MAX_BATCH_BYTES = 2_097_152
"""Of what goes at once, and is published at once: Redis drops a listener for which 32 MB wait."""
RETRY_DELAY = 0.25
"""Seconds between tries while the store is away."""
GIVE_UP_AFTER = 30.0
"""Seconds after which what the store did not answer is given up, its outcome unknown."""

_SECONDS = tallies.Spread(metrics.APPEND_SECONDS)


@dataclass(frozen=True, slots=True)
class Confirmation(Generic[T]):
    """So many replicas must have what was written; `told` gives the channel and what is published then."""

    replicas: int
    told: Callable[[Sequence[T], Any], tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class _Answered:
    """The script's answer, and the commands that were carried out after it."""

    answer: Any
    followed: Sequence[Command]


class Commits(Generic[T, R]):
    """Hands items to a script, and its answers to who handed them in; `run()` must be running.

    `call` makes the script's call for some items of one room, `outcomes` reads its answer: a result or an
    error for each of them. A call may be repeated, so the script must know what it has done. `after` are
    commands for the same server that follow the call, not where replicas must confirm it; `outcomes` is told
    which of them the server has carried out.
    """

    def __init__(
        self,
        client: Client,
        script: Script,
        call: Callable[[Sequence[T]], Call],
        outcomes: Callable[[Sequence[T], Any, Sequence[Command]], Sequence[R | ProductFloError]],
        after: Callable[[Sequence[T]], Sequence[Command]] = lambda items: (),
        confirmation: "Confirmation[T] | None" = None,
    ) -> None:
        self._client = client
        self._script = script
        self._call = call
        self._outcomes = outcomes
        self._after = after
        self._confirmation = confirmation if confirmation and confirmation.replicas else None
        self._rooms: dict[str, Queue[T, R]] = {}
        self._ready: dict[str, Queue[T, R]] = {}  # Of those, what may go; what came first goes first.
        self._shards: dict[Redis | None, Shard] = {}
        self._count = self._bytes = 0
        self._arrived = asyncio.Event()
        self._stopped = False

    def hand_in(self, item: T) -> "asyncio.Future[R]":
        """As `begin`, for who waits; the future ends with the outcome. Cancelling it takes nothing back."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.begin(item, partial(settle, answer))
        return answer

    def begin(self, item: T, answered: "Callable[[R | ProductFloError], None]") -> None:
        """Have it written, after what was handed in before it for its room.

        Raises `StoreAway` while the store is known to be away, or too much waits for it. `answered` is called
        once, with the script's result or error, or with `StoreAway` (not written) or `Unconfirmed` (not
        known); it must not block or raise. It is no future: each would cost two turns of the loop.
        """
        shard = self._shards.get(shard_of(self._client, slot(item.room)))
        if self._stopped:
            raise _stopping()
        size = item.size
        full = self._count >= MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES
        if full or (shard is not None and shard.away):
            raise StoreAway("The store is away. Send the message again shortly.", retry_after=RETRY_AFTER)
        one: Waiting[T, R] = Waiting(item, size, monotonic(), answered)
        queue = self._rooms.get(item.room)
        if queue is None:
            queue = self._rooms[item.room] = Queue()
        queue.waiting.append(one)
        if not (queue.under_way or queue.resting):
            self._ready[item.room] = queue
        self._count += 1
        self._bytes += size
        self._arrived.set()

    async def run(self) -> None:
        """Commit until cancelled; what is unanswered then is `StoreAway` or `Unconfirmed`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._arrived.wait()
                    self._arrived.clear()
                    for shard, batches in self._take().items():
                        tasks.create_task(self._commit(shard, batches))
        finally:
            self._stopped = True  # Who is answered now may have more to hand in.
            for queue in list(self._rooms.values()):
                left = list(queue.waiting)
                self._end(queue, left, [_unconfirmed() if one.first_sent else _stopping() for one in left])

    def _take(self) -> dict[Redis | None, list[list[Waiting[T, R]]]]:
        """A batch of each room that may go, for the shards that are free; the items stay in their queues."""
        taken: dict[Redis | None, list[list[Waiting[T, R]]]] = {}
        shards = self._shards.values()
        waiting = self._count - sum(shard.items for shard in shards)
        if shards and not any(shard.takes(waiting) for shard in shards):
            return taken
        sizes: dict[Redis | None, tuple[int, int]] = {}
        for room, queue in list(self._ready.items()):
            shard = shard_of(self._client, slot(room))
            if not self._shards.setdefault(shard, Shard()).takes(waiting):
                continue
            count, size = sizes.get(shard, (0, 0))
            batch = queue.fitting(MAX_BATCH - count, MAX_BATCH_BYTES - size, at_least_one=not count)
            if batch:
                queue.under_way = True
                del self._ready[room]
                taken.setdefault(shard, []).append(batch)
                sizes[shard] = count + len(batch), size + sum(one.size for one in batch)
        for shard, (count, _) in sizes.items():
            self._shards[shard].pipelines += 1
            self._shards[shard].items += count
        return taken

    async def _commit(self, shard: Redis | None, batches: list[list[Waiting[T, R]]]) -> None:
        """One pipeline; what the store did not answer stays in its queue."""
        now = monotonic()
        for batch in batches:
            for one in batch:
                one.first_sent = one.first_sent or now
        away: list[RedisError] = []
        for batch, result in zip(batches, await self._results(shard, batches), strict=True):
            room = batch[0].item.room
            queue = self._rooms[room]
            queue.under_way = False
            if not isinstance(result, RedisError):
                outcomes = self._outcomes([one.item for one in batch], result.answer, result.followed)
                self._end(queue, batch, outcomes)
            elif is_away(result):
                if self._wait(queue, batch) and not is_elsewhere(result):
                    away.append(result)
            elif len(batch) > 1:
                queue.singly = True  # Some may have been written by an earlier call: each has its own answer.
            else:
                self._end(queue, batch, [told(result)])
            if queue.waiting and not queue.resting:
                self._ready[room] = queue
        self._note(self._shards[shard], sum(map(len, batches)), away)
        self._arrived.set()

    async def _results(
        self, shard: Redis | None, batches: Sequence[Sequence[Waiting[T, R]]]
    ) -> "Sequence[_Answered | RedisError]":
        """The script's answer, or why there is none, for each batch."""
        results: Sequence[_Answered | RedisError] = [TryAgainError("nobody knew where")] * len(batches)
        try:
            if shard is not None:
                results = await self._run_script(shard, [[one.item for one in batch] for batch in batches])
                await self._publish(shard, batches, results)
        except RedisError as error:
            results = [error] * len(batches)
        if any(isinstance(one, RedisError) and is_away(one) for one in results):
            try:
                await look_again(self._client)
            except RedisError as error:
                return [error] * len(batches)
        return results

    async def _run_script(
        self, shard: Redis, batches: Sequence[Sequence[T]]
    ) -> "list[_Answered | RedisError]":
        replicas = self._confirmation.replicas if self._confirmation else 0
        after = [() if replicas else self._after(batch) for batch in batches]
        results = await self._script.each(
            shard,
            [self._call(batch) for batch in batches],
            replicas=replicas,
            after=[command for commands in after for command in commands],
        )
        answers, rest = results[: len(batches)], iter(results[len(batches) :])
        done = [
            [command for command in commands if not isinstance(next(rest), RedisError)] for commands in after
        ]
        return [
            answer if isinstance(answer, RedisError) else _Answered(answer, followed)
            for answer, followed in zip(answers, done, strict=True)
        ]

    async def _publish(
        self,
        shard: Redis,
        batches: Sequence[Sequence[Waiting[T, R]]],
        results: "Sequence[_Answered | RedisError]",
    ) -> None:
        """Tell everybody of what the replicas have confirmed; who is not told looks at the log in time."""
        if self._confirmation is None:
            return
        pipeline = shard.pipeline(transaction=False)
        sharded = isinstance(self._client, Cluster)
        for batch, result in zip(batches, results, strict=True):
            if not isinstance(result, RedisError):
                channel, told = self._confirmation.told([one.item for one in batch], result.answer)
                pipeline.execute_command("SPUBLISH" if sharded else "PUBLISH", channel, told)
        await pipeline.execute(raise_on_error=False)

    def _wait(self, queue: Queue[T, R], batch: Sequence[Waiting[T, R]]) -> bool:
        """Try again later, but for what has been tried for too long; whether anything is left to try."""
        queue.resting = True
        asyncio.get_running_loop().call_later(RETRY_DELAY, self._try_again, queue)
        given_up = [one for one in batch if monotonic() > (one.first_sent or 0) + GIVE_UP_AFTER]
        if given_up:
            log.error("Gave up %d messages: the store did not confirm them", len(given_up))
            self._end(queue, given_up, [_unconfirmed()] * len(given_up))
        return len(given_up) < len(batch)

    def _try_again(self, queue: Queue[T, R]) -> None:
        queue.resting = False
        if queue.waiting:
            self._ready[queue.waiting[0].item.room] = queue
            self._arrived.set()

    def _note(self, shard: Shard, items: int, away: Sequence[RedisError]) -> None:
        """Remember how the shard is."""
        shard.pipelines -= 1
        shard.items -= items
        if away:
            OUTAGE.noticed(away[0])
        shard.away = bool(away)

    def _end(
        self,
        queue: Queue[T, R],
        ended: Sequence[Waiting[T, R]],
        outcomes: Sequence[R | ProductFloError],
    ) -> None:
        """Answer the first of a queue."""
        now, waiting = monotonic(), queue.waiting
        self._count -= len(ended)
        for one in ended:
            waiting.popleft()
            self._bytes -= one.size
            _SECONDS.observe(now - one.since)
        if not waiting:
            self._rooms.pop(ended[0].item.room, None)
        for one, outcome in zip(ended, outcomes, strict=True):
            one.answered(outcome)


def settle(answer: "asyncio.Future[R]", outcome: R | ProductFloError) -> None:
    """End a future with an outcome, unless nobody waits for it any more."""
    if answer.done():
        return
    if isinstance(outcome, ProductFloError):
        answer.set_exception(outcome)
        answer.exception()  # A caller that was cancelled no longer asks.
    else:
        answer.set_result(outcome)


def _unconfirmed() -> Unconfirmed:
    return Unconfirmed(
        "The store did not confirm the message. Send it again with the same message_id.",
        retry_after=RETRY_AFTER,
    )


def _stopping() -> StoreAway:
    return StoreAway("The server stops.", retry_after=RETRY_AFTER)
