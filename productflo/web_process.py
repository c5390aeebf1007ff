"""What runs beside the routes of a web process, from its start to its last socket."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from random import uniform

from redis.exceptions import RedisError

from productflo.blobs.local import LocalBlobs
from productflo.protocol.codes import CloseCode
from productflo.server.heartbeat import Heartbeat
from productflo.server.hub import Hub
from productflo.server.relay import Relay
from productflo.server.self_check import takes_over
from productflo.server.sessions import Sessions
from productflo.server.upgrade import Upgrade
from productflo.service.provider import Provider
from productflo.service.receipts import Receipts
from productflo.service.wakeups import Wakeups
from productflo.store.bus import Bus
from productflo.store.client import Client, close
from productflo.store.log import Log
from productflo.store.outage import OUTAGE
from productflo.store.retention import Sweep

log = logging.getLogger(__name__)

FIRST_WORD = 5.0
"""Seconds that the start waits for the store to listen with."""
STORE_LOOK = 0.2
"""Seconds between two looks at a store that does not answer at the start."""
LEAVE_WITHIN = 5.0
"""Seconds that sessions have for their end when the process stops."""
RECONNECT_WITHIN = 3.0
"""Seconds over which the clients of a stopping process spread their return."""


@dataclass(slots=True)
class WebProcess:
    """What runs beside the routes; `app.extensions["productflo"]`."""

    redis: Client
    blobs: LocalBlobs
    log: Log
    sweep: Sweep
    bus: Bus
    hub: Hub
    sessions: Sessions
    upgrade: Upgrade
    relay: Relay
    heartbeat: Heartbeat
    receipts: Receipts
    wakeups: Wakeups
    provider: Provider | None = None
    draining: bool = False
    _running: asyncio.Task[None] | None = field(default=None, repr=False)

    async def ready(self) -> None:
        """Return once the store answers; say, once, what is waited for."""
        told = False
        while True:
            try:
                await self.redis.ping()
            except RedisError as error:
                if not told:
                    log.warning("The store does not answer yet: %s", error)
                told = True
                await asyncio.sleep(STORE_LOOK)
            else:
                return

    async def announce_stop(self, seconds: float) -> None:
        """Be not ready, and go on for so long, so that balancers notice; no longer than there is work."""
        self.draining = True
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=seconds)

    async def drain(self) -> None:
        """Close every socket with 1012, and those that still come.

        Returns when none is left, or after `LEAVE_WITHIN`: mute peers are cut off sooner, but a store that is
        away may keep a session from ending.
        """
        self.hub.close_all(CloseCode.RESTART, _come_back)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self.sessions.all_closed()

    async def serving(self) -> AsyncGenerator[None, None]:
        """Run while Quart serves; after the last socket is gone, end."""
        await self.blobs.sweep()
        self.upgrade.own = self.upgrade.own and await takes_over()
        self._running = asyncio.create_task(self._run(), name="web process")
        self._running.add_done_callback(_fail_loudly)
        with suppress(TimeoutError):  # /readyz tells of a store that is away; sockets may come all the same
            await asyncio.wait_for(self.bus.heard(), FIRST_WORD)
        yield
        self._running.cancel()
        await asyncio.wait({self._running})
        await close(self.redis)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.log.run())
            tasks.create_task(self.sweep.run())
            tasks.create_task(self.sessions.run())
            tasks.create_task(self.relay.run())
            tasks.create_task(self.heartbeat.run())
            tasks.create_task(self.receipts.run())
            tasks.create_task(self.wakeups.run())
            tasks.create_task(OUTAGE.watch(self.redis))
            if self.provider is not None:
                tasks.create_task(self.provider.run())


def _come_back() -> str:
    """A close reason with a delay of its own for each client, so that they do not all return at once."""
    return f"retry_after={uniform(0.1, RECONNECT_WITHIN):.1f}"  # noqa: S311 - nobody gains by guessing it


def _fail_loudly(running: asyncio.Task[None]) -> None:
    """A process whose relay has failed must not go on as if it served: it stops, and is started again."""
    if not running.cancelled() and (error := running.exception()):
        log.critical("The web process failed and stops", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
