"""An answer as it is given: let in by the limits, run on the assistant's stage, counted and traced."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from assistants import metrics, tracing
from assistants.budget import Allowance, Meter
from assistants.errors import LimitReached
from assistants.limits import Limits
from assistants.stage import Stages
from productflo.domain.prices import NO_PRICES, PriceList
from productflo.domain.rates import Rate
from productflo.store import keys
from productflo.store.budget import Budget, BudgetStore
from productflo.store.keys import RoomKeys
from productflo.store.rates import RateStore

MILLIONTHS = 1_000_000
MINUTES_FROM = 100
"""Seconds from which a time to wait is told in minutes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as limits and logs see it; `first` where no worker has begun it before. `message_id`
    and `run_id` are the answer's; `waited` are the seconds that it has waited until now."""

    assistant: str
    limits: Limits
    room: str
    user: str
    message_id: str
    run_id: str
    first: bool
    waited: float


@dataclass(frozen=True, slots=True)
class Performances:
    """The answers of a worker."""

    stages: Stages
    rates: RateStore
    budgets: BudgetStore
    prices: PriceList = NO_PRICES

    def meter(self, asked: Asked) -> Meter:
        """What counts the answer's use of models: against the budgets of assistant, room and asker."""
        limits, assistant = asked.limits, asked.assistant
        scopes = (
            (keys.spent(assistant), "", "", limits.tokens_per_day, limits.cost_per_day),
            (
                RoomKeys(asked.room).spent(assistant),
                " for this room",
                "room_",
                limits.room_tokens_per_day,
                limits.room_cost_per_day,
            ),
            (
                keys.spent(assistant, asked.user),
                " for one person",
                "user_",
                limits.user_tokens_per_day,
                limits.user_cost_per_day,
            ),
        )
        allowances = tuple(
            Allowance(
                Budget(key, tokens, None if money is None else round(money * MILLIONTHS)),
                whose,
                (f"{prefix}tokens_per_day", f"{prefix}cost_per_day"),
            )
            for key, whose, prefix, tokens, money in scopes
            if tokens is not None or money is not None
        )
        return Meter(assistant, self.budgets, allowances, self.prices, limits.timeout)

    async def perform(
        self, asked: Asked, answer: AsyncGenerator[str, None], close: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[str, None]:
        """The answer's pieces; see `Stages.perform`. Raises `LimitReached` where it was asked too often."""
        name = f"in {asked.room}, run {asked.run_id}"
        attributes: dict[str, tracing.Value] = {
            "productflo.assistant": asked.assistant,
            "productflo.run_id": asked.run_id,
            "productflo.queue_seconds": asked.waited,
        }
        with (
            tracing.span("answer", attributes) as span,
            metrics.answering(
                asked.assistant, lambda seconds: span.set_attribute("productflo.first_piece_seconds", seconds)
            ) as heard_piece,
        ):
            try:
                if asked.first:
                    await self._admit(asked)
                async with aclosing(self.stages.perform(asked.assistant, answer, close, name)) as pieces:
                    async for piece in pieces:
                        heard_piece()
                        yield piece
            except LimitReached as error:
                metrics.LIMITED.labels(asked.assistant, error.limit).inc()
                raise

    async def _admit(self, asked: Asked) -> None:
        """Let the question in, or raise `LimitReached`.

        The asker's rate comes first: who asks too often takes nothing from the others of the room.
        """
        limits, assistant = asked.limits, asked.assistant
        rates = (
            (limits.per_user, keys.admitted(assistant, asked.user), "from one person", "per_user"),
            (limits.per_room, RoomKeys(asked.room).admitted(assistant), "in this room", "per_room"),
        )
        for rate, key, where, name in rates:
            if rate is None:
                continue
            wait = await self.rates.take(key, rate, f"{asked.room} {asked.message_id}")
            if wait:
                raise LimitReached(
                    f"I answer {in_words(rate)} {where}; please ask again in {_duration(wait)}.", name
                )


def in_words(rate: Rate) -> str:
    """A rate for people: `10 questions a minute`."""
    number, _, rest = str(rate).partition("/")
    unit = {"s": "a second", "min": "a minute", "h": "an hour", "day": "a day"}[rest.partition(" ")[0]]
    return f"{number} question{'' if number == '1' else 's'} {unit}"


def _duration(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < MINUTES_FROM else f"{math.ceil(seconds / 60)} min"
