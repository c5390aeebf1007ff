"""What models cost, as the operator says it. All amounts of money are in the currency of these prices."""

import math
import re
from dataclasses import dataclass, field

_WRITTEN = re.compile(r"(?P<model>[^=,\s]+)=(?P<prompt>\d+(?:\.\d+)?)/(?P<completion>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost; so a token costs as many millionths."""

    prompt: float
    completion: float

    def of(self, prompt: int, completion: int) -> int:
        """In millionths, rounded up."""
        return math.ceil(prompt * self.prompt + completion * self.completion)


FREE = Price(0, 0)


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices by the names of models."""

    prices: dict[str, Price] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "PriceList":
        """`gpt-5-mini=0.25/2, gpt-5=1.25/10`: read and written, a million tokens. Raises `ValueError`."""
        prices = {}
        for one in filter(None, map(str.strip, text.split(","))):
            written = _WRITTEN.fullmatch(one)
            if written is None:
                raise ValueError(
                    f"{one!r}: must be MODEL=PROMPT/COMPLETION, a million tokens each, as gpt-5-mini=0.25/2"
                )
            prices[written["model"]] = Price(float(written["prompt"]), float(written["completion"]))
        return cls(prices)

    def __str__(self) -> str:
        """As `parse` reads it."""
        return ", ".join(f"{model}={one.prompt:g}/{one.completion:g}" for model, one in self.prices.items())


NO_PRICES = PriceList()
