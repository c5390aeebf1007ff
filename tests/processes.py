"""Real processes for tests: starting them, waiting for what they say, and for their end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from productflo.store.folder import Folder, Holder
from productflo.store.valkey import BINARY_VARIABLE

PATIENCE_SECONDS = 30.0  # Far above what anything here takes on a busy machine of two cores.
PRODUCTFLO = (sys.executable, "-m", "productflo.cli")


class Spoken:
    """A running process and the lines that it has printed."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    async def says(self, pattern: str) -> re.Match[str]:
        """Return the first match in a line printed from now on; fail with all lines when it ends before."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := await self.process.stdout.readline():
                self.lines.append(line.decode().rstrip())
                if found := re.search(pattern, self.lines[-1]):
                    return found
        raise AssertionError(f"ended without {pattern!r}:\n" + "\n".join(self.lines))

    async def ends(self) -> int:
        """Return the exit code, having read the rest of what it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := await self.process.stdout.readline():
                self.lines.append(line.decode().rstrip())
            return await self.process.wait()


KEPT = (BINARY_VARIABLE, "PRODUCTFLO_LOOP", "PRODUCTFLO_WIRE")
"""What may be chosen for the servers of all tests, which pass with either."""


def foreign(variables: Iterable[str]) -> list[str]:
    """Those of the environment that set a server up, and are not meant for the tests' own."""
    settings = ("PRODUCTFLO_", "OPENAI_", "REDIS_URL", "OTEL_")
    ours = (*KEPT, "PRODUCTFLO_TEST_")
    return [name for name in variables if name.startswith(settings) and not name.startswith(ours)]


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return this process's environment for a server of its own, on any free port.

    The tests' own caller may name the store's program and, by PRODUCTFLO_LOOP, the event loop.
    """
    without = set(foreign(os.environ))
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    return {**inherited, "PRODUCTFLO_DATA_DIR": str(data_dir), "PRODUCTFLO_PORT": "0", **more}


@asynccontextmanager
async def running(*command: str, env: Mapping[str, str]) -> AsyncIterator[Spoken]:
    """Run a command; whatever is left of it at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=env
    )
    try:
        yield Spoken(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(pid: int) -> None:
    """Return when the process has ended, whoever its parent is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def children_of(pid: int) -> dict[int, str]:
    """Return the process ids and commands of a process's children."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(maxsplit=2) for line in listed.splitlines())
    return {int(row[0]): row[2] for row in rows if int(row[1]) == pid}


def child_of(pid: int, word: str) -> int:
    """Return the id of the one child whose command has `word` in it."""
    (found,) = (child for child, command in children_of(pid).items() if word in command)
    return found


def web_processes_of(pid: int) -> list[int]:
    """Return the ids of the web processes that a `productflo serve` or `up` keeps, the oldest first."""
    return sorted(child for child, command in children_of(pid).items() if "serve --fd" in command)


def web_process_of(pid: int) -> int:
    """Return the id of the only web process of a `productflo serve` or `up`."""
    (found,) = web_processes_of(pid)
    return found


def holder(data_dir: Path) -> Holder:
    """Return who has the store of a running server."""
    found = Folder(data_dir).holder()
    assert found is not None
    return found


def kill(pid: int) -> None:
    """End a process as a crash or the kernel would: without a chance to clean up."""
    os.kill(pid, signal.SIGKILL)
