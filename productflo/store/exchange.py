"""Many commands to one server in one go.

redis-py's pipelines pack each argument in Python and wait for each reply by itself: 30 us a call of a script,
where hiredis packs one in 2. Connecting, logging in and tries are redis-py's here, too.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from hiredis import pack_command
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.store.connect import SOCKET_TIMEOUT
from productflo.store.line import Line, take_line

Argument = str | bytes | int | float
"""What a command is made of."""
Command = tuple[Argument, ...]
"""A command's name and its arguments."""


LINES = 16
"""Exchanges with one server at a time, each on a line of its own: a server does one thing after another, and
redis-py's pool, whose connections they stay, has 100 for everybody."""
PATIENCE = SOCKET_TIMEOUT
"""Seconds that one waits for its turn: it does while the server is away, and each tries to find it."""

_turns: WeakKeyDictionary[ConnectionPool, asyncio.Semaphore] = WeakKeyDictionary()


async def exchange(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """Carry commands out, in order; a refusal stands in its reply's place.

    Raises what redis-py raises where the connection was lost once too often: any of them may have been
    carried out then. All are sent again where it was lost before, so they must bear repetition.
    """
    packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type]  # Any length.
    turns = _turns.setdefault(redis.connection_pool, asyncio.Semaphore(LINES))
    await _turn(turns)
    try:
        return await _asked(redis, packed, len(commands))
    finally:
        turns.release()


async def _turn(turns: asyncio.Semaphore) -> None:
    """Wait for one's turn. Raises redis-py's `TimeoutError`."""
    if not turns.locked():
        await turns.acquire()
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await turns.acquire()
    except TimeoutError:
        raise RedisTimeoutError(f"Nobody could ask the store within {PATIENCE:g} s.") from None


async def _asked(redis: Redis, packed: bytes, count: int) -> list[Any]:
    line: Line | None = await take_line(redis)

    async def send() -> list[Any]:
        nonlocal line
        asked, line = line or await take_line(redis), None
        try:
            replies = await asked.ask(packed, count)
        except BaseException:
            await asked.close()
            raise
        asked.free()
        return replies

    retry: Retry = redis.connection_pool.connection_kwargs["retry"]
    return await retry.call_with_retry(send, _nothing)


async def _nothing(error: Exception) -> None:
    """What was lost is closed already."""
