"""What is added up is what prometheus_client would have counted itself."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from productflo.tallies import DELAY, Spread, Tally, tell, tell_regularly

AMOUNTS = (0.0, 0.0009765625, 0.25, 0.5, 0.75, 2.0, 96.0, 0.25)  # Sums of these are exact.


def told(registry: CollectorRegistry) -> list[str]:
    """What is scraped, without when each began."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def test_a_spread_is_observed_as_its_histogram_would() -> None:
    """Each bucket, the sum and the count; what lies on a bound counts to the bucket below it."""
    added, observed = CollectorRegistry(), CollectorRegistry()
    buckets = (0.25, 0.5, 1.0)
    spread = Spread(Histogram("seconds", "Some.", buckets=buckets, registry=added))
    histogram = Histogram("seconds", "Some.", buckets=buckets, registry=observed)
    for amount in AMOUNTS:
        spread.observe(amount)
        histogram.observe(amount)
        histogram.observe(amount)
    tell()
    for amount in AMOUNTS:
        spread.observe(amount)
    tell()
    tell()
    assert told(added) == told(observed)


async def test_what_was_counted_is_told_while_somebody_runs_and_at_the_end() -> None:
    """Within the delay, and what came since when it is cancelled."""
    registry = CollectorRegistry()
    tally = Tally(Counter("words", "Some.", registry=registry))
    telling = asyncio.create_task(tell_regularly())
    tally.inc()
    tally.inc(2)
    assert registry.get_sample_value("words_total") == 0
    await asyncio.sleep(2 * DELAY)
    assert registry.get_sample_value("words_total") == 3
    tally.inc()
    telling.cancel()
    await asyncio.wait({telling})
    assert registry.get_sample_value("words_total") == 4
