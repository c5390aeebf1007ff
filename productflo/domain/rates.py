"""How much is too much: a rate with a burst, counted by the generic cell rate algorithm.

GCRA (ITU-T I.371, annex A) is a token bucket kept as one number: the moment at which it will be full again.
So a bucket costs a float, nothing has to refill it, and one whose moment has passed need not be kept.
"""

import math
import re
from dataclasses import dataclass, field

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
    _interval: float = field(init=False, repr=False, compare=False)
    _tolerance: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_interval", 1 / self.per_second)
        object.__setattr__(self, "_tolerance", self.burst / self.per_second)

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
        numbers = {unit: self.per_second * seconds for unit, seconds in _UNITS.items()}
        enough = [unit for unit, number in numbers.items() if number > 1 - EXACTLY] or ["day"]
        whole = [unit for unit in enough if abs(numbers[unit] - round(numbers[unit])) < EXACTLY]
        unit = (whole or enough)[0]
        return f"{numbers[unit]:g}/{unit} burst {self.burst}"

    def take(self, full_at: float, now: float, cost: float = 1) -> tuple[float, float]:
        """Take `cost` out of a bucket: the bucket afterwards, and 0; or as it was, and how long to wait."""
        after, wait = self.charge(full_at, now, cost)
        return (full_at, wait) if wait else (after, 0.0)

    def charge(self, full_at: float, now: float, cost: float) -> tuple[float, float]:
        """Take `cost` in any case: the bucket afterwards, and how long to wait until that had been there."""
        after = (full_at if full_at > now else now) + cost * self._interval
        wait = after - now - self._tolerance
        return after, wait if wait > EXACTLY else 0.0
