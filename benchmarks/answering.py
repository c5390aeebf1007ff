"""Assistants that answer in many rooms at once, while people talk in another one."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.crowd import CACHE, Load, crowd
from benchmarks.machine import elsewhere
from benchmarks.our_server import HERE, STREAM, OurServer
from benchmarks.outcome import Outcome, wait_until_quiet
from benchmarks.systems import Running, System, process

PERSONA = """[assistants.talker]
name = "Talker"
prompt = "You talk at length."
model = "slow"
on = ["direct"]
limits = {{ timeout = 600, at_once = {rooms} }}
"""
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
        with self._running(system) as running:
            watched, port = running.processes, running.port
            with (
                crowd(system.dialect, port, watched, members=self.members) as talkers,
                crowd(STREAM, port, watched, members=1, rooms=self.rooms, first=self.members) as askers,
            ):
                wait_until_quiet(running)
                before = talkers.load(self.load)
                askers.load(SOON)
                askers.begin(replace(self.load, rate=0.0))
                beside = talkers.load(self.load)
                return Outcome(talkers.joined, beside, undisturbed=before, answers=askers.end())

    @contextmanager
    def _running(self, system: OurServer) -> Iterator[Running]:
        """The server with a worker and a model server."""
        CACHE.mkdir(exist_ok=True)
        seconds = 3 * (self.load.warm + self.load.seconds)
        with tempfile.TemporaryDirectory(prefix="data-", dir=CACHE) as name:
            folder = Path(name)
            personas = folder / "assistants.toml"
            personas.write_text(PERSONA.format(rooms=self.rooms))
            model = (
                sys.executable,
                "-m",
                "benchmarks.model",
                str(int(seconds * self.pieces)),
                str(self.pieces),
            )
            settings = {
                "PRODUCTFLO_ASSISTANTS_FILE": str(personas),
                "PRODUCTFLO_DEFAULT_ASSISTANTS": "talker",
                "OPENAI_API_KEY": "none",
            }
            with (
                process(elsewhere(*model), folder / "model.log", "listening", os.environ, HERE),
            ):
                found = re.search(r"listening on (\d+)", (folder / "model.log").read_text())
                settings["OPENAI_BASE_URL"] = f"http://127.0.0.1:{found[1] if found else 0}/v1"
                answering = replace(system, settings=settings)
                with answering.running(folder) as server, answering.worker(folder) as worker:
                    yield Running(server.port, {**server.processes, "worker": worker})
