"""People who come: how many a second, what each takes while idle, how they catch up with what they missed."""

from dataclasses import dataclass, replace

from benchmarks.crowd import Dialect, Load, crowd
from benchmarks.machine import memory_of
from benchmarks.our_server import RESUME
from benchmarks.outcome import Outcome, started, wait_until_quiet
from benchmarks.systems import System

FIRST_ROOMS = 100
"""Rooms full of people before the first look at memory, so that what is made once is not counted."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Connections that have joined a room of `members` and then do nothing."""

    name: str
    about: str
    rooms: int
    members: int
    for_peers: bool = True

    def measure(self, system: System) -> Outcome:
        """How much more memory the processes have with all of them than with a few."""
        connections = self.rooms * self.members
        with started(system) as running:
            watched = running.processes
            first = {"members": self.members, "rooms": FIRST_ROOMS}
            with crowd(system.dialect, running.port, watched, **first):
                wait_until_quiet(running)
                before = {name: memory_of(pid) for name, pid in watched.items()}
                with crowd(
                    _elsewhere(system),
                    running.port,
                    watched,
                    members=self.members,
                    rooms=self.rooms,
                    first=self.members * FIRST_ROOMS,
                ) as clients:
                    wait_until_quiet(running)
                    after = {name: memory_of(pid) for name, pid in watched.items()}
                    grown = {name: (after[name] - before[name]) / connections for name in watched}
                    return Outcome(clients.joined, memory=grown)


def _elsewhere(system: System) -> Dialect:
    """The same dialect in other rooms."""
    dialect = system.dialect
    steps = tuple((awaited, said.replace("r%r", "idle%r")) for awaited, said in dialect.steps)
    return replace(dialect, path=dialect.path.replace("r%r", "idle%r"), steps=steps)


@dataclass(frozen=True, slots=True)
class Storm:
    """All come at once: handshake, and join a room of `members`."""

    name: str
    about: str
    rooms: int
    members: int
    at_once: int
    for_peers: bool = True

    def measure(self, system: System) -> Outcome:
        """How long until the last one has joined."""
        with (
            started(system) as running,
            crowd(
                system.dialect,
                running.port,
                running.processes,
                members=self.members,
                rooms=self.rooms,
                connecting=self.at_once,
            ) as clients,
        ):
            return Outcome(clients.joined)


@dataclass(frozen=True, slots=True)
class Resume:
    """Members come back all at once, and each has missed the same number of messages."""

    name: str
    about: str
    rooms: int
    members: int
    missed: int
    for_peers: bool = False

    def measure(self, system: System) -> Outcome:
        """How long until the last one has all that was missed."""
        with started(system) as running:
            watched, sizes = running.processes, {"members": self.members, "rooms": self.rooms}
            with crowd(system.dialect, running.port, watched, **sizes) as writers:
                said = writers.load(Load(window=4, most=self.missed, warm=0, seconds=120))
            wait_until_quiet(running)
            everybody = self.rooms * self.members
            with crowd(
                RESUME, running.port, watched, **sizes, connecting=everybody, expect=self.missed
            ) as clients:
                return Outcome(clients.joined, undisturbed=said)
