"""The worker's services as an assistant's code reaches them, from the thread in which it runs."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from assistants.crossing import Errand, carried

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Bridge:
    """For one answer: what its code asks of a service is done in the worker's loop, where this was made.

    Cancelling the asker cancels what was asked for, and `close` cancels all of it.
    """

    def __init__(self) -> None:
        self._home = asyncio.get_running_loop()
        self._errands: set[Errand[Any]] = set()
        self._closed = False

    def to(self, service: T) -> T:
        """The service as it is used on the other side: its async methods cross, all else is as it is."""
        return cast(T, _Across(service, self))

    def function(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """A coroutine function as it is called on the other side."""

        async def here(*args: P.args, **kwargs: P.kwargs) -> R:
            return await function(*args, **kwargs)

        @wraps(function)
        async def crossing(*args: P.args, **kwargs: P.kwargs) -> R:
            return await self._send(here(*args, **kwargs)).result()

        return crossing

    def generator(
        self, function: Callable[P, AsyncGenerator[T, None]]
    ) -> Callable[P, AsyncGenerator[T, None]]:
        """An async generator function as it is called on the other side."""

        @wraps(function)
        def crossing(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
            return carried(function(*args, **kwargs), self._send)

        return crossing

    def callback(self, function: Callable[[], object]) -> Callable[[], None]:
        """A plain function that is called in the worker's loop, soon after it is called on the other side."""

        def crossing() -> None:
            self._home.call_soon_threadsafe(function)

        return crossing

    async def close(self) -> None:
        """End all that was asked for and is not done, and what a left-behind asker may still ask for."""
        self._closed = True
        errands = tuple(self._errands)
        for errand in errands:
            errand.cancel()
        if errands:
            await asyncio.wait({asyncio.wrap_future(errand.ended) for errand in errands})

    def _send(self, coroutine: Coroutine[Any, Any, T]) -> Errand[T]:
        errand = Errand(coroutine, self._home)
        self._errands.add(errand)
        errand.ended.add_done_callback(lambda ended: self._errands.discard(errand))
        if self._closed:
            errand.cancel()
        return errand


class _Across:
    """A service on the far side of a bridge."""

    def __init__(self, service: object, bridge: Bridge) -> None:
        self._service = service
        self._bridge = bridge

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._service, name)
        if inspect.iscoroutinefunction(found):
            return self._bridge.function(found)
        if inspect.isasyncgenfunction(found):
            return self._bridge.generator(found)
        return found
