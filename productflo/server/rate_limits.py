"""How much a client may send: by its connection, its user and its address.

Each web process counts for itself: a user with connections to N of them gets N times the rate, at most. That
is enough to keep one client from harming the others, costs no round trip, and works while the store is away.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from productflo import metrics
from productflo.domain.rates import Rate
from productflo.errors import (
    CodeRequired,
    ProductFloError,
    RateLimited,
    RoomRequired,
    TooManyConnections,
    UnsupportedCode,
    ValidationFailed,
)
from productflo.network import is_loopback
from productflo.protocol.codes import Code

BYTES = Rate(4_194_304, 33_554_432)
"""What one connection may send in bytes: 4 MiB a second is far more than people write, and little enough to
parse beside the others' envelopes. It is not refused beyond, but read more slowly."""
HAMMERING = Rate(50, 1_000)
"""Refusals of one connection: a client that goes on as if it had not been refused is closed. A whole outbox
that was sent at once, and a few tries of each message again, stay below."""
LEAST_WAIT = 1.0
"""Seconds that a refused client is told to wait at least: sooner is not worth the way."""
FEWEST_KEPT = 1_024
"""Buckets below which nobody looks for those that are full again: 100 KB."""

_MALFORMED = (CodeRequired, RoomRequired, UnsupportedCode, ValidationFailed)
_PASSING = frozenset({Code.TYPING, Code.PRESENCE, Code.READ_RECEIPT})


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits as the operator set them. `chats` are all changes, `typing` all that passes."""

    connection: Rate
    address: Rate
    chats: Rate
    historic: Rate
    typing: Rate
    malformed: Rate


class Buckets:
    """A bucket for each key; those that are full again are forgotten, so that there are only those in use."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at: dict[str, float] = {}
        self._look_at = FEWEST_KEPT

    def take(self, key: str, now: float) -> float:
        """Take one: 0, or the seconds to wait for it."""
        self._full_at[key], wait = self._rate.take(self._full_at.get(key, 0.0), now)
        if len(self._full_at) > self._look_at:
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
            self._look_at = max(FEWEST_KEPT, 2 * len(self._full_at))
        return wait

    def __len__(self) -> int:
        return len(self._full_at)


class RateLimits:
    """The limits of all connections of this process. `now` gives seconds that never go back."""

    def __init__(self, rates: Rates, now: Callable[[], float] = time.monotonic) -> None:
        self.rates = rates
        self.now = now
        self.addresses = Buckets(rates.address)
        self.chats = Buckets(rates.chats)
        self.historic = Buckets(rates.historic)
        self.typing = Buckets(rates.typing)
        self._messages = self.chats, "messages"
        self._others: dict[str, tuple[Buckets, str] | None] = {
            Code.PING: None,
            Code.HISTORIC: (self.historic, "pages of history"),
            **dict.fromkeys(_PASSING, (self.typing, "notices")),
        }

    def allowance(self, address: str) -> "Allowance":
        """What one connection may send. Loopback is nobody's address: all clients of a proxy come from it."""
        return Allowance(self, None if not address or is_loopback(address) else address)

    def take(self, code: object, user: str, now: float) -> None:
        """Count an envelope of a user. Raises `RateLimited`."""
        kind = self._others.get(code, self._messages) if isinstance(code, str) else None
        if kind is not None and (wait := kind[0].take(user, now)):
            raise _limited("user", f"Too many {kind[1]} by {user}", wait)


@dataclass(slots=True)
class Allowance:
    """What one connection may still send."""

    limits: RateLimits
    address: str | None
    _envelopes: float = field(default=0.0, init=False)
    _bytes: float = field(default=0.0, init=False)
    _malformed: float = field(default=0.0, init=False)
    _refused: float = field(default=0.0, init=False)

    def pause(self, size: int) -> float:
        """How many seconds to wait before so many bytes are looked at: the socket is not read meanwhile."""
        self._bytes, wait = BYTES.charge(self._bytes, self.limits.now(), size)
        return wait

    def take(self, code: object, user: str | None) -> None:
        """Count an envelope, before it is looked at any closer. Raises `RateLimited`.

        `user` is None as long as nobody knows who speaks.
        """
        limits, now = self.limits, self.limits.now()
        self._envelopes, wait = limits.rates.connection.take(self._envelopes, now)
        if wait:
            raise _limited("connection", "Too much at once on this connection", wait)
        if self.address is not None and (wait := limits.addresses.take(self.address, now)):
            raise _limited("address", "Too much at once from your address", wait)
        if user is not None:
            limits.take(code, user, now)

    def spent(self, error: ProductFloError) -> str | None:
        """Count an envelope that was refused: why the connection must end, where it must."""
        now = self.limits.now()
        if isinstance(error, TooManyConnections):
            return error.message
        if isinstance(error, RateLimited):
            self._refused, over = HAMMERING.take(self._refused, now)
            return "too many envelopes; wait as retry_after says" if over else None
        if isinstance(error, _MALFORMED):
            self._malformed, over = self.limits.rates.malformed.take(self._malformed, now)
            return "too many malformed envelopes; mend the client" if over else None
        return None


def _limited(scope: str, what: str, wait: float) -> RateLimited:
    metrics.RATE_LIMITED.labels(scope).inc()
    wait = max(LEAST_WAIT, round(wait, 3))
    return RateLimited(f"{what}. Nothing was done: try again in {wait:g} s.", retry_after=wait)
