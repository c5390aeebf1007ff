"""Commands that are cancelled, and commands on a connection that has just closed."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from productflo.store.connect import open_redis

TRIES = 300


async def test_no_cancellation_is_lost(store_url: str) -> None:
    """Cancelled in the turn in which a command was sent, a task ends. (redis-py's own way fails.)"""
    async with open_redis(store_url) as redis:

        async def talk() -> None:
            while True:
                await redis.ping()

        for turns in range(TRIES):
            talking = asyncio.create_task(talk())
            for _ in range(turns % 30):
                await asyncio.sleep(0)
            talking.cancel()
            done, _ = await asyncio.wait({talking}, timeout=1)
            assert done, f"cancelled after {turns % 30} turns of the loop, it went on"


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_that_has_just_closed_is_a_lost_connection(
    store_url: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Whatever the event loop says of it: what sends is told so in redis-py's own word, and may try again."""

    async def sends() -> None:
        async with open_redis(store_url) as redis:
            assert isinstance(redis, Redis)
            connection = await redis.connection_pool.get_connection()
            writer = connection._writer
            assert writer is not None
            writer.transport.abort()
            await asyncio.sleep(0)
            with pytest.raises(RedisConnectionError):
                await connection.send_command("PING", check_health=False)
            assert not connection.is_connected
            await redis.connection_pool.release(connection)
            assert await redis.ping()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(sends())
