"""What a second web process brings, where each has a core of its own: measured with halves of one core.

A machine with two cores has none left for a second web process: the store and the load need the other. So
web processes get half a core each. Two of them share the server's core; where there is one, the other half
goes to a loop that does nothing, at the same priority. Whatever one process costs the other (they share the
caches of a core here, and would not on cores of their own) is in the figures.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks.crowd import CACHE, Joined, Load, Loaded, crowd
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.our_server import HERE, OurServer
from benchmarks.outcome import Outcome, started, wait_until_quiet
from benchmarks.systems import System, process

BURN = 'print("burning", flush=True)\nwhile True: pass'


@dataclass(frozen=True, slots=True)
class Halves:
    """The same conversation with one web process and with two, each of which has half a core.

    The `load` has to have enough in flight to keep a process busy for as long as its turn on the core lasts,
    some milliseconds, and little enough work for store and generator that their core is not the limit.
    """

    name: str
    about: str
    members: int
    rooms: int
    load: Load
    for_peers: bool = False

    def measure(self, system: System) -> Outcome:
        """One and an idle loop; then two."""
        if not isinstance(system, OurServer):
            raise TypeError("Only this server has several web processes.")
        shared = replace(system, cores=(SERVER_CORE,))
        with _burner() as burner:
            _, one = self._said(shared, {"burner": burner})
        joined, two = self._said(replace(shared, workers=2), {})
        return Outcome(joined, two, baseline=one)

    def _said(self, system: OurServer, beside: dict[str, int]) -> tuple[Joined, Loaded]:
        with started(system) as running:
            watched = {**running.processes, **beside}
            with crowd(
                system.dialect, running.port, watched, members=self.members, rooms=self.rooms
            ) as clients:
                wait_until_quiet(running)
                return clients.joined, clients.load(self.load)


@contextmanager
def _burner() -> Iterator[int]:
    """A loop on the server's core that never waits: its process id."""
    CACHE.mkdir(exist_ok=True)
    command = on_core(SERVER_CORE, sys.executable, "-c", BURN)
    with process(command, CACHE / "burner.log", "burning", {}, HERE) as burner:
        yield burner.pid
