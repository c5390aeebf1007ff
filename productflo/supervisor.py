"""Keeping programs running side by side, and ending them in order."""

import asyncio
import itertools
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from productflo.parent import PARENT_VARIABLE, READY_VARIABLE, RUN_VARIABLE
from productflo.store.valkey import how_it_ended

STOP_SECONDS = 10.0  # A program that ends in order needs 8 at most.
RESTART_SECONDS = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)  # Pauses before starts again; the last one repeats.
STEADY_SECONDS = 60.0  # A program that ran for so long starts its pauses over.
CHUNK_BYTES = 65_536

Say = Callable[[str, str], None]
"""Takes who speaks and one line of text."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `environment` is added to this process's own, `pass_fds` stay open in it.

    It has `stop_seconds` to end in order. What a `piped` one prints is said line by line with its name;
    another one writes where this process does, and so never waits for this process to read.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    stop_seconds: float = STOP_SECONDS
    piped: bool = True


class Kept(Protocol):
    """One or more programs that `supervised` keeps running."""

    async def keep(self) -> None:
        """Run until `stop` has ended it."""

    async def stop(self) -> None:
        """Ask it to end and wait for it, not without a bound."""

    def kill(self) -> None:
        """End it, and all that it started, at once."""

    def reload(self) -> None:
        """Have it run anew, with the code and settings of now. Returns at once."""


class Child:
    """A program that is started again whenever it ends, with a word about it, until it is stopped.

    `on_ready` is called when it says that it serves; `on_end` with the process id of each run that ended.
    """

    def __init__(
        self,
        program: Program,
        say: Say,
        on_ready: Callable[["Child"], None] = lambda child: None,
        on_end: Callable[["Child", int], None] = lambda child, pid: None,
    ) -> None:
        self.program = program
        self.ready = False
        self.failed_starts = 0
        """Runs in a row that ended before they served."""
        self.last_end = ""
        self._say = say
        self._on_ready = on_ready
        self._on_end = on_end
        self._process: Process | None = None
        self._family = secrets.token_hex(6)
        self._runs = itertools.count(1)
        self._wanted_again = False
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The id of the process that runs now."""
        return self._process.pid if self._process else None

    async def keep(self) -> None:
        """See `Kept.keep`."""
        loop = asyncio.get_running_loop()
        pauses = _pauses()
        try:
            while not self._stopping.is_set():
                begin = loop.time()
                await self._run()
                if self._wanted_again:
                    self._wanted_again = False
                    continue
                if self._stopping.is_set():
                    return
                if loop.time() - begin > STEADY_SECONDS:
                    pauses = _pauses()
                pause = next(pauses)
                self._say(self.program.name, f"ended with {self.last_end}; starts again in {pause} s")
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()
        finally:
            self.kill()
            self._done.set()

    async def stop(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Ask the program to end and wait; kill it, and all that it started, after its `stop_seconds`."""
        self.abandon()
        self._signal(signum)
        seconds = self.program.stop_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._done.wait()
        except TimeoutError:
            self._say(self.program.name, f"did not end within {seconds:.0f} s and is killed")
            self.kill()
            await self._done.wait()

    def abandon(self) -> None:
        """Do not start it again when it ends."""
        self._stopping.set()

    def kill(self) -> None:
        """See `Kept.kill`."""
        self._signal(signal.SIGKILL)

    def reload(self) -> None:
        """Ask the program to end, and start it again as soon as it has."""
        if self._process is not None:
            self._wanted_again = True
            self._signal(signal.SIGTERM)
            asyncio.get_running_loop().call_later(self.program.stop_seconds, self._kill_run, self._process)

    def _kill_run(self, process: Process) -> None:
        if self._process is process:
            self.kill()

    def _signal(self, signum: signal.Signals) -> None:
        if self._process is not None:
            # The group may be gone, which is what was wanted; macOS says so with the second of these.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signum)

    async def _run(self) -> None:
        """Run the program once, in a group of its own: the terminal's Ctrl-C is not for it."""
        async with AsyncExitStack() as stack:
            output = None
            if self.program.piped:
                output = await stack.enter_async_context(_said_by_line(self.program.name, self._say))
            ready = stack.enter_context(_told_once(self._serves))
            process = await asyncio.create_subprocess_exec(
                *self.program.command,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(ready),
                pass_fds=(*self.program.pass_fds, ready),
                process_group=0,
            )
            for descriptor in (ready, output):
                if descriptor is not None:
                    os.close(descriptor)
            self._process = process
            if self.last_end:
                self._say(self.program.name, f"runs again (process {process.pid})")
            try:
                if self._stopping.is_set():  # `stop` was called while it started.
                    self._signal(signal.SIGTERM)
                returncode = await process.wait()
            finally:
                self.kill()  # What it left behind would hold its output open.
                self._process = None
        self._ended(process.pid, returncode)

    def _environment(self, ready: int) -> dict[str, str]:
        own = {
            PARENT_VARIABLE: str(os.getpid()),
            READY_VARIABLE: str(ready),
            RUN_VARIABLE: f"{self._family}-{next(self._runs)}",
        }
        return {**os.environ, **self.program.environment, **own}

    def _serves(self) -> None:
        self.ready = True
        self.failed_starts = 0
        self._on_ready(self)

    def _ended(self, pid: int, returncode: int) -> None:
        self.last_end = how_it_ended(returncode)
        if not self.ready:
            self.failed_starts += 1
        self.ready = False
        self._on_end(self, pid)


@contextmanager
def _told_once(told: Callable[[], None]) -> Iterator[int]:
    """Give a descriptor to write to, which the caller closes; the first byte on it calls `told`."""
    read_end, write_end = os.pipe()
    loop = asyncio.get_running_loop()

    def look() -> None:
        loop.remove_reader(read_end)
        if os.read(read_end, 1):  # Else it was closed without a word.
            told()

    loop.add_reader(read_end, look)
    try:
        yield write_end
    finally:
        loop.remove_reader(read_end)
        os.close(read_end)


@asynccontextmanager
async def _said_by_line(name: str, say: Say) -> AsyncIterator[int]:
    """Give a descriptor to write to, which the caller closes; ends when everybody has closed it.

    Not asyncio's own pipe to a subprocess: with that one, before Python 3.12, `wait` returns only when
    everybody has closed the pipe.
    """
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    try:
        async with asyncio.TaskGroup() as saying:
            saying.create_task(_say_lines(reader, name, say))
            yield write_end
    finally:
        transport.close()


async def _say_lines(reader: asyncio.StreamReader, name: str, say: Say) -> None:
    async for line in _lines(reader):
        say(name, line)


@asynccontextmanager
async def supervised(kept: Sequence[Kept]) -> AsyncIterator[None]:
    """Keep them running within; at its end stop them one after the other, in the order given."""
    async with asyncio.TaskGroup() as keeping:
        for one in kept:
            keeping.create_task(one.keep())
        try:
            yield
        finally:
            for one in kept:
                await one.stop()


async def any_set(*events: asyncio.Event) -> None:
    """Return once one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def say(name: str, line: str) -> None:
    """Print one line with its speaker before it."""
    sys.stdout.write(f"{name:<10} | {line}\n")
    sys.stdout.flush()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield what is written line by line; a line longer than a chunk comes in parts: nothing grows."""
    rest = b""
    while chunk := await stream.read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
        if len(rest) > CHUNK_BYTES:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace")


def _pauses() -> Iterator[float]:
    return itertools.chain(RESTART_SECONDS, itertools.repeat(RESTART_SECONDS[-1]))
