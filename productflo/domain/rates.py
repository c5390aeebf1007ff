"""How much is too much: a rate with a burst, counted by the generic cell rate algorithm.

GCRA (ITU-T I.371, annex A) is a token bucket kept as one number: the moment at which it will be full again.
So a bucket costs a float, nothing has to refill it, and one whose moment has passed need not be kept.
"""

import math
import re
from dataclasses import dataclass

OFF = "off"
"""How an operator says that there is no limit."""
EXACTLY = 1e-6
"""Seconds that rounding may take: who waits for as long as they were told must not be refused again."""

_UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86_400}
_WRITTEN = re.compile(r"(?P<number>\d+(?:\.\d+)?)/(?P<unit>s|min|h|day)(?: burst (?P<burst>\d+))?")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for as long as one likes, and `burst` at once after a pause.

    A bucket is the moment at which it is full, in seconds of any clock that does not go back; 0 is a new one.
    """

    per_second: float
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """`20/s`, `300/min burst 1000` or `off`; without a burst it is the number. Raises `ValueError`."""
        if text == OFF:
            return cls(math.inf, 1)
        written = _WRITTEN.fullmatch(text)
        if written is None or float(written["number"]) <= 0 or written["burst"] == "0":
            raise ValueError("must be such as 20/s, 300/min, 20/s burst 100, or off")
        number = float(written["number"])
        return cls(number / _UNITS[written["unit"]], int(written["burst"] or max(1, number)))

    def __str__(self) -> str:
        """As `parse` reads it."""
        if math.isinf(self.per_second):
            return OFF
        unit = next((one for one, seconds in _UNITS.items() if self.per_second * seconds >= 1), "day")
        return f"{self.per_second * _UNITS[unit]:g}/{unit} burst {self.burst}"

    def take(self, full_at: float, now: float, cost: float = 1) -> tuple[float, float]:
        """Take `cost` out of a bucket: the bucket afterwards, and 0; or as it was, and how long to wait."""
        after, wait = self.charge(full_at, now, cost)
        return (full_at, wait) if wait else (after, 0.0)

    def charge(self, full_at: float, now: float, cost: float) -> tuple[float, float]:
        """Take `cost` in any case: the bucket afterwards, and how long to wait until that had been there."""
        after = max(full_at, now) + cost / self.per_second
        wait = after - now - self.burst / self.per_second
        return after, wait if wait > EXACTLY else 0.0
