"""Keeping programs running side by side, and ending them in order."""

import asyncio
import itertools
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from productflo.parent import PARENT_VARIABLE
from productflo.store.valkey import how_it_ended

STOP_SECONDS = 10.0  # A program that ends in order needs 8 at most.
RESTART_SECONDS = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)  # Pauses before starts again; the last one repeats.
STEADY_SECONDS = 60.0  # A program that ran for so long starts its pauses over.
CHUNK_BYTES = 65_536

Say = Callable[[str, str], None]
"""Takes who speaks and one line of text."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `environment` is added to this process's own, `pass_fds` stay open in it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()


class Child:
    """A program that is started again whenever it ends, with a word about it, until it is stopped."""

    def __init__(self, program: Program, say: Say) -> None:
        self._program = program
        self._say = say
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self.ended_once = asyncio.Event()

    async def keep(self) -> None:
        """Run the program until `stop` has ended it."""
        loop = asyncio.get_running_loop()
        pauses = _pauses()
        try:
            while not self._stopping.is_set():
                begin = loop.time()
                returncode = await self._run()
                self.ended_once.set()
                if self._stopping.is_set():
                    return
                if loop.time() - begin > STEADY_SECONDS:
                    pauses = _pauses()
                pause = next(pauses)
                self._say(
                    self._program.name, f"ended with {how_it_ended(returncode)}; starts again in {pause} s"
                )
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()
        finally:
            self.kill()
            self._done.set()

    async def stop(self) -> None:
        """Ask the program to end and wait for it; kill it, and all that it started, after `STOP_SECONDS`."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._done.wait()
        except TimeoutError:
            self._say(self._program.name, f"did not end within {STOP_SECONDS:.0f} s and is killed")
            self.kill()
            await self._done.wait()

    def kill(self) -> None:
        """End the program and all that it started at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self._process is not None:
            # The group may be gone, which is what was wanted; macOS says so with the second of these.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signum)

    async def _run(self) -> int:
        """Run the program once, in a group of its own: the terminal's Ctrl-C is not for it."""
        async with _piped_lines() as (lines, write_end):
            process = await asyncio.create_subprocess_exec(
                *self._program.command,
                stdin=DEVNULL,
                stdout=write_end,
                stderr=write_end,
                env={**os.environ, **self._program.environment, PARENT_VARIABLE: str(os.getpid())},
                pass_fds=self._program.pass_fds,
                process_group=0,
            )
            os.close(write_end)
            self._process = process
            if self.ended_once.is_set():
                self._say(self._program.name, f"runs again (process {process.pid})")
            try:
                if self._stopping.is_set():  # `stop` was called while it started.
                    self._signal(signal.SIGTERM)
                ended = asyncio.create_task(process.wait())
                ended.add_done_callback(
                    lambda _: self.kill()
                )  # What it left behind would hold the pipe open.
                async for line in lines:
                    self._say(self._program.name, line)
                return await ended
            finally:
                self.kill()
                self._process = None


@asynccontextmanager
async def _piped_lines() -> AsyncIterator[tuple[AsyncIterator[str], int]]:
    """Give the lines that come out of a pipe, and the end to write to, which the caller closes.

    Not asyncio's own pipe to a subprocess: with that one, before Python 3.12, `wait` returns only when
    everybody has closed the pipe.
    """
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    try:
        yield _lines(reader), write_end
    finally:
        transport.close()


@asynccontextmanager
async def supervised(children: Sequence[Child]) -> AsyncIterator[None]:
    """Keep `children` running within; at its end stop them one after the other, in the order given."""
    async with asyncio.TaskGroup() as keeping:
        for child in children:
            keeping.create_task(child.keep())
        try:
            yield
        finally:
            for child in children:
                await child.stop()


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
