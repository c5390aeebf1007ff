"""Slots of an assistant over all its workers: a room that is answered in holds one, by a lease.

Each worker says how many it uses and how many it wishes for, never one more or one less, so that a call that
was sent twice counts once. Who dies says nothing more, and its slots are free when its lease ends, or when
its supervisor has started it again.
"""

from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.store import keys
from productflo.store.client import Client
from productflo.store.refusals import told
from productflo.store.runs import LEASE
from productflo.store.scripts import script


@dataclass(frozen=True, slots=True)
class SlotStore:
    """The slots of all assistants; `lease` is in seconds."""

    redis: Client
    lease: float = LEASE

    async def hold(self, assistant: str, worker: str, *, used: int, wished: int, most: int) -> int:
        """Hold up to `wished` slots of the `most` that all workers have together, until the lease ends.

        `worker` is `<name>.<more>`, the name as `parent.run_name` gives it: an earlier run of it holds none.
        Returns how many are held: at least `used`, those in which answers go on. Raises `StoreAway`.
        """
        try:
            held = await script("slots_hold")(
                self.redis, [keys.slots(assistant)], [worker, used, wished, most, round(self.lease * 1000)]
            )
        except RedisError as error:
            raise told(error) from error
        return int(held)
