"""This server with assistants at work: a worker, and a model server that answers slowly and at length."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.crowd import CACHE
from benchmarks.machine import elsewhere
from benchmarks.our_server import HERE, OurServer
from benchmarks.systems import Running, process

PERSONA = """[assistants.{name}]
name = "{name}"
prompt = "You talk at length."
model = "slow"
on = ["direct", "mention"]
limits = {{ timeout = 600, at_once = {rooms} }}
"""


@dataclass(frozen=True, slots=True)
class AtWork:
    """What was started: `server` runs on `folder`, and its worker is among `running.processes`."""

    server: OurServer
    folder: Path
    running: Running


@contextmanager
def at_work(
    system: OurServer, assistants: Sequence[str], rooms: int, pieces: int, per_second: float
) -> Iterator[AtWork]:
    """Assistants that are in every room and answer in so many at once; the model says `pieces` an answer.

    Worker and model server have what the store and the load generator leave of the other core. What is asked
    in a room with one person, or mentions them, is answered.
    """
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="data-", dir=CACHE) as name:
        folder = Path(name)
        personas = folder / "assistants.toml"
        personas.write_text("".join(PERSONA.format(name=each, rooms=rooms) for each in assistants))
        model = (sys.executable, "-m", "benchmarks.model", str(pieces), str(per_second))
        with process(elsewhere(*model), folder / "model.log", "listening", os.environ, HERE):
            found = re.search(r"listening on (\d+)", (folder / "model.log").read_text())
            settings = {
                "PRODUCTFLO_ASSISTANTS_FILE": str(personas),
                "PRODUCTFLO_DEFAULT_ASSISTANTS": ",".join(assistants),
                "OPENAI_API_KEY": "none",
                "OPENAI_BASE_URL": f"http://127.0.0.1:{found[1] if found else 0}/v1",
            }
            server = replace(system, settings=settings)
            with server.running(folder) as running, server.worker(folder) as worker:
                watched = {**running.processes, "worker": worker}
                yield AtWork(server, folder, Running(running.port, watched))
