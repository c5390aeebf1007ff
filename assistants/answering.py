"""One run of an assistant: its generator is read, what it says is shown and saved, and it can be ended.

An end from outside always has its reason before anything is cancelled, so that a cancelled task is never
taken for a person's stop.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from assistants.receipt import Receipt
from assistants.surrogates import mended
from productflo.domain.typing import RENEWAL as TYPING_RENEWAL
from productflo.errors import LeaseLost, ProductFloError
from productflo.protocol.inbound import MAX_TEXT
from productflo.store.runs import Lease

log = logging.getLogger(__name__)

GATHER = 0.04
"""Seconds that pieces are gathered after one was shown: 25 a second read as a flow."""
GATHER_STATUS = 0.1
"""Seconds that what an assistant says of its work is gathered after it was shown: nobody reads faster."""
SAVE = 0.25
"""Seconds between looks whether the text is to be saved, or the lease to be renewed since no save has done it
meanwhile; either finds a stop. Each is a flush of the store's disk, for which everybody's chats wait."""
SAVE_FIRST = 0.2
"""Seconds after a save from which the next piece is saved before it is shown; less than `SAVE`, so that in a
steady flow it is this save that happens."""
CERTAIN = 2.0
"""Seconds after the lease was renewed in which nobody else can have it: far less than a lease, and more than
a healthy worker needs to renew it again."""
CLOSE = 2.0
"""Seconds that an assistant gets to clean up when it was ended; one that takes longer is left behind."""
FINISH = 2.5
"""Seconds for an answer that has acted to come to its own end when its worker ends, since no other worker may
go on with it: less than the worker takes to end, with the time to write what was said."""


class Ending(Enum):
    """Why an answer was ended before its assistant was done."""

    STOPPED = auto()
    """Somebody in the room asked for it."""
    DEADLINE = auto()
    """Its time was over."""
    ASKED_ON = auto()
    """Who asked goes on: it begins anew, with the whole question."""
    TOO_LONG = auto()
    """It said more than a message holds."""
    LEASE = auto()
    """Another worker has it, or may have: the store has not been reached for as long as a lease."""
    SHUTDOWN = auto()
    """This worker ends; another one goes on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assistant said, and how it ended: by itself where neither `ending` nor `error` is set.

    `acted` tells that it may have changed something outside the room.
    """

    text: str
    ending: Ending | None = None
    stopped_by: str | None = None
    error: BaseException | None = None
    acted: bool = False


class Keeping(Protocol):
    """Where an answer under way is kept, as `RunStore` does it; a lease lasts `lease` seconds."""

    @property
    def lease(self) -> float: ...

    async def renew(self, lease: Lease) -> str | None:
        """Go on; who asked for a stop, if anybody did."""

    async def save(self, lease: Lease, text: str, index: int) -> str | None:
        """As `renew`, and keep the text up to a piece."""

    async def act(self, lease: Lease) -> None:
        """Note that the answer acts. Raises `LeaseLost`."""


class Showing(Protocol):
    """Where it is shown, as `Channel` does it."""

    async def typing(self, *, started: bool) -> None:
        """The assistant writes, or no longer."""

    async def piece(self, text: str, index: int) -> None:
        """The next piece."""

    async def status(self, receipt: Receipt) -> None:
        """What the receipt says of the work."""


class Answering:
    """An answer under way. `keep` is called with every save that found the lease intact.

    `tasks` owns the assistant's code, which may be left behind in it if it refuses to end.
    """

    def __init__(
        self,
        store: Keeping,
        lease: Lease,
        channel: Showing,
        receipt: Receipt,
        tasks: asyncio.TaskGroup,
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._lease = lease
        self._channel = channel
        self._receipt = receipt
        self._tasks = tasks
        self._keep_more = keep
        self._text = ""
        self._held = ""
        self._acted = False
        self._sent = 0
        self._index = -1
        self._saved = -1
        self._saved_at = float("-inf")
        self._held_at = asyncio.get_running_loop().time()
        self._changed = asyncio.Event()
        self._status_changed = asyncio.Event()
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[tuple[Ending, str | None]] = self._loop.create_future()

    def end(self, ending: Ending, by: str | None = None) -> None:
        """End the answer; the first reason counts.

        One that has acted gets a little time where the worker ends, and must not be ended for `ASKED_ON`.
        """
        if self._acted and ending is Ending.SHUTDOWN:
            self._loop.call_later(FINISH, self._end, ending, by)
        else:
            self._end(ending, by)

    def _end(self, ending: Ending, by: str | None) -> None:
        if not self._ended.done():
            self._ended.set_result((ending, by))

    @property
    def acted(self) -> bool:
        """Whether it may have changed something outside the room."""
        return self._acted

    async def act(self) -> None:
        """Note that something outside the room is about to be changed; the store knows it when this returns.

        Where the answer is being ended this does not return: it is cancelled. Raises `LeaseLost` or
        `StoreAway`: it must not be changed then.
        """
        if not self._ended.done():
            self._acted = True
            await self._store.act(self._lease)
        if self._ended.done():
            await self._loop.create_future()

    def show_status(self) -> None:
        """Show the room what the receipt says of the work."""
        self._status_changed.set()

    async def run(
        self, source: AsyncGenerator[str, None], seconds: float, excused: Callable[[], float] = lambda: 0.0
    ) -> Outcome:
        """Read the assistant to its end, or to an end from outside, at most so many seconds.

        `excused` tells how many seconds do not count, up to now: those in which a person had to decide. The
        generator is closed when this returns, unless it refuses to end. Cancelling closes it too.
        """
        reading = self._tasks.create_task(self._read(source))
        try:
            async with asyncio.TaskGroup() as beside:
                beside.create_task(self._show())
                beside.create_task(self._keep())
                beside.create_task(self._show_status())
                await self._wait(reading, seconds, excused)
                await self._close(reading)
                self._over.set()
                self._changed.set()
                self._status_changed.set()
        finally:
            reading.cancel()
        error = reading.result() if reading.done() and not reading.cancelled() else None
        ending, by = self._ended.result() if self._ended.done() else (None, None)
        return Outcome(self._text, ending, by, error, self._acted)

    async def _wait(
        self, reading: "asyncio.Task[BaseException | None]", seconds: float, excused: Callable[[], float]
    ) -> None:
        """Wait for an end, and make one when the time is over."""
        waiting: set[asyncio.Future[Any]] = {reading, self._ended}
        began = self._loop.time()
        while (left := began + seconds + excused() - self._loop.time()) > 0:
            done, _ = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return
        self.end(Ending.DEADLINE)

    async def _read(self, source: AsyncGenerator[str, None]) -> BaseException | None:
        """Take what the assistant says; the error that it raised, if it did, whatever that is."""
        try:
            async with aclosing(source):
                async for piece in source:
                    self._add(piece)
                    if self._ended.done():
                        break
                    await asyncio.sleep(0)  # An assistant that never waits must not hold up the others.
        except asyncio.CancelledError as error:
            if self._ended.done():
                raise
            return error
        except (Exception, SystemExit) as error:
            return error
        return None

    def _add(self, piece: object) -> None:
        if not isinstance(piece, str):
            raise TypeError(f"an assistant yields text, not {type(piece).__name__}")
        said = self._held + piece
        # Half of a surrogate pair, as models send an emoji in two chunks, waits for its other half.
        self._held = said[-1:] if "\ud800" <= said[-1:] <= "\udbff" else ""
        said = said[: len(said) - len(self._held)]
        self._text += mended(said)
        if len(self._text) > MAX_TEXT:
            self._text = self._text[:MAX_TEXT]
            self.end(Ending.TOO_LONG)
        self._changed.set()

    async def _close(self, reading: "asyncio.Task[BaseException | None]") -> None:
        """Wait for the assistant's end; it was told why if it did not come to it by itself."""
        for _ in range(2):  # Python 3.11 can lose a cancellation, see `cancelling.end`.
            if reading.done():
                return
            reading.cancel()
            await asyncio.wait({reading}, timeout=CLOSE / 2)
        if not reading.done():
            log.error("%s in %s refuses to end and is left behind", self._lease.assistant, self._lease.room)

    async def _show(self) -> None:
        """Publish what was said: the first piece at once, what follows gathered."""
        while not self._over.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._over.is_set():
                return  # The finished message is about to say it all.
            await self._send()
            await self._unless_over(GATHER)

    async def _send(self) -> None:
        """Show what is new.

        Now and then it is saved just before, so that whoever hears a piece without having heard those before
        it finds the text up to this very piece in the store, and can go on from there. The first has none
        before it, and people wait for it: it is saved just after, unless the lease may be another's by now.
        """
        try:
            if self._sent < len(self._text):
                end, index, now = len(self._text), self._index + 1, self._loop.time()
                due = now - self._saved_at >= SAVE_FIRST
                at_once = index == 0 and now - self._held_at < CERTAIN
                if due and not at_once:
                    await self._save(end, index)
                await self._channel.piece(self._text[self._sent : end], index)
                self._sent, self._index = end, index
                if due and at_once:
                    await self._save(end, index)
        except LeaseLost:
            self.end(Ending.LEASE)
        except ProductFloError as error:
            log.debug("%s: a piece was not shown: %s", self._lease.room, error)
            # Nobody knows what was heard: show everything again, in place of what stands there.
            self._sent, self._index, self._saved = 0, -1, -1
            self._changed.set()

    async def _show_status(self) -> None:
        """Publish what the receipt says, gathered, whenever it should be shown."""
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            if self._over.is_set():
                return
            await self._channel.status(self._receipt)
            await self._unless_over(GATHER_STATUS)

    async def _keep(self) -> None:
        """Renew the lease, save what was shown since, and look for a stop, until the answer is over."""
        kept = typed = self._loop.time()
        while not await self._unless_over(SAVE):
            try:
                if self._index > self._saved or self._loop.time() - self._held_at >= SAVE:
                    await self._save(self._sent, self._index)
            except LeaseLost:
                self.end(Ending.LEASE)
                return
            except ProductFloError as error:
                log.debug("%s: the lease was not renewed: %s", self._lease.room, error)
                if self._loop.time() - kept > self._store.lease:
                    self.end(Ending.LEASE)
                continue
            kept = self._loop.time()
            if kept - typed >= TYPING_RENEWAL:
                typed = kept
                await self._channel.typing(started=True)
                if self._receipt.status or self._receipt.tools:
                    self.show_status()
            await self._keep_more()

    async def _save(self, end: int, index: int) -> None:
        """Renew the lease, save the text up to the piece `index` where that is due, and obey a stop."""
        now = self._loop.time()
        if index > self._saved and now - self._saved_at >= SAVE_FIRST:
            self._saved, before = index, self._saved
            try:
                stop = await self._store.save(self._lease, self._text[:end], index)
            except BaseException:
                self._saved = before
                raise
            self._saved_at = self._loop.time()
        else:
            stop = await self._store.renew(self._lease)
        self._held_at = now
        if stop:
            self.end(Ending.STOPPED, stop)

    async def _unless_over(self, seconds: float) -> bool:
        """Wait; True at once when the answer is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return False
        return True
