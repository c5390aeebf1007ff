"""People who talk: fan-out in large rooms, many small rooms, fixed rates, acknowledgements."""

from dataclasses import dataclass, replace

from benchmarks.crowd import Load, crowd
from benchmarks.our_server import OurServer
from benchmarks.outcome import Outcome, started, wait_until_quiet
from benchmarks.systems import System

MEMBERS_DELIVERIES = 20_000.0
"""Deliveries a second while a room grows: less than a core can, so that what it costs is seen."""
ROOMS_MESSAGES = 1_000.0
"""Messages a second while the number of rooms, or of processes, grows."""
ROOM_MEMBERS = 10


@dataclass(frozen=True, slots=True)
class Conversation:
    """Rooms of the same size, in each of which some members speak."""

    name: str
    about: str
    members: int
    load: Load
    rooms: int = 1
    for_peers: bool = True
    processes: int = 1
    """Web processes; another number than 1 is for this server only."""

    def measure(self, system: System) -> Outcome:
        """Everybody joins, then the speakers speak and all hear it."""
        if isinstance(system, OurServer):
            system = replace(system, workers=self.processes)
        with started(system) as running:
            dialect, watched = system.dialect, running.processes
            with crowd(dialect, running.port, watched, members=self.members, rooms=self.rooms) as clients:
                wait_until_quiet(running)
                return Outcome(clients.joined, clients.load(self.load))


def fan_out(members: int, window: int) -> Conversation:
    """One speaks in a large room, and has `window` messages on their way at any time."""
    about = f"fan-out, {members} members, {window} messages in flight"
    return Conversation(f"fan-out-{members}-{window}", about, members, Load(window=window))


def scale_members(members: int) -> Conversation:
    """The same number of deliveries a second, in one room of growing size."""
    rate = MEMBERS_DELIVERIES / members
    about = f"{rate:,.0f} messages a second to {members:,} members"
    return Conversation(f"scale-members-{members}", about, members, Load(rate=rate), for_peers=False)


def scale_connections(rooms: int) -> Conversation:
    """The same number of messages a second, in a growing number of rooms of 10."""
    connections = rooms * ROOM_MEMBERS
    about = f"{ROOMS_MESSAGES:,.0f} messages a second, {connections:,} connections in {rooms:,} rooms"
    name = f"scale-connections-{connections}"
    return Conversation(name, about, ROOM_MEMBERS, Load(rate=ROOMS_MESSAGES), rooms, for_peers=False)


def scale_processes(processes: int) -> Conversation:
    """The same number of messages a second in 250 rooms of 4, whose members are anywhere."""
    about = f"{ROOMS_MESSAGES:,.0f} messages a second in 250 rooms of 4, web processes: {processes}"
    load = Load(rate=ROOMS_MESSAGES)
    name = f"scale-processes-{processes}"
    return Conversation(name, about, 4, load, 250, for_peers=False, processes=processes)
