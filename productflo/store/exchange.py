"""Many commands to one server in one go.

redis-py's pipelines pack each argument in Python and wait for each reply by itself: 30 us a call of a script,
where hiredis packs one in 2. Connecting, logging in and tries are redis-py's here, too.
"""

from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.retry import Retry

from productflo.store.line import Line, take_line

Argument = str | bytes | int | float
"""What a command is made of."""
Command = tuple[Argument, ...]
"""A command's name and its arguments."""


async def exchange(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """Carry commands out, in order; a refusal stands in its reply's place.

    Raises what redis-py raises where the connection was lost once too often: any of them may have been
    carried out then. All are sent again where it was lost before, so they must bear repetition.
    """
    packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type]  # Any length.
    line: Line | None = await take_line(redis)

    async def send() -> list[Any]:
        nonlocal line
        asked, line = line or await take_line(redis), None
        try:
            replies = await asked.ask(packed, len(commands))
        except BaseException:
            await asked.close()
            raise
        asked.free()
        return replies

    retry: Retry = redis.connection_pool.connection_kwargs["retry"]
    return await retry.call_with_retry(send, _nothing)


async def _nothing(error: Exception) -> None:
    """What was lost is closed already."""
