"""What many ask of the store at once: each hears their own answer, whatever becomes of the others."""

import asyncio
import socket

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from productflo.store.connect import open_redis
from productflo.store.scripts import script
from productflo.store.together import ask, ask_any, call, running

PATIENCE = 10.0
CALLERS = 300


async def echoed(redis: Redis, number: int) -> list[int]:
    """What the store says to a caller who asks for one to three things."""
    said = [number * 10 + at for at in range(number % 3 + 1)]
    return [int(one) for one in await ask(redis, "k", *(("ECHO", one) for one in said))]


async def reads(redis: Redis) -> int:
    """How often the store has found something to read."""
    found: int = (await redis.info("stats"))["total_reads_processed"]
    return found


async def test_what_is_asked_at_once_leaves_in_a_few_exchanges(redis: Redis) -> None:
    """And each caller has the answers to what they asked, in order."""
    before = await reads(redis)
    async with asyncio.timeout(PATIENCE):
        told = await asyncio.gather(*(echoed(redis, number) for number in range(CALLERS)))
    assert told == [[number * 10 + at for at in range(number % 3 + 1)] for number in range(CALLERS)]
    assert await reads(redis) - before < CALLERS // 10


async def test_a_refusal_is_for_who_asked(redis: Redis) -> None:
    """The others are answered."""
    await redis.set("word", "no number")
    refused, *told = await asyncio.gather(
        ask(redis, "word", ("INCR", "word")),
        *(echoed(redis, number) for number in range(20)),
        return_exceptions=True,
    )
    assert isinstance(refused, ResponseError)
    assert all(isinstance(one, list) for one in told)


@pytest.mark.parametrize("turns", range(12))
async def test_who_is_cancelled_holds_nobody_up(redis: Redis, turns: int) -> None:
    """Whoever carries for others, in whatever turn of the loop: somebody else carries then."""
    for cancelled in range(4):
        callers = [asyncio.create_task(echoed(redis, number)) for number in range(8)]
        for _ in range(turns):
            await asyncio.sleep(0)
        callers[cancelled].cancel()
        async with asyncio.timeout(PATIENCE):
            told = await asyncio.gather(*callers, return_exceptions=True)
            assert await echoed(redis, 1) == [10, 11]
        left = [one for number, one in enumerate(told) if number != cancelled]
        assert left == [
            [number * 10 + at for at in range(number % 3 + 1)] for number in range(8) if number != cancelled
        ]


async def test_all_are_told_that_the_store_is_away() -> None:
    """And nobody waits for ever."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with open_redis(f"redis://127.0.0.1:{port}") as redis, asyncio.timeout(PATIENCE):
        assert isinstance(redis, Redis)
        told = await asyncio.gather(*(echoed(redis, number) for number in range(9)), return_exceptions=True)
    assert [type(one) for one in told] == [RedisConnectionError] * 9


async def test_a_script_that_the_store_has_forgotten(redis: Redis) -> None:
    """Is told anew; what was asked beside it is done once."""
    await redis.script_flush()
    keys = ("meta", "log", "members")
    counted, state = await ask(redis, "n", ("INCR", "n"), running(script("position"), keys, ("", 0)))
    assert (counted, state) == (1, None)
    assert await call(redis, script("position"), keys, ("", 0)) is None
    assert await ask_any(redis, [("n", ("GET", "n"))]) == [b"1"]
