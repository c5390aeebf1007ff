"""Assistants that answer in many rooms at once, while people talk in another one."""

from dataclasses import dataclass, replace

from benchmarks.at_work import at_work
from benchmarks.crowd import Load, crowd
from benchmarks.our_server import STREAM, OurServer
from benchmarks.outcome import Outcome, wait_until_quiet
from benchmarks.systems import System

ASSISTANT = "talker"
SOON = Load(window=1, most=1, warm=0, seconds=60)
"""One question each; then they listen."""


@dataclass(frozen=True, slots=True)
class Answering:
    """In each of `rooms` one person asks an assistant, whose answers last longer than the measurement.

    Each answer comes from the model in `pieces` a second. `load` is the ordinary talk of `members` in a room
    of their own, measured before and beside the answers. Worker and model server have what the store and
    the load generator leave of the other core.
    """

    name: str
    about: str
    rooms: int
    pieces: float
    members: int
    load: Load
    for_peers: bool = False

    def measure(self, system: System) -> Outcome:
        """Talk, ask, talk on while the answers are written."""
        if not isinstance(system, OurServer):
            raise TypeError("Only this server has assistants.")
        pieces = int(3 * (self.load.warm + self.load.seconds) * self.pieces)
        with at_work(system, (ASSISTANT,), self.rooms, pieces, self.pieces) as work:
            watched, port = work.running.processes, work.running.port
            with (
                crowd(system.dialect, port, watched, members=self.members) as talkers,
                crowd(STREAM, port, watched, members=1, rooms=self.rooms, first=self.members) as askers,
            ):
                wait_until_quiet(work.running)
                before = talkers.load(self.load)
                askers.load(SOON)
                askers.begin(replace(self.load, rate=0.0))
                beside = talkers.load(self.load)
                return Outcome(talkers.joined, beside, undisturbed=before, answers=askers.end())
