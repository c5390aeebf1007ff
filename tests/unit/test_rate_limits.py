"""Rate limits: whose count an envelope is, what is forgiven, and what is kept."""

import pytest

from productflo.domain.rates import Rate
from productflo.errors import NotFound, RateLimited, ValidationFailed
from productflo.server.rate_limits import FEWEST_KEPT, HAMMERING, Allowance, Buckets, RateLimits, Rates

TWO = Rate(1, 2)
OFF = Rate.parse("off")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def limits(clock: Clock, **rates: Rate) -> RateLimits:
    """No limits but these."""
    every = dict.fromkeys(("connection", "address", "chats", "historic", "typing", "malformed"), OFF)
    return RateLimits(Rates(**{**every, **rates}), clock)


def refused(allowance: Allowance, code: object = "chat", user: str | None = "ada") -> float | None:
    """The seconds to wait, None where it is let through."""
    try:
        allowance.take(code, user)
    except RateLimited as error:
        return error.retry_after
    return None


def test_a_user_s_connections_count_together() -> None:
    """And another user's do not; who is refused is let through after the time that was told."""
    clock = Clock()
    all_of = limits(clock, chats=TWO)
    tab, phone = all_of.allowance("192.0.2.1"), all_of.allowance("192.0.2.2")
    assert [refused(tab), refused(phone), refused(tab)] == [None, None, 1.0]
    assert refused(tab, user="bob") is None
    clock.time += 1.0
    assert [refused(phone), refused(tab)] == [None, 1.0]


@pytest.mark.parametrize(
    ("limit", "codes", "others"),
    [
        ("chats", ["chat", "join", "edit", "made_up"], ["historic", "typing", "ping", None, {}]),
        ("historic", ["historic"], ["chat", "typing", "ping"]),
        ("typing", ["typing", "presence", "read_receipt"], ["chat", "historic", "ping"]),
        ("connection", ["chat", "historic", "typing", "ping", None, 7], []),
        ("address", ["chat", "historic", "typing", "ping", None], []),
    ],
)
def test_each_limit_counts_its_codes(limit: str, codes: list[object], others: list[object]) -> None:
    """A chat is not refused because of what somebody typed, and the reverse."""
    allowance = limits(Clock(), **{limit: TWO}).allowance("192.0.2.1")
    for number, code in enumerate([*codes, *codes, *codes]):
        assert (refused(allowance, code) is None) == (number < 2)
    assert [refused(allowance, code) for code in others] == [None] * len(others)


def test_loopback_is_nobody_s_address() -> None:
    """A proxy's clients, who all come from there, are not held to what one may send."""
    all_of = limits(Clock(), address=TWO)
    for address in ("127.0.0.1", "::1", ""):
        assert [refused(all_of.allowance(address)) for _ in range(9)] == [None] * 9
    assert [refused(all_of.allowance("192.0.2.1")) for _ in range(3)] == [None, None, 1.0]


def test_one_who_speaks_for_nobody_yet_counts_for_the_connection() -> None:
    """On an open server the first envelope says who speaks."""
    allowance = limits(Clock(), chats=TWO, connection=Rate(1, 5)).allowance("")
    assert [refused(allowance, user=None) for _ in range(6)] == [None] * 5 + [1.0]


def test_malformed_envelopes_end_the_connection_only_without_end() -> None:
    """Typos are forgiven; errors that are not the envelope's form do not count."""
    clock = Clock()
    allowance = limits(clock, malformed=TWO).allowance("")
    typo = ValidationFailed("no", field="data")
    assert [allowance.spent(NotFound("no")) for _ in range(9)] == [None] * 9
    assert [allowance.spent(typo), allowance.spent(typo)] == [None, None]
    assert "malformed" in (allowance.spent(typo) or "")
    clock.time += 1
    assert allowance.spent(typo) is None


def test_hammering_ends_the_connection() -> None:
    """One who waits as told is never at that point."""
    clock = Clock()
    allowance = limits(clock).allowance("")
    refusal = RateLimited("wait", retry_after=1)
    assert [allowance.spent(refusal) for _ in range(HAMMERING.burst)] == [None] * HAMMERING.burst
    assert "retry_after" in (allowance.spent(refusal) or "")
    clock.time += 60
    assert allowance.spent(refusal) is None


def test_bytes_slow_down_and_refuse_nothing() -> None:
    """A few large messages are taken at once; who goes on is read at the rate."""
    clock = Clock()
    allowance = limits(clock).allowance("")
    assert [allowance.pause(262_144) for _ in range(128)] == [0.0] * 128
    clock.time += allowance.pause(4_194_304)
    assert clock.time == 1001.0


def test_only_buckets_in_use_are_kept() -> None:
    """A million users who each said a word once cost nothing afterwards."""
    buckets = Buckets(Rate(1, 100))
    for number in range(50 * FEWEST_KEPT):
        assert buckets.take(f"user{number}", now=number / FEWEST_KEPT) == 0
    assert len(buckets) <= 3 * FEWEST_KEPT
