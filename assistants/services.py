"""What the turns of a worker share."""

import asyncio
from dataclasses import dataclass

from assistants.performance import Performances
from assistants.ports import Model, Pages
from assistants.stops import Stops
from productflo.domain.bursts import BURST
from productflo.service.approvals import Approvals
from productflo.service.attendance import Attendance
from productflo.service.chat import Chat
from productflo.service.clock import Clock
from productflo.service.files import Files
from productflo.service.receipts import Receipts
from productflo.store.bus import Bus
from productflo.store.kept import KeptStore
from productflo.store.log import Log
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profiles
from productflo.store.rooms import Rooms
from productflo.store.runs import RunStore


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one worker, on one store.

    `extracting` bounds how many files are read at the same time; `burst` is in seconds, as
    `domain.bursts.BURST`.
    """

    log: Log
    rooms: Rooms
    presence: PresenceStore
    chat: Chat
    attendance: Attendance
    receipts: Receipts
    bus: Bus
    runs: RunStore
    model: Model
    stops: Stops
    performances: Performances
    clock: Clock
    files: Files
    pages: Pages
    profiles: Profiles
    kept: KeptStore
    approvals: Approvals
    extracting: asyncio.Semaphore
    burst: float = BURST
