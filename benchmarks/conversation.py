"""People who talk: fan-out in large rooms, many small rooms, fixed rates, acknowledgements."""

from dataclasses import dataclass

from benchmarks.crowd import Load, crowd
from benchmarks.outcome import Outcome, started
from benchmarks.systems import System


@dataclass(frozen=True, slots=True)
class Conversation:
    """Rooms of the same size, in each of which some members speak."""

    name: str
    about: str
    members: int
    load: Load
    rooms: int = 1
    for_peers: bool = True

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
