"""What one connection has handed to the log and has no answer for yet.

Bounded, so that a client which does not wait for its answers is left unread; and watched, so that it is told
when one takes long. It costs no task and, while answers come in time, one timer in three seconds.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

MOST = 64
"""Events of one connection that may wait for the store: a fast typist has one."""
LATE_AFTER = 3.0
"""Seconds after which an event that the store has not confirmed is said to be pending."""

_NO_CONTEXT = Context()
"""What timers run in: one made in a request's context would keep the whole request alive."""

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    what: T
    late_at: float
    told: bool = False


class UnderWay(Generic[T]):
    """Events, by the future of their answer.

    `answered(what, answer)` is called when it has come, `late(what)` once for each that takes long, and
    `room` when there is room again after there was none. None may block or raise.
    """

    __slots__ = ("_answered", "_answers", "_late", "_room", "_timer")

    def __init__(
        self,
        answered: Callable[[T, "asyncio.Future[Any]"], None],
        late: Callable[[T], None],
        room: Callable[[], None],
    ) -> None:
        self._answers: dict[asyncio.Future[Any], _Waiting[T]] = {}
        self._answered = answered
        self._late = late
        self._room = room
        self._timer: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether nothing may be added for now."""
        return len(self._answers) >= MOST

    def add(self, answer: "asyncio.Future[Any]", what: T) -> None:
        """Wait for an answer."""
        loop = asyncio.get_running_loop()
        self._answers[answer] = _Waiting(what, loop.time() + LATE_AFTER)
        answer.add_done_callback(self._done)
        if self._timer is None:
            self._timer = loop.call_later(LATE_AFTER, self._look, context=_NO_CONTEXT)

    async def some(self) -> None:
        """Wait until one may be added."""
        while self.full:
            await asyncio.wait(set(self._answers), return_when=asyncio.FIRST_COMPLETED)

    async def all(self) -> None:
        """Wait until those are answered that are under way now."""
        if self._answers:
            await asyncio.wait(set(self._answers))

    def _done(self, answer: "asyncio.Future[Any]") -> None:
        full = self.full
        self._answered(self._answers.pop(answer).what, answer)
        if full:
            self._room()

    def _look(self) -> None:
        """Tell of those that are late; look again when the next one would be."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for one in list(self._answers.values()):
            if one.late_at > loop.time():
                self._timer = loop.call_later(one.late_at - loop.time(), self._look, context=_NO_CONTEXT)
                return
            if not one.told:
                one.told = True
                self._late(one.what)
