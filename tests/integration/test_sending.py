"""A loop that talks to the store ends when it is cancelled, whenever that comes."""

import asyncio

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
