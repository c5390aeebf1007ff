"""Many commands to one server in one go.

redis-py's pipelines pack each argument in Python and wait for each reply by itself: 30 us a call of a script,
where hiredis packs one in 2. Connecting, logging in, time-outs and tries are redis-py's here, too.
"""

from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis

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
    pool: Any = redis.connection_pool
    connection: Any = await pool.get_connection()

    async def send() -> list[Any]:
        await connection.send_packed_command(packed)
        replies: list[Any] = await connection.replies(len(commands))
        return replies

    try:
        replies: list[Any] = await connection.retry.call_with_retry(
            send, lambda error: connection.disconnect(error=error)
        )
        return replies
    finally:
        await pool.release(connection)
