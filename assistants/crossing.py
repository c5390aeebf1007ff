"""Between event loops that run in threads of their own: a coroutine or a generator of one, used from another.

Cancellation goes over with what it is about, and so does back-pressure: who reads slowly is not run ahead of.
"""

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

AHEAD = 64
"""Items that a generator may be ahead of its reader: a model's chunks of about a second."""


class Errand(Generic[T]):
    """A coroutine that runs as one task of the loop `there`. Any thread may make, cancel and await it.

    Raises RuntimeError where that loop is closed.
    """

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], there: asyncio.AbstractEventLoop, name: str | None = None
    ) -> None:
        self.ended: concurrent.futures.Future[T] = concurrent.futures.Future()
        self.task: asyncio.Task[T] | None = None
        self._coroutine = coroutine
        self._there = there
        self._name = name
        try:
            there.call_soon_threadsafe(self._begin)
        except RuntimeError:
            coroutine.close()
            raise

    def tell(self, callback: Callable[[], object]) -> None:
        """Call something in its loop, unless that is closed."""
        with suppress(RuntimeError):
            self._there.call_soon_threadsafe(callback)

    def cancel(self) -> None:
        """Ask it to end; it may take its time. Nothing happens where it has ended, or its loop has."""
        self.tell(self._cancel)

    async def result(self) -> T:
        """What it returns or raises.

        Cancelling cancels it, and waits for its end; cancelling once more leaves it behind.
        """
        ended = asyncio.wrap_future(self.ended)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not ended.done():
                self.cancel()
                await asyncio.wait({ended})
            if not ended.cancelled():
                ended.exception()  # Retrieved, for the loop: the cancellation is what is told.
            raise

    def _begin(self) -> None:
        self.task = self._there.create_task(self._coroutine, name=self._name)
        self.task.add_done_callback(self._end)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _end(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.ended.cancel()
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


Send = Callable[[Coroutine[Any, Any, BaseException | None]], Errand[BaseException | None]]
"""Sends a coroutine on an errand to the loop where it shall run."""


async def carried(source: AsyncGenerator[T, None], send: Send) -> AsyncGenerator[T, None]:
    """The items of a generator that is sent to another loop; raises what it raises.

    It runs there in one task, so that it can leave what it has entered. Closing this, or cancelling who reads
    it, cancels and closes it, and waits for that; cancelling once more leaves it behind.
    """
    here, arrived, belt = asyncio.get_running_loop(), asyncio.Event(), _Belt[T]()

    def tell() -> None:
        with suppress(RuntimeError):  # The reader's loop is closed: nobody wants to know any more.
            here.call_soon_threadsafe(arrived.set)

    errand = send(belt.load(source, tell))
    errand.ended.add_done_callback(lambda ended: tell())
    try:
        while True:
            arrived.clear()
            over = errand.ended.done()
            while belt.items:
                yield belt.items.popleft()
                if len(belt.items) == AHEAD // 2:
                    errand.tell(belt.has_room.set)
            if over:
                break
            await arrived.wait()
        if (error := await errand.result()) is not None:
            raise error
    finally:
        errand.cancel()
        await asyncio.wait({asyncio.wrap_future(errand.ended)})


class _Belt(Generic[T]):
    """What is between a generator and its reader. A deque's ends belong to one thread each."""

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self.has_room = asyncio.Event()

    async def load(self, source: AsyncGenerator[T, None], tell: Callable[[], None]) -> BaseException | None:
        """Run the generator to its end; the error that it raised, whatever that is."""
        try:
            async with aclosing(source):
                async for item in source:
                    self.has_room.clear()
                    self.items.append(item)
                    if len(self.items) == 1:
                        tell()
                    if len(self.items) >= AHEAD:
                        await self.has_room.wait()
        except (Exception, SystemExit) as error:  # SystemExit would end the thread, and all others with it.
            return error
        return None
