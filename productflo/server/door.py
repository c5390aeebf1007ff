"""What a session needs of the rest of the server, built once by the composition root."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from productflo.server.connection_limits import ConnectionLimits
from productflo.server.heartbeat import Heartbeat
from productflo.server.hub import Hub
from productflo.server.rate_limits import RateLimits
from productflo.server.replay import Replay
from productflo.server.roster import Rosters
from productflo.service.attendance import Attendance
from productflo.service.chat import Chat
from productflo.service.clock import Clock
from productflo.service.history import History
from productflo.service.membership import Membership
from productflo.service.receipts import Receipts
from productflo.service.requests import Requests
from productflo.service.revisions import Revisions
from productflo.service.runs import Runs


class Tasks(Protocol):
    """Owns what goes on beside a session's reading; its process does."""

    def create_task(self, work: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        """Do this meanwhile. A fault in it ends the session's connection."""


@dataclass(frozen=True, slots=True)
class Door:
    """The use cases behind the WebSocket. `reserved` tells whether an id belongs to an assistant."""

    hub: Hub
    rates: RateLimits
    connections: ConnectionLimits
    replay: Replay
    rosters: Rosters
    chat: Chat
    requests: Requests
    revisions: Revisions
    membership: Membership
    history: History
    receipts: Receipts
    attendance: Attendance
    heartbeat: Heartbeat
    runs: Runs
    clock: Clock
    reserved: Callable[[str], bool]
