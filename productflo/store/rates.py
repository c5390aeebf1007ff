"""Rates that hold over all processes; those of a process alone are in `productflo.domain.rates`."""

import math
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.domain.rates import Rate
from productflo.store.client import Client
from productflo.store.refusals import told
from productflo.store.scripts import script

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class RateStore:
    """The buckets of all rates, by the clock of the store."""

    redis: Client

    async def take(self, key: str, rate: Rate, what: str) -> float:
        """Let `what` through; 0, or the seconds to wait. Raises `StoreAway`.

        It counts once, however often it comes, while it weighs on the rate and a minute more.
        """
        if math.isinf(rate.per_second):
            return 0.0
        worth = max(1, round(MICROSECONDS / rate.per_second))
        try:
            wait = await script("rate_take")(self.redis, [key], [worth, rate.burst, what])
        except RedisError as error:
            raise told(error) from error
        return int(wait) / 1000
