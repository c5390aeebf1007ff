"""The machine that is measured on: its cores, what they are kept for, and what else they are busy with."""

import fcntl
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
"""Where the server that is measured runs, alone."""
OTHER_CORE = 1
"""Where all else runs: the load generator, and the server's Redis or Valkey."""
DESCRIPTORS = 20_000
"""Files that a server and the generator may each have open: 10,000 connections, and some."""


class Unfit(Exception):
    """This machine can not be measured on; the text says why."""


def prepare() -> None:
    """Raise what would be in the way of many connections. Raises `Unfit` where the machine is too small."""
    if not hasattr(os, "sched_setaffinity"):
        raise Unfit("Cores can not be kept for a process on this system: the benchmarks need Linux.")
    if not {SERVER_CORE, OTHER_CORE} <= os.sched_getaffinity(0):
        raise Unfit(f"The benchmarks need the cores {SERVER_CORE} and {OTHER_CORE}.")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def alone() -> Iterator[None]:
    """Keep other benchmarks of this machine waiting meanwhile: two at once would measure each other."""
    with (Path(tempfile.gettempdir()) / "productflo-bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another benchmark is running; this one waits for its turn.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def on_core(core: int, *command: str) -> tuple[str, ...]:
    """A command that runs, with all that it starts, on one core."""
    return ("taskset", "-c", str(core), *command)


def elsewhere(*command: str) -> tuple[str, ...]:
    """A command that would run on another machine if there were one: on the other core, when it is idle."""
    return ("nice", "-n", "19", *on_core(OTHER_CORE, *command))


def move(pid: int, core: int) -> None:
    """Keep a process that runs already, with all its threads, on one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, the oldest first."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return sorted(int(child) for child in listed.split())


def command_of(pid: int) -> str:
    """The words of a process's command."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def memory_of(pid: int) -> int:
    """Bytes of memory of a process: its own, and its part of what it shares with others (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "Pss":
            return int(rest.split()[0]) * 1024
    raise Unfit("The kernel does not tell how much memory a process has: /proc/PID/smaps_rollup")


def seconds_of(pid: int) -> float:
    """CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load_average() -> float:
    """How many processes wanted to run, over the last minute."""
    return os.getloadavg()[0]


def describe() -> str:
    """One line on the machine, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU"
    )
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
