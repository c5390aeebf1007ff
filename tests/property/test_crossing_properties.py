"""Between loops in threads: what was sent comes, in its order, and an end on one side is one on both."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager

import pytest
from answers import Gate
from hypothesis import given, settings
from hypothesis import strategies as st

from assistants.crossing import AHEAD, Errand, carried


@contextmanager
def elsewhere() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3 * AHEAD), st.booleans()), max_size=4),
    st.integers(1, 50),
    st.sampled_from([None, ValueError, SystemExit]),
)
async def test_all_comes_over_in_order(
    bursts: list[tuple[int, bool]], pause: int, error: type[BaseException] | None
) -> None:
    """Whatever the bursts on one side and the pauses on the other, and what it raised at the end."""
    sent = iter(range(10_000))

    async def source() -> AsyncGenerator[int, None]:
        for count, waits in bursts:
            for _ in range(count):
                yield next(sent)
            if waits:
                await asyncio.sleep(0.001)
        if error:
            raise error("told")

    heard: list[int] = []

    async def read(loop: asyncio.AbstractEventLoop) -> None:
        async for item in carried(source(), lambda coroutine: Errand(coroutine, loop)):
            heard.append(item)
            if item % pause == 0:
                await asyncio.sleep(0)

    with elsewhere() as loop:
        if error:
            with pytest.raises(error, match="told"):
                await read(loop)
        else:
            await read(loop)
    assert heard == list(range(sum(count for count, _ in bursts)))


async def test_nobody_is_run_ahead_of() -> None:
    """A reader that pauses lets the other side get so far and no further; then all comes."""
    made = 0

    async def source() -> AsyncIterator[int]:
        nonlocal made
        for number in range(10 * AHEAD):
            made = number + 1
            yield number

    with elsewhere() as loop:
        async with aclosing(carried(source(), lambda coroutine: Errand(coroutine, loop))) as items:  # type: ignore[arg-type]
            heard = [await anext(items)]
            for _ in range(20):  # Turns of both loops.
                await Errand(asyncio.sleep(0), loop).result()
            assert made <= AHEAD + 1
            heard += [item async for item in items]
    assert heard == list(range(10 * AHEAD))


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_an_end_here_is_an_end_there(how: str) -> None:
    """Whoever stops reading has closed it when that returns, with what it had entered."""
    reached, entered = Gate(), asyncio.Event()
    closed_in: list[asyncio.Task[None] | None] = []

    async def source() -> AsyncGenerator[int, None]:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(60):  # What may be left only in the task that has entered it.
                yield 1
                reached.set()
                await entered.wait()
        finally:
            closed_in.append(task if task is asyncio.current_task() else None)

    async def read(loop: asyncio.AbstractEventLoop) -> None:
        async with aclosing(carried(source(), lambda coroutine: Errand(coroutine, loop))) as items:
            async for _ in items:
                if how == "closed":
                    return

    with elsewhere() as loop:
        reading = asyncio.create_task(read(loop))
        await reached.wait()
        if how == "cancelled":
            reading.cancel()
        await asyncio.wait({reading})
        assert closed_in != []
        assert closed_in[0] is not None


async def test_who_does_not_end_is_left_behind() -> None:
    """Cancelled twice the reader returns, whatever the other side does."""
    release, reached = threading.Event(), Gate()

    async def source() -> AsyncGenerator[int, None]:
        yield 1
        reached.set()
        release.wait()

    async def read(loop: asyncio.AbstractEventLoop) -> None:
        async for _ in carried(source(), lambda coroutine: Errand(coroutine, loop)):
            pass

    with elsewhere() as loop:
        reading = asyncio.create_task(read(loop))
        await reached.wait()
        try:
            reading.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not reading.done()
            reading.cancel()
            await asyncio.wait({reading}, timeout=5)
            assert reading.cancelled()
        finally:
            release.set()
