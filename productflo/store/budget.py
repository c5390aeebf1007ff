"""Budgets of tokens and money for a day, whoever spends them: reserved before, settled after.

Each budget is one key, so that one script can look at all of it and a Cluster can have it anywhere. The day
is UTC's by the clock of the store. Money is counted in whole millionths of whatever currency prices are in.
"""

from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from productflo.store.client import Client
from productflo.store.exchange import Argument
from productflo.store.refusals import told
from productflo.store.scripts import script


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, and money in millionths."""

    tokens: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be used of a key in a day; None where that is not limited."""

    key: str
    tokens: int | None = None
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What a reservation could have had instead; None where that is not limited."""

    tokens: int | None
    cost: int | None


@dataclass(frozen=True, slots=True)
class BudgetStore:
    """All budgets. Methods raise `StoreAway`. A call that was sent twice counts once."""

    redis: Client

    async def reserve(self, budget: Budget, reservation: str, amount: Amount, seconds: float) -> Left | None:
        """Reserve an amount, or change the reservation to it; what is left where that is too much.

        The sum of what was settled and is reserved does not exceed the budget then. After so many seconds a
        reservation counts no more; it can be settled for an hour from then.
        """
        args: list[Argument] = [
            reservation,
            amount.tokens,
            amount.cost,
            round(seconds * 1000),
            "" if budget.tokens is None else budget.tokens,
            "" if budget.cost is None else budget.cost,
        ]
        granted, *left = await self._call("budget_reserve", budget.key, args)
        if granted:
            return None
        tokens, cost = left
        return Left(None if tokens < 0 else tokens, None if cost < 0 else cost)

    async def settle(self, budget: Budget, reservation: str, used: Amount) -> None:
        """Count what was really used, which may be more or nothing, in place of the reservation."""
        await self._call("budget_settle", budget.key, [reservation, used.tokens, used.cost])

    async def _call(self, name: str, key: str, args: list[Argument]) -> Any:
        try:
            return await script(name)(self.redis, [key], args)
        except RedisError as error:
            raise told(error) from error
