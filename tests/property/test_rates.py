"""Rates: what is let through is what was promised, whatever the pattern of the asking."""

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productflo.domain.rates import EXACTLY, Rate

RATES = st.builds(Rate, st.floats(0.1, 1000), st.integers(1, 1000))
TIMES = st.lists(st.floats(0, 30), min_size=1, max_size=200).map(lambda pauses: list(accumulate(pauses)))


@given(RATES, TIMES)
def test_no_stretch_of_time_lets_more_through(rate: Rate, times: list[float]) -> None:
    """Between any two moments at most the burst, and what the time between them is worth."""
    full_at, let_through = 0.0, []
    for now in times:
        full_at, wait = rate.take(full_at, now)
        if not wait:
            let_through.append(now)
    for at, first in enumerate(let_through):
        for count, last in enumerate(let_through[at:], 1):
            assert count <= rate.burst + (last - first + EXACTLY) * rate.per_second + 1e-6


@given(RATES, st.floats(0, 1e6), st.integers(1, 3000))
def test_who_waits_as_told_is_let_through(rate: Rate, now: float, asked: int) -> None:
    """And not a moment before: what is refused costs nothing, however often it is asked."""
    full_at = 0.0
    for _ in range(asked):
        full_at, wait = rate.take(full_at, now)
    _, wait = rate.take(full_at, now)
    assert (wait > 0) == (asked >= rate.burst)
    assert wait <= 1 / rate.per_second + EXACTLY
    assert rate.take(full_at, now + wait)[1] == 0
    if wait > 2e-3:
        assert rate.take(full_at, now + wait - 1e-3)[1] > 0


@given(RATES, st.integers(1, 500))
def test_who_keeps_to_the_rate_is_never_refused(rate: Rate, count: int) -> None:
    """With a bucket that was emptied at the start."""
    full_at = rate.burst / rate.per_second
    for number in range(1, count):
        full_at, wait = rate.take(full_at, number / rate.per_second)
        assert not wait


@given(RATES, TIMES)
def test_a_bucket_that_is_full_may_be_forgotten(rate: Rate, times: list[float]) -> None:
    """It lets through what one that was never used lets through."""
    full_at = 0.0
    for now in times:
        if full_at <= now:
            assert rate.take(full_at, now) == rate.take(0.0, now)
        full_at, _ = rate.take(full_at, now)


@given(RATES, st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5000)), min_size=1, max_size=50))
def test_what_is_paced_keeps_to_the_rate(rate: Rate, asked: list[tuple[float, float]]) -> None:
    """Who takes in any case, and waits as told, has had no more than the burst and the time's worth."""
    now = full_at = taken = 0.0
    for pause, cost in asked:
        now += pause
        full_at, wait = rate.charge(full_at, now, cost)
        now += wait
        taken += cost
        assert taken <= rate.burst + (now + EXACTLY) * rate.per_second * (1 + 1e-9)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/s", Rate(20, 20)),
        ("0.5/s", Rate(0.5, 1)),
        ("90/min burst 200", Rate(1.5, 200)),
        ("7200/h", Rate(2, 7200)),
        ("off", Rate(math.inf, 1)),
    ],
)
def test_rates_are_read_as_they_are_written(text: str, rate: Rate) -> None:
    """And written so that they can be read again."""
    assert Rate.parse(text) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "20", "20/d", "0/s", "-1/s", "20/s burst 0", "20/s burst", "20 /s", "inf/s"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    """With the forms that there are."""
    with pytest.raises(ValueError, match="20/s burst 100"):
        Rate.parse(text)


def test_off_refuses_nothing() -> None:
    """However much it is."""
    off, full_at = Rate.parse("off"), 0.0
    for _ in range(10_000):
        full_at, wait = off.take(full_at, 5.0, 1e9)
        assert not wait
