"""One assistant's post in a worker: where it is wanted, and its turns there.

Where to look comes from four sides: new wake-ups, wake-ups that another worker left unfinished, a sweep over
the assistant's rooms, and leases of others that should have ended. All end in the same place: take the lease,
and answer what the log holds after the cursor.
"""

import asyncio
import logging
from dataclasses import dataclass

from redis.exceptions import RedisError

from assistants.held import HeldRooms
from assistants.registry import Ready
from assistants.services import Services
from assistants.slots import Slots
from assistants.turn import Turn, TurnEnd
from productflo.errors import LeaseLost, NotFound, ProductFloError
from productflo.store.presence import USUAL_PACE as PRESENCE_PACE
from productflo.store.ready import IDLE, ReadyStream, WakeUp
from productflo.store.refusals import note
from productflo.store.runs import Held
from productflo.store.slots import SlotStore

log = logging.getLogger(__name__)

SWEEP = 30.0
"""Seconds between sweeps: how long a question waits whose wake-up was lost, with a crash of the store."""
SWEEP_PAGE = 500
"""Rooms looked at in one pipeline: a few milliseconds of the store."""
REREAD = 1.0
"""Seconds between looks at the operator's files: a change counts after two, which nobody waits for long."""
RETRY = 1.0
"""Seconds until something that the store did not answer is tried again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker looks, in seconds.

    `idle` is the age at which another's wake-up is taken over; `reread` the time between looks at the
    operator's files.
    """

    idle: float = IDLE
    sweep: float = SWEEP
    beat: float = PRESENCE_PACE.beat
    reread: float = REREAD


class Post:
    """Looks for the rooms that want the assistant. `tasks` owns its turns, which outlive the looking.

    `ready` is the assistant as it begins its next turn, and its limits for the next slot that is taken.
    """

    def __init__(
        self, services: Services, ready: Ready, worker: str, pace: Pace, tasks: asyncio.TaskGroup
    ) -> None:
        self.stream = ReadyStream(services.rooms.redis, ready.assistant.id, worker, pace.idle)
        self.turns: set[asyncio.Task[None]] = set()
        self._services = services
        self.ready = ready
        self._worker = worker
        self._pace = pace
        self._tasks = tasks
        store = SlotStore(services.rooms.redis, services.runs.lease)
        self._slots = Slots(store, self.assistant, worker, lambda: self.ready.assistant.limits.at_once)
        tasks.create_task(self._slots.run())
        self._reclaimed_at = float("-inf")
        self._held = HeldRooms()

    @property
    def assistant(self) -> str:
        """The assistant's id."""
        return self.ready.assistant.id

    def be(self, ready: Ready) -> None:
        """Begin the next turn as the operator wants the assistant now."""
        self.ready = ready
        self._slots.look_again()

    def close(self) -> None:
        """Nobody looks for work any more; the turns that have begun go on."""
        self._slots.close()

    async def listen(self) -> None:
        """Take wake-ups, until cancelled; none is taken while all slots are in use."""
        opened = False
        while True:
            await self._slots.take()
            wake_up: WakeUp | None = None
            try:
                if not opened:
                    await self.stream.open()
                    opened = True
                wake_up = await self._next()
            except ProductFloError as error:
                note(error)
                await asyncio.sleep(RETRY)
            finally:
                if wake_up is None:
                    self._slots.give_back()
            if wake_up is not None:
                self._begin(wake_up.room, wake_up)

    async def sweep(self) -> None:
        """Look into the rooms that have something new, whatever became of their wake-ups."""
        rooms = await self._services.rooms.rooms_of(self.assistant)
        for at in range(0, len(rooms), SWEEP_PAGE):
            for room in await self._services.runs.behind(self.assistant, rooms[at : at + SWEEP_PAGE]):
                await self._slots.take()
                self._begin(room, None)
        await self.stream.forget_the_gone()

    async def succeed(self) -> None:
        """Look into rooms again when another's lease should have ended, until cancelled."""
        while True:
            room = await self._held.next()
            await self._slots.take()
            self._begin(room, None)

    async def _next(self) -> WakeUp | None:
        now = asyncio.get_running_loop().time()
        if now - self._reclaimed_at >= self._pace.idle / 4:
            self._reclaimed_at = now
            if wake_up := await self.stream.reclaim():
                self._reclaimed_at = float("-inf")  # There may be more.
                return wake_up
        return await self.stream.next()

    def _begin(self, room: str, wake_up: WakeUp | None) -> None:
        """Look into a room beside the others; the slot that the caller took is given back at the end."""
        turn = self._tasks.create_task(self._look(room, wake_up))
        self.turns.add(turn)
        turn.add_done_callback(self._ended)

    def _ended(self, turn: asyncio.Task[None]) -> None:
        self.turns.discard(turn)
        self._slots.give_back()

    async def _look(self, room: str, wake_up: WakeUp | None) -> None:
        """Deal with a room, and with the wake-up that named it. Whatever goes wrong in it stays in it."""
        try:
            if await self._deal_with(room, wake_up) and wake_up:
                await self.stream.done(wake_up)
        except LeaseLost as error:
            log.info("%s", error)  # The wake-up is the new holder's.
        except (ProductFloError, RedisError) as error:
            note(error)
        except Exception:
            log.exception("%s failed in %s; it looks again in %g s", self.assistant, room, self._pace.idle)

    async def _deal_with(self, room: str, wake_up: WakeUp | None) -> bool:
        """Answer what there is; whether the wake-up has served.

        While another holds the lease a new wake-up has served, because the holder looks at the log again
        before it gives the lease back. One that was left unfinished may be the holder's own: it stays, and
        the room is looked into again at the end of the lease, as one that a sweep finds held.
        """
        try:
            lease = await self._services.runs.acquire(room, self.assistant, self._worker)
        except NotFound:
            return True
        if isinstance(lease, Held):
            if wake_up is not None and not wake_up.reclaimed:
                return True
            self._held.note(room, lease.seconds)
            return False
        turn = Turn(
            self._services, lambda: self.ready.in_room(room), lease, self._tasks, self._keeping(wake_up)
        )
        if await turn.run() is TurnEnd.HANDED_OVER:
            await self.stream.wake(room)
        return True

    def _keeping(self, wake_up: WakeUp | None) -> "_Keeping":
        return _Keeping(self.stream, wake_up, self._pace.idle / 3)


class _Keeping:
    """Keeps a wake-up from being taken for one that nobody deals with; called while the lease holds."""

    def __init__(self, stream: ReadyStream, wake_up: WakeUp | None, every: float) -> None:
        self._stream = stream
        self._wake_up = wake_up
        self._every = every
        self._kept_at = asyncio.get_running_loop().time()

    async def __call__(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._wake_up is None or now - self._kept_at < self._every:
            return
        self._kept_at = now
        try:
            await self._stream.keep(self._wake_up)
        except ProductFloError as error:
            log.debug("A wake-up was not kept: %s", error)
