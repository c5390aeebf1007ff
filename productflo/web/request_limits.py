"""How many HTTP requests a user, or an address that does not say who it is, may make.

What costs nothing (the page, the descriptions) and what operators ask is not counted, and neither is a
service. Signing in has limits of its own beside this one (`service.accounts`).
"""

import time
from dataclasses import dataclass, field

from quart import Request

from productflo import metrics
from productflo.domain.rates import Rate
from productflo.errors import ProductFloError, RateLimited
from productflo.network import is_loopback
from productflo.server.rate_limits import Buckets
from productflo.web.address import Proxies
from productflo.web.guard import Guard

COUNTED = frozenset({"rooms", "teams", "files", "sessions", "login", "broadcast"})
"""The blueprints whose routes read or write the store."""


@dataclass(slots=True)
class RequestLimits:
    """Counts the requests of this process."""

    guard: Guard
    proxies: Proxies
    rate: Rate
    _buckets: Buckets = field(init=False)

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.rate)

    def take(self, call: Request) -> None:
        """Count a request, before its body is read. Raises `RateLimited`."""
        if call.blueprint not in COUNTED:
            return
        scope, key = self._caller(call)
        if key is not None and (wait := self._buckets.take(f"{scope} {key}", time.monotonic())):
            metrics.RATE_LIMITED.labels(scope).inc()
            raise RateLimited("Too many requests. Nothing was done: try again shortly.", retry_after=wait)

    def _caller(self, call: Request) -> tuple[str, str | None]:
        """Whose count a request is; None for a service, and for nobody on loopback."""
        try:
            identity = self.guard.identify(call)
        except ProductFloError:
            identity = None  # The route says what is wrong.
        if identity is not None:
            return "user", None if identity.operator else identity.user_id
        address = self.proxies.address(call)
        return "address", None if not address or is_loopback(address) else address
