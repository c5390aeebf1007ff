"""Limits and prices as people write them."""

import pytest

from assistants.limits import UNLIMITED, Limits
from assistants.performance import in_words
from productflo.domain.prices import Price, PriceList
from productflo.domain.rates import Rate


def test_limits_as_they_are_written() -> None:
    """Those of a file; the rest is as it is without."""
    limits = Limits.parse({"timeout": 60, "per_room": "10/min", "per_user": "1000/day", "cost_per_day": 5})
    assert (limits.timeout, limits.per_room, limits.cost_per_day) == (60, Rate(10 / 60, 10), 5)
    assert limits.per_user == Rate(1000 / 86_400, 1000)
    assert limits.model_copy(update={"timeout": UNLIMITED.timeout}).tokens_per_day is None
    assert Limits.parse({}) == UNLIMITED


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"per_rom": "10/min"}, "limits.per_rom is not known; did you mean per_room?"),
        ({"money": 1}, "limits.money is not known; there are timeout, per_room, "),
        ({"per_room": "ten a minute"}, 'limits.per_room must be such as "5/s", "10/min"'),
        ({"per_room": 10}, 'limits.per_room must be written such as "10/min", not 10'),
        ({"timeout": 0}, "limits.timeout should be greater than 0, not 0"),
        ({"timeout": 4000}, "limits.timeout should be less than or equal to 3600, not 4000"),
        ({"tokens_per_day": 0}, "limits.tokens_per_day should be greater than or equal to 1, not 0"),
        ({"cost_per_day": float("inf")}, "limits.cost_per_day should be a finite number"),
        ({"max_hops": 99, "at_once": 0}, "limits.max_hops .*; limits.at_once "),
    ],
)
def test_a_mistake_is_named_with_its_fix(given: dict[str, object], told: str) -> None:
    """The field, and what to write instead."""
    with pytest.raises(ValueError, match=told):
        Limits.parse(given)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("10/min", "10 questions a minute"),
        ("1/h", "1 question an hour"),
        ("1000/day", "1000 questions a day"),
        ("5/s", "5 questions a second"),
    ],
)
def test_a_rate_for_people(rate: str, words: str) -> None:
    """In words, in the unit that it was written in."""
    assert in_words(Rate.parse(rate)) == words


def test_prices_as_they_are_written() -> None:
    """For a million tokens: so a token costs as many millionths."""
    prices = PriceList.parse("gpt-5-mini=0.25/2, qwen3:8b=0/0")
    assert prices.prices == {"gpt-5-mini": Price(0.25, 2), "qwen3:8b": Price(0, 0)}
    assert PriceList.parse(str(prices)) == prices
    assert prices.prices["gpt-5-mini"].of(1_000_000, 500_000) == 1_250_000
    assert prices.prices["gpt-5-mini"].of(1, 0) == 1


@pytest.mark.parametrize("text", ["gpt-5", "gpt-5=1", "gpt-5=1/x", "=1/2", "gpt-5=-1/2"])
def test_a_price_that_is_none(text: str) -> None:
    """Says how one is written."""
    with pytest.raises(ValueError, match="must be MODEL=PROMPT/COMPLETION"):
        PriceList.parse(text)
