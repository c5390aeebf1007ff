"""The load generator: built with the C compiler at hand, started beside a server, and told what to do."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import OTHER_CORE, on_core

SOURCES = Path(__file__).parent / "native"
CACHE = Path(__file__).parents[1] / ".bench"
"""What is built and downloaded for benchmarks; never committed."""
HANG_UP_SECONDS = 10.0
CFLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")


class Failed(Exception):
    """A measurement did not come about; the text says why."""


class Latency(BaseModel):
    """Milliseconds, of `count` observations."""

    model_config = ConfigDict(frozen=True)

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float


class Core(BaseModel):
    """Seconds that a core was busy, and that the host gave to others instead."""

    model_config = ConfigDict(frozen=True)

    busy: float
    steal: float


class Spent(BaseModel):
    """What a stretch of time took: CPU seconds of each watched process and of the generator, and by core."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    cpu: Mapping[str, float]
    cores: tuple[Core, ...]

    def share(self, *names: str) -> float:
        """Of a core, for the processes with these names together."""
        return sum(self.cpu.get(name, 0.0) for name in names) / self.seconds


class Joined(Spent):
    """How a crowd came in: until its handshakes were answered, and until all had joined."""

    joined: int
    gone: int
    heard: int
    """Marked messages that came before everybody had joined."""
    first_error: str
    upgrade: Latency
    join: Latency


class Loaded(Spent):
    """What was said and heard in a measurement. Of all that was said, `missing` deliveries never came."""

    said: int
    own: int
    """Of the speakers' own messages, those that came back to them."""
    delivered: int
    bytes: int
    missing: int
    skipped: int
    """Messages of a fixed rate that were not said at all: the server was a second behind."""
    errors: int
    gone: int
    latency: Latency
    own_latency: Latency


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the clients of a system speak; native/plan.c tells of the places that are filled in.

    `steps` are the greeting: what to wait for ("": nothing), and what to say then ("": nothing).
    """

    path: str
    steps: tuple[tuple[str, str], ...]
    say: str
    headers: str = ""
    mask: int = 0x5A3C69A5


@dataclass(frozen=True, slots=True)
class Load:
    """Messages for `seconds` after `warm`: a window in flight for each speaker, or a rate (1/s) in all."""

    window: int = 0
    rate: float = 0.0
    senders: int = 1
    """Of each room."""
    most: int = 0
    """Messages of each speaker, after which it is over; 0: as many as the time allows."""
    warm: float = 1.0
    seconds: float = 5.0


def built(name: str, *sources: str) -> Path:
    """A program of native/, built where it is older than its sources. Raises `Failed`."""
    CACHE.mkdir(exist_ok=True)
    program = CACHE / name
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    if program.exists() and program.stat().st_mtime > newest:
        return program
    command = ("cc", *CFLAGS, "-o", str(program), *(str(SOURCES / source) for source in sources))
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Failed(
            "The load generator is built with cc, and there is none: install gcc or clang."
        ) from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"The load generator can not be built: {error.stderr}") from None
    return program


class Crowd:
    """Connected clients, waiting to be told what to do."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.joined = Joined.model_validate(self._answer("joined"))

    def load(self, load: Load) -> Loaded:
        """Say messages, and measure. Raises `Failed`."""
        self.begin(load)
        return self.end()

    def begin(self, load: Load) -> None:
        """Begin to say messages; `end` waits for the result."""
        words = {
            name: getattr(load, name) for name in ("warm", "seconds", "window", "senders", "most", "rate")
        }
        self._tell("load " + " ".join(f"{name}={value}" for name, value in words.items()))

    def end(self) -> Loaded:
        """Return what came of the load that has begun. Raises `Failed`."""
        return Loaded.model_validate(self._answer("loaded"))

    def _tell(self, command: str) -> None:
        if self._process.stdin:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()

    def _answer(self, event: str) -> Mapping[str, object]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        answer: Mapping[str, object] = json.loads(line) if line else {"event": "ended"}
        if answer["event"] != event:
            raise Failed(f"the clients were not {event}: {line.strip() or 'the generator ended'}")
        return answer


@contextmanager
def crowd(
    dialect: Dialect,
    port: int,
    watched: Mapping[str, int],
    *,
    members: int,
    rooms: int = 1,
    connecting: int = 64,
    expect: int = 0,
    first: int = 0,
) -> Iterator[Crowd]:
    """Connect `members` clients to each of `rooms` rooms, and hang up at the end.

    `watched` are names and process ids whose CPU time is measured; `expect` how many marked messages each
    client must get before it counts as joined; `first` the number of the first user. Raises `Failed`.
    """
    program = built("crowd", "main.c", "plan.c", "figures.c", "client.c", "load.c")
    options: dict[str, object] = {
        "port": port,
        "members": members,
        "rooms": rooms,
        "connecting": connecting,
        "expect": expect,
        "first": first,
        "path": dialect.path,
        "headers": dialect.headers,
        "mask": f"{dialect.mask:x}",
        "say": dialect.say,
    }
    words = [f"{name}={value}" for name, value in options.items()]
    words += [f"step={awaited}\t{said}" for awaited, said in dialect.steps]
    words += [f"watch={name}:{pid}" for name, pid in watched.items()]
    command = on_core(OTHER_CORE, str(program), *words)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Crowd(process)
        finally:
            process.terminate()
            process.wait(HANG_UP_SECONDS)
