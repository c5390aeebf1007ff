"""What one connection has handed to the log and has no answer for yet.

Bounded, so that a client which does not wait for its answers is left unread; and watched, so that it is told
when one takes long. It costs no task and, while answers come in time, one timer in three seconds.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from productflo.timers import later

MOST = 64
"""Events of one connection that may wait for the store: a fast typist has one."""
LATE_AFTER = 3.0
"""Seconds after which an event that the store has not confirmed is said to be pending."""

T = TypeVar("T")
R = TypeVar("R")


class UnderWay(Generic[T, R]):
    """Events that wait for their answer.

    `answered(what, answer)` is called when it has come, `late(what)` once for each that takes long, and
    `room` when there is room again after there was none. None may block or raise.
    """

    __slots__ = ("_answered", "_ended", "_late", "_room", "_timer", "_waiting")

    def __init__(
        self, answered: Callable[[T, R], None], late: Callable[[T], None], room: Callable[[], None]
    ) -> None:
        self._waiting: dict[_Waiting[T, R], None] = {}
        self._answered = answered
        self._late = late
        self._room = room
        self._timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        """Whether nothing may be added for now."""
        return len(self._waiting) >= MOST

    def add(self, what: T) -> Callable[[R], None]:
        """Wait for an answer: what is returned is to be called with it, once."""
        one = _Waiting(self, what, monotonic() + LATE_AFTER)
        self._waiting[one] = None
        if self._timer is None:
            self._timer = later(LATE_AFTER, self._look)
        return one

    async def some(self) -> None:
        """Wait until one may be added."""
        while self.full:
            await self._one_ended()

    async def all(self) -> None:
        """Wait until those are answered that are under way now."""
        those = list(self._waiting)
        while not self._waiting.keys().isdisjoint(those):
            await self._one_ended()

    async def _one_ended(self) -> None:
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._ended)

    def done(self, one: "_Waiting[T, R]", answer: R) -> None:
        """What it waited for has come."""
        full = self.full
        del self._waiting[one]
        self._answered(one.what, answer)
        if self._ended is not None:
            self._ended.set_result(None)
            self._ended = None
        if full:
            self._room()

    def _look(self) -> None:
        """Tell of those that are late; look again when the next one would be."""
        self._timer = None
        now = monotonic()
        for one in list(self._waiting):
            if one.late_at > now:
                self._timer = later(one.late_at - now, self._look)
                return
            if not one.told:
                one.told = True
                self._late(one.what)


class _Waiting(Generic[T, R]):
    """One of them; it is called with its answer."""

    __slots__ = ("_under_way", "late_at", "told", "what")

    def __init__(self, under_way: UnderWay[T, R], what: T, late_at: float) -> None:
        self._under_way = under_way
        self.what = what
        self.late_at = late_at
        self.told = False

    def __call__(self, answer: R) -> None:
        self._under_way.done(self, answer)
