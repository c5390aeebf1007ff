"""A program that is killed, stopped and started again; what it prints goes to a file."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from processes import children_of
from storm.clock import Clock
from storm.network import HERE

from productflo.parent import death_signal

START_SECONDS = 60.0
"""For a process to answer; thirty times what it takes on two busy cores."""
LOOK_SECONDS = 0.05


class Program:
    """One command, and the process that runs it now."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.clock = Clock(folder / f"{name}.clock")
        self._command = command
        self._env = {**env, **self.clock.environment}
        self._log = folder / f"{name}.log"
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it; it dies with this process."""
        with self._log.open("ab") as words:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=DEVNULL,
                stdout=words,
                stderr=STDOUT,
                env=self._env,
                preexec_fn=death_signal(signal.SIGKILL),
            )

    def must_run(self) -> None:
        """Fail with what it said last where it has ended."""
        if self._process is None or self._process.returncode is not None:
            raise AssertionError(f"{self.name} has ended: {self._log.read_text()[-2000:]}")

    async def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        await self.end(signal.SIGKILL)

    async def end(self, signum: signal.Signals) -> None:
        """Send a signal that ends it; returns when it is gone."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signum)
        await self._process.wait()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It and its children stand still (SIGSTOP) for as long as the block lasts."""
        with stopped((self.pid, *children_of(self.pid))):
            yield


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Processes that stand still for as long as the block lasts, if they are not killed meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as found:
        found.bind((HERE, 0))
        return int(found.getsockname()[1])
