"""What one measurement of a system finds, and how it is set up."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.crowd import CACHE, Joined, Loaded
from benchmarks.machine import seconds_of
from benchmarks.systems import Running, System

QUIET_SHARE = 0.02
"""Of a core: a server that uses less has nothing left to do for those who came or left."""
QUIET_LOOK_SECONDS = 0.5
QUIET_WITHIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the clients came in, what they said and heard; and what only some scenarios look at."""

    joined: Joined
    loaded: Loaded | None = None
    undisturbed: Loaded | None = None
    """The same load before whatever is measured began."""
    answers: Loaded | None = None
    """What was heard of assistants' answers."""
    baseline: Loaded | None = None
    """What the load is compared with, of the same server in the same round."""
    memory: Mapping[str, float] = field(default_factory=dict)
    """Bytes of memory for each connection, by process."""


class Scenario(Protocol):
    """One kind of measurement."""

    @property
    def name(self) -> str:
        """What it is asked for by."""

    @property
    def about(self) -> str:
        """What it does, for the table."""

    @property
    def for_peers(self) -> bool:
        """Whether other systems can do it at all."""

    def measure(self, system: System) -> Outcome:
        """Start the system, measure, and stop it. Raises `crowd.Failed`."""


@contextmanager
def started(system: System) -> Iterator[Running]:
    """The system on data of its own, which are on a real disk and go with it."""
    CACHE.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="data-", dir=CACHE) as folder,
        system.running(Path(folder)) as running,
    ):
        yield running


def wait_until_quiet(running: Running) -> None:
    """Return when the server's processes have nothing to do any more, or after a while."""
    end = time.monotonic() + QUIET_WITHIN_SECONDS
    before = _spent(running)
    while time.monotonic() < end:
        time.sleep(QUIET_LOOK_SECONDS)
        now = _spent(running)
        if now - before < QUIET_SHARE * QUIET_LOOK_SECONDS:
            return
        before = now


def _spent(running: Running) -> float:
    return sum(seconds_of(pid) for pid in running.processes.values())
