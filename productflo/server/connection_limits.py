"""How many connections there may be, of the process, of an address and of a user, and how fast they may come.

Each web process counts its own. Loopback is nobody's address (a proxy's clients all come from there), and is
held to the process's limit only.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from productflo import metrics
from productflo.domain.rates import Rate
from productflo.errors import RateLimited, ServerFull, TooManyConnections
from productflo.network import is_loopback
from productflo.server.hub import Hub
from productflo.server.rate_limits import Buckets

WAIT = 10.0
"""Seconds that a client is told to wait where too many are open. (Dead ones are noticed within 35.)"""


@dataclass(slots=True)
class ConnectionLimits:
    """The limits as the operator set them. `now` gives seconds that never go back."""

    hub: Hub
    handshakes: Rate
    per_process: int
    per_address: int
    per_user: int
    now: Callable[[], float] = time.monotonic
    _coming: Buckets = field(init=False)

    def __post_init__(self) -> None:
        self._coming = Buckets(self.handshakes)

    def admit(self, address: str) -> None:
        """Count a handshake, before it is answered. Raises `ServerFull`, and `RateLimited` for an address."""
        if len(self.hub.connections) >= self.per_process:
            metrics.HANDSHAKES_REFUSED.labels("process").inc()
            raise ServerFull("This server has as many connections as it takes", retry_after=WAIT)
        if not address or is_loopback(address):
            return
        wait = self._coming.take(address, self.now())
        if not wait and self.hub.addresses[address] >= self.per_address:
            wait = WAIT
        if wait:
            metrics.HANDSHAKES_REFUSED.labels("address").inc()
            raise RateLimited(f"Too many connections from {address}", retry_after=wait)

    def arrive(self, user: str) -> None:
        """A connection says whose it is. Raises `TooManyConnections`: it must be closed, the older stay."""
        if self.hub.devices[user] >= self.per_user:
            metrics.HANDSHAKES_REFUSED.labels("user").inc()
            raise TooManyConnections(
                f"{user} has {self.per_user} connections to this server already. Close one of them first."
            )
