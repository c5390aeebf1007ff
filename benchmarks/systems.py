"""What is measured: a server that can be started, and how its clients speak."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.crowd import Dialect, Failed

START_SECONDS = 30.0
"""More than any of them takes on a busy machine."""
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.02
FILL = "Does the bracket hold 40 N if we print it upright, or should the ribs be thicker first?"
"""What is said beside the mark: with it, about 110 characters, as people write in a chat."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that takes connections. `processes` are those whose CPU time counts, by what they do:
    `server` (and `server2`, ...) for the server itself, `store` for its Redis or Valkey."""

    port: int
    processes: Mapping[str, int]


class System(Protocol):
    """Something that can be measured."""

    @property
    def name(self) -> str:
        """As the table calls it."""

    @property
    def dialect(self) -> Dialect:
        """How clients join a room and speak in it."""

    def running(self, folder: Path) -> AbstractContextManager[Running]:
        """Start it with its data and log in an empty folder; it ends with the block. Raises `Failed`."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def process(
    command: tuple[str, ...], log: Path, says: str, env: Mapping[str, str], folder: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command in `folder` once it has printed what `says` (a pattern) matches; SIGTERM ends it.

    Raises `Failed` with what it printed where it ends, or takes too long.
    """
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(env), cwd=folder
        )
    try:
        _wait_until_it_says(started, log, says)
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _wait_until_it_says(started: "subprocess.Popen[bytes]", log: Path, says: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        if re.search(says, log.read_text(errors="replace")):
            return
        time.sleep(LOOK_SECONDS)
    raise Failed(f"{started.args!r} did not say {says!r}:\n{log.read_text(errors='replace')[-3000:]}")
