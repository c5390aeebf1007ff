"""What answers cost: tokens and money are reserved before a model is asked, counted while it speaks, and
settled by what its server says that it used.

How long an answer will be is not known, and a reservation keeps others from what it holds. So it is made for
the prompt and a piece of an answer, and grows with the answer; where it can not, the answer ends.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistants import metrics, tokens, tracing
from assistants.errors import LimitReached, ModelError
from productflo.domain.prices import FREE, NO_PRICES, Price, PriceList
from productflo.errors import ProductFloError
from productflo.store.budget import Amount, Budget, BudgetStore, Left

if TYPE_CHECKING:
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

log = logging.getLogger(__name__)

TOKENS_AN_IMAGE = 1_500
"""For an image, whose bytes say nothing of it; models take 85 to about 1,600."""
STEP = 500
"""Tokens of an answer that are reserved at a time: a store's answer for some 2,000 characters."""
LEAST = 50
"""Tokens of an answer that must be left for it to be begun: with fewer it says nothing of use."""
MARGIN = 60.0
"""Seconds that a reservation outlasts the time of its answer, so that it is settled before it ends."""
TRIES = 4
"""Times that a reservation is made smaller because others took from the same budget meanwhile."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A budget that an answer draws on, and its name for people (` for this room`) and in `limits`."""

    budget: Budget
    whose: str
    limits: tuple[str, str]

    def used_up(self, left: Left, wish: Amount) -> LimitReached:
        """Why an answer can not have what it wishes."""
        money = left.tokens is None or wish.tokens <= left.tokens
        of = "" if money else f" of {self.budget.tokens:,} tokens"
        return LimitReached(
            f"The day's budget{of}{self.whose} is used up; it starts again at 00:00 UTC.",
            self.limits[1 if money else 0],
        )


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens that a request to a model has used; `estimated` where its server did not count all of them."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts what one answer uses. `seconds` is the time that the answer has."""

    assistant: str = ""
    store: BudgetStore | None = None
    allowances: tuple[Allowance, ...] = ()
    prices: PriceList = NO_PRICES
    seconds: float = 0.0

    @asynccontextmanager
    async def request(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> AsyncIterator["Spending"]:
        """Around one request to a model, with what is sent; what it used is settled in whatever way it ends.

        Raises `LimitReached` where not enough is left for it, `ModelError` where money is limited and the
        model has no price.
        """
        price = self.prices.prices.get(model)
        if price is None and any(one.budget.cost is not None for one in self.allowances):
            raise ModelError(
                f"Money is limited here, and PRODUCTFLO_MODEL_PRICES has no price for the model {model}."
            )
        prompt = tokens_of_messages(messages) + sum(tokens.estimate(str(tool)) for tool in tools)
        spending = Spending(self, model, price or FREE, prompt)
        with tracing.span("chat", {"gen_ai.request.model": model}) as span:
            try:
                await spending.begin()
                yield spending
            except Exception as error:
                if not isinstance(error, LimitReached):
                    metrics.MODEL_FAILURES.labels(model, type(error).__name__).inc()
                raise
            finally:
                await spending.end()
                span.set_attribute("gen_ai.usage.input_tokens", spending.used.prompt)
                span.set_attribute("gen_ai.usage.output_tokens", spending.used.completion)


UNMETERED = Meter()
"""Counts for the operator only; nothing is limited."""


class Spending:
    """One request to a model under way."""

    def __init__(self, meter: Meter, model: str, price: Price, prompt: int) -> None:
        self._meter = meter
        self._model = model
        self._price = price
        self._prompt = prompt
        self._completion = 0
        self._bytes = 0
        self._heard = False
        self._counted: Used | None = None
        self._bytes_counted = 0
        self._id = secrets.token_hex(8)
        self._reserved = 0
        self._held: dict[Allowance, Amount] = {}
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    @property
    def used(self) -> Used:
        """As the server counted, and what it said since as estimated; nothing where the request failed."""
        if not self._heard:
            return Used()
        if self._counted is None:
            return Used(self._prompt, self._completion, estimated=True)
        since = math.ceil((self._bytes - self._bytes_counted) / tokens.BYTES)
        return Used(self._counted.prompt, self._counted.completion + since, estimated=since > 0)

    async def begin(self) -> None:
        """Reserve the prompt and a first piece. Raises `LimitReached`."""
        await self._reserve(least=LEAST, wish=STEP)

    async def heard(self, chunk: "ChatCompletionChunk") -> None:
        """Count what the model said. Raises `LimitReached` where the answer must end here."""
        if not self._heard:
            self._heard = True
            metrics.MODEL_FIRST_SECONDS.labels(self._model).observe(self._loop.time() - self._began)
        for choice in chunk.choices or ():
            self._bytes += _said(choice.delta) if choice.delta else 0
        if chunk.usage:
            self._count(chunk.usage)
        self._completion = math.ceil(self._bytes / tokens.BYTES)
        if self._completion > self._reserved:
            await self._reserve(least=self._completion, wish=self._completion + STEP)

    def _count(self, usage: "CompletionUsage") -> None:
        """Take what the server counted up to here: OpenAI's tells it in the last chunk, others in every one
        or in parts, and none of their numbers becomes smaller."""
        before = self._counted or Used()
        self._counted = Used(
            max(before.prompt, usage.prompt_tokens or 0), max(before.completion, usage.completion_tokens or 0)
        )
        self._bytes_counted = self._bytes

    async def end(self) -> None:
        """Settle what was used. While the store is away that is lost, and the reservation ends by itself."""
        prompt, completion = self.used.prompt, self.used.completion
        used = Amount(prompt + completion, self._price.of(prompt, completion))
        metrics.MODEL_TOKENS.labels(self._model, "prompt").inc(prompt)
        metrics.MODEL_TOKENS.labels(self._model, "completion").inc(completion)
        metrics.MODEL_COST.labels(self._model).inc(used.cost / 1_000_000)
        for allowance in self._held:
            try:
                await self._store.settle(allowance.budget, self._id, used)
            except ProductFloError as error:
                log.warning("What %s used was not counted: %s", self._meter.assistant, error)

    @property
    def _store(self) -> BudgetStore:
        assert self._meter.store is not None  # noqa: S101 - whoever gives allowances gives the store
        return self._meter.store

    async def _reserve(self, least: int, wish: int) -> None:
        """Reserve so many tokens of an answer in all budgets, or as many as are left, or raise."""
        for _ in range(TRIES):
            amount = Amount(self._prompt + wish, self._price.of(self._prompt, wish))
            over = await self._reserve_all(amount)
            if over is None:
                self._reserved = wish
                return
            allowance, left = over
            possible = self._affordable(left, wish)
            if possible < least:
                break
            wish = possible
        raise allowance.used_up(left, amount)

    async def _reserve_all(self, amount: Amount) -> tuple[Allowance, Left] | None:
        """Reserve in all budgets, or in none more than before; the one that has too little."""
        before = dict(self._held)
        for allowance in self._meter.allowances:
            seconds = self._meter.seconds + MARGIN
            # Noted before it is asked for: an answer that was lost may have been a yes.
            self._held.setdefault(allowance, Amount())
            left = await self._store.reserve(allowance.budget, self._id, amount, seconds)
            if left is not None:
                for one, old in before.items():
                    await self._store.reserve(one.budget, self._id, old, seconds)
                return allowance, left
            self._held[allowance] = amount
        return None

    def _affordable(self, left: Left, wish: int) -> int:
        """Tokens of an answer, at most those wished for, that can be had of what is left; -1 for none."""
        count = math.inf if left.tokens is None else left.tokens - self._prompt
        rest = math.inf if left.cost is None else left.cost - self._price.of(self._prompt, 0)
        money = rest / self._price.completion if self._price.completion else (math.inf if rest >= 0 else -1)
        return int(max(-1, min(count, money, wish)))


def tokens_of_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    """The same of a conversation, as it is sent."""
    return sum(
        tokens.OF_A_MESSAGE
        + _tokens_of(one.get("content"))
        + tokens.estimate(str(one.get("tool_calls") or ""))
        for one in messages
    )


def _tokens_of(content: object) -> int:
    if isinstance(content, list):
        texts = [str(part["text"]) for part in content if part.get("type") == "text"]
        return sum(map(tokens.estimate, texts)) + TOKENS_AN_IMAGE * (len(content) - len(texts))
    return tokens.estimate(str(content or ""))


def _said(delta: Any) -> int:
    """Bytes of all that a chunk says: text, thoughts where a server shows them, arguments of tools."""
    texts = [delta.content, getattr(delta, "reasoning_content", None), getattr(delta, "reasoning", None)]
    texts += [call.function.arguments for call in delta.tool_calls or () if call.function]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts if isinstance(text, str))
