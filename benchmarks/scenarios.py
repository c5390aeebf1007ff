"""What is done to a system, and what is noted of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.crowd import CACHE, Joined, Load, Loaded, crowd
from benchmarks.systems import Running, System


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one measurement of a system found: how the clients came in, and what they said and heard."""

    joined: Joined
    loaded: Loaded | None = None


class Scenario(Protocol):
    """One kind of measurement."""

    @property
    def name(self) -> str:
        """What it is asked for by."""

    @property
    def about(self) -> str:
        """What it does, for the table."""

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


@dataclass(frozen=True, slots=True)
class Conversation:
    """Rooms of the same size, in each of which some members speak."""

    name: str
    about: str
    members: int
    load: Load
    rooms: int = 1

    def measure(self, system: System) -> Outcome:
        """Everybody joins, then the speakers speak and all hear it."""
        with started(system) as running:
            dialect, watched = system.dialect, running.processes
            with crowd(dialect, running.port, watched, members=self.members, rooms=self.rooms) as clients:
                return Outcome(clients.joined, clients.load(self.load))


def fan_out(members: int, window: int) -> Conversation:
    """One speaks in a large room, and has `window` messages on their way at any time."""
    about = f"fan-out, {members} members, {window} messages in flight"
    return Conversation(f"fan-out-{members}-{window}", about, members, Load(window=window))


SCENARIOS: tuple[Scenario, ...] = (
    fan_out(100, 8),
    fan_out(100, 64),
    fan_out(500, 8),
    fan_out(500, 64),
    Conversation("rooms", "250 rooms of 4, one speaks in each, 4 messages in flight", 4, Load(window=4), 250),
    Conversation("rate", "400 messages a second to 100 members", 100, Load(rate=400.0)),
    Conversation("rate-high", "1,600 messages a second to 100 members", 100, Load(rate=1600.0)),
)
QUICK = ("fan-out-100-8", "rooms", "rate")
"""What --quick measures."""
