"""What waits for the store: a queue for each room, and for each server how much it has to do."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from productflo.errors import ProductFloError

PIPELINES = 4
"""To one server at a time, at most: while it works on one and flushes its disk, this process reads the
answers to another and fills the next. With two, `./run bench --scenario echo` said a ninth less."""
MUCH = 64
"""Items that wait, for which one more pipeline is worth its cost. Fewer gather until one is answered."""


class Item(Protocol):
    """What can be handed in."""

    @property
    def room(self) -> str:
        """Items of a room keep their order."""

    @property
    def alone(self) -> bool:
        """Whether it needs a call of its own."""

    @property
    def size(self) -> int:
        """Bytes that it takes up, roughly."""


T = TypeVar("T", bound=Item)
R = TypeVar("R")


@dataclass(slots=True)
class Waiting(Generic[T, R]):
    """An item, of `size` bytes, handed in at `since` (of `time.monotonic`, as `first_sent`)."""

    item: T
    size: int
    since: float
    answered: Callable[[R | ProductFloError], None]
    first_sent: float | None = None


@dataclass(slots=True)
class Queue(Generic[T, R]):
    """A room's. `resting` until it may be tried again; `singly` that a call for several of it was refused."""

    waiting: deque[Waiting[T, R]] = field(default_factory=deque)
    under_way: bool = False
    resting: bool = False
    singly: bool = False

    def fitting(self, count: int, size: int, *, at_least_one: bool) -> list[Waiting[T, R]]:
        """The first that go in one call, at most so many of them and so many bytes."""
        batch: list[Waiting[T, R]] = []
        for one in self.waiting:
            size -= one.size
            if (len(batch) == count or size < 0) and (batch or not at_least_one):
                break
            alone = self.singly or one.item.alone
            if not (alone and batch):
                batch.append(one)
            if alone:
                break
        return batch


@dataclass(slots=True)
class Shard:
    """One server that is written to."""

    pipelines: int = 0
    items: int = 0
    away: bool = False

    def takes(self, waiting: int) -> bool:
        """Whether it is sent something, where so many items wait."""
        return not self.pipelines or (self.pipelines < PIPELINES and waiting >= MUCH)
