"""People who read back: pages of history."""

from dataclasses import dataclass

from benchmarks.crowd import Load, crowd
from benchmarks.our_server import HISTORIC
from benchmarks.outcome import Outcome, started, wait_until_quiet
from benchmarks.systems import System


@dataclass(frozen=True, slots=True)
class Paging:
    """Each reader asks for pages of 50 messages out of the middle of a room's `kept` ones."""

    name: str
    about: str
    rooms: int
    kept: int
    load: Load
    for_peers: bool = False

    def measure(self, system: System) -> Outcome:
        """Fill the rooms, come back, read."""
        with started(system) as running:
            watched = running.processes
            with crowd(system.dialect, running.port, watched, members=1, rooms=self.rooms) as writers:
                writers.load(Load(window=16, most=self.kept, warm=0, seconds=300))
            wait_until_quiet(running)
            with crowd(HISTORIC, running.port, watched, members=1, rooms=self.rooms) as readers:
                return Outcome(readers.joined, readers.load(self.load))
