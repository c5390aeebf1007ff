"""Counting on a chat's path: added up here, and told to prometheus_client twice a second.

Where several processes serve, prometheus_client keeps each number in a mapped file: some 1.5 microseconds an
`inc`, twice that an `observe`, of the fifty that a chat takes in all.
"""

import asyncio
from bisect import bisect_left
from typing import Protocol

from prometheus_client import Counter, Histogram

DELAY = 0.5
"""Seconds until what was counted is told: what is scraped from another process is as old at most."""


class _Untold(Protocol):
    def tell(self) -> None: ...


_everything: list[_Untold] = []


class Tally:
    """A counter's."""

    __slots__ = ("_count", "_counter")

    def __init__(self, counter: Counter) -> None:
        self._counter, self._count = counter, 0
        _everything.append(self)

    def inc(self, count: int = 1) -> None:
        """Count so many."""
        self._count += count

    def tell(self) -> None:
        """Have the counter rise by what was counted."""
        if count := self._count:
            self._count = 0
            self._counter.inc(count)


class Spread:
    """A histogram's, which has no labels."""

    __slots__ = ("_bounds", "_counts", "_histogram", "_sum")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._bounds = list(histogram._upper_bounds)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        _everything.append(self)

    def observe(self, amount: float) -> None:
        """As `Histogram.observe`."""
        self._sum += amount
        self._counts[bisect_left(self._bounds, amount)] += 1

    def tell(self) -> None:
        """Have the histogram observe what was observed.

        prometheus_client has no call for many at once: this does what its `observe` does, and a test holds
        the two together.
        """
        if not any(self._counts):
            return
        counts, self._counts = self._counts, [0] * len(self._bounds)
        total, self._sum = self._sum, 0.0
        self._histogram._sum.inc(total)
        for bucket, count in zip(self._histogram._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


def tell() -> None:
    """Tell all that was counted, as who is about to be scraped does."""
    for one in _everything:
        one.tell()


async def tell_regularly() -> None:
    """Tell until cancelled, and once more then."""
    try:
        while True:
            await asyncio.sleep(DELAY)
            tell()
    finally:
        tell()
