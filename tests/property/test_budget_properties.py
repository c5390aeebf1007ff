"""A day's budget: whoever reserves, settles, dies or asks twice, what is settled and held stays within it."""

import asyncio
import random
import sys
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from productflo.store.budget import Amount, Budget, BudgetStore
from productflo.store.connect import open_redis

TOKENS, COST = 1000, 500
LONG = 60.0
"""Seconds that a reservation holds where a test does not wait for its end."""
KEYS = count()

AMOUNT = st.builds(Amount, st.integers(0, 400), st.integers(0, 200))
STEP = st.tuples(st.sampled_from("abcde"), st.sampled_from(["reserve", "reserve", "settle"]), AMOUNT)


async def standing(redis: Redis, key: str) -> Amount:
    """What is settled and what is reserved, together."""
    kept = await redis.hgetall(key)
    held = [value.split()[:2] for name, value in kept.items() if name.startswith(b"r:")]
    tokens = int(kept.get(b"tokens", 0)) + sum(int(one[0]) for one in held)
    return Amount(tokens, int(kept.get(b"cost", 0)) + sum(int(one[1]) for one in held))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=40))
async def test_a_budget_against_its_model(store_url: str, steps: list[tuple[str, str, Amount]]) -> None:
    """Each answer of the store is that of a few lines of Python: what fits is granted, and nothing else."""
    budget = Budget(f"spent:model{next(KEYS)}", TOKENS, COST)
    held: dict[str, Amount] = {}
    used = Amount()
    async with open_redis(store_url) as redis:
        store = BudgetStore(redis)
        for who, what, amount in steps:
            if what == "settle":
                amount = min(amount, held.get(who, Amount()), key=lambda one: (one.tokens, one.cost))
                if who in held:
                    amount = Amount(min(amount.tokens, held[who].tokens), min(amount.cost, held[who].cost))
                    used = Amount(used.tokens + amount.tokens, used.cost + amount.cost)
                    del held[who]
                await store.settle(budget, who, amount)
                continue
            others = [one for name, one in held.items() if name != who]
            free = Amount(
                TOKENS - used.tokens - sum(one.tokens for one in others),
                COST - used.cost - sum(one.cost for one in others),
            )
            fits = amount.tokens <= free.tokens and amount.cost <= free.cost
            left = await store.reserve(budget, who, amount, LONG)
            assert (left is None) == fits
            if left is None:
                held[who] = amount
            else:
                assert (left.tokens, left.cost) == (free.tokens, free.cost)
            now = await standing(redis, budget.key)
            assert now.tokens <= TOKENS
            assert now.cost <= COST


async def spend(url: str, key: str, seed: int) -> None:
    """One process of many: reserve, use no more than that, settle; some reservations are never settled."""
    chance = random.Random(seed)  # noqa: S311 - has to be repeatable
    budget = Budget(key, TOKENS, COST)
    async with open_redis(url) as redis:
        store = BudgetStore(redis)

        async def answer(name: str) -> None:
            amount = Amount(chance.randrange(1, 120), chance.randrange(60))
            if await store.reserve(budget, name, amount, LONG) is not None:
                return
            more = Amount(amount.tokens * 2, amount.cost * 2)
            if await store.reserve(budget, name, more, LONG) is None:
                amount = more
            if chance.random() < 0.9:
                used = Amount(
                    chance.randrange(amount.tokens // 8 + 1), chance.randrange(amount.cost // 8 + 1)
                )
                await store.settle(budget, name, used)

        for turn in range(15):
            await asyncio.gather(*(answer(f"{seed}.{turn}.{one}") for one in range(8)))


async def test_processes_that_race_stay_within_it(store_url: str, redis: Redis) -> None:
    """Three processes with eight answers each at a time; at no moment is there more than the budget."""
    key = "spent:race"
    commands = [(sys.executable, __file__, store_url, key, str(seed)) for seed in range(3)]
    racing = [await asyncio.create_subprocess_exec(*command) for command in commands]
    ended = asyncio.gather(*(process.wait() for process in racing))
    seen: list[Amount] = []
    while not ended.done():
        seen.append(await standing(redis, key))
    assert await ended == [0, 0, 0]
    most = Amount(max(one.tokens for one in seen), max(one.cost for one in seen))
    assert most.tokens <= TOKENS
    assert most.cost <= COST
    assert most.tokens > TOKENS / 2  # They did race for it.


async def test_a_dead_workers_reservation_ends(redis: Redis) -> None:
    """When its time is over others get what it held; settled late it counts all the same, once."""
    store, budget = BudgetStore(redis), Budget("spent:late", 100)
    assert await store.reserve(budget, "dead", Amount(80), 0.05) is None
    left = await store.reserve(budget, "alive", Amount(50), LONG)
    assert left is not None
    assert left.tokens == 20
    async with asyncio.timeout(5):
        while await store.reserve(budget, "alive", Amount(50), LONG) is not None:
            pass
    for _ in range(2):
        await store.settle(budget, "dead", Amount(30))
    await store.settle(budget, "alive", Amount(50))
    assert await redis.hmget(budget.key, ["tokens", "day"]) == [b"80", await today(redis)]
    assert await store.reserve(budget, "more", Amount(21), LONG) is not None
    assert await store.reserve(budget, "more", Amount(20), LONG) is None


async def test_a_new_day_begins_anew(redis: Redis) -> None:
    """What was used yesterday is of yesterday; what is reserved is still reserved."""
    store, budget = BudgetStore(redis), Budget("spent:day", 100)
    await store.reserve(budget, "early", Amount(60), LONG)
    await store.settle(budget, "early", Amount(60))
    await store.reserve(budget, "over midnight", Amount(30), LONG)
    await redis.hincrby(budget.key, "day", -1)
    left = await store.reserve(budget, "late", Amount(100), LONG)
    assert left is not None
    assert left.tokens == 70


async def today(redis: Redis) -> bytes:
    """The store's day."""
    seconds, _ = await redis.time()
    return str(int(seconds) // 86_400).encode()


if __name__ == "__main__":
    asyncio.run(spend(sys.argv[1], sys.argv[2], int(sys.argv[3])))
