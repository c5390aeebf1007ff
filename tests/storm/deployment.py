"""Several web processes over one store, each of which can be killed, stopped and started again."""

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from processes import children_of
from redis.asyncio import Redis
from redis.exceptions import RedisError
from storm.clock import Clock
from storm.network import HERE, Network

from productflo.parent import death_signal
from productflo.store.valkey import find_binary

START_SECONDS = 60.0  # For a process to answer; thirty times what it takes on two busy cores.
LOOK_SECONDS = 0.05
SERVE = (sys.executable, "-m", "productflo.cli", "serve")


class Program:
    """A program that is killed and started again; what it prints goes to a file."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.clock = Clock(folder / f"{name}.clock")
        self._command = command
        self._env = {**env, **self.clock.environment}
        self._log = folder / f"{name}.log"
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it; it dies with this process."""
        with self._log.open("ab") as words:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=DEVNULL,
                stdout=words,
                stderr=STDOUT,
                env=self._env,
                preexec_fn=death_signal(signal.SIGKILL),
            )

    async def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        await self.end(signal.SIGKILL)

    async def end(self, signum: signal.Signals) -> None:
        """Send a signal that ends it; returns when it is gone."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signum)
        await self._process.wait()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It and its children stand still (SIGSTOP) for as long as the block lasts."""
        pids = (self.pid, *children_of(self.pid))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


class Store:
    """One Valkey with `appendfsync always`, over TCP."""

    may_lose = False

    def __init__(self, folder: Path, network: Network) -> None:
        self._network = network
        self._port = free_port()
        data = folder / "store"
        data.mkdir(exist_ok=True)
        settings = {
            "port": str(self._port),
            "bind": "0.0.0.0",  # noqa: S104 - of a namespace, or of a test's few minutes
            "protected-mode": "no",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
        command = (*network.prefix, str(find_binary()), *arguments)
        self.program = Program("store", command, os.environ, folder)

    def url(self, link: int = 0) -> str:
        """Its address for the web process of that number; 0 is the storm itself."""
        return f"redis://{self._network.address(link)}:{self._port}"

    async def start(self) -> None:
        """Start it and return when it answers."""
        await self.program.start()
        await self.answers()

    async def answers(self) -> None:
        """Return when it answers commands."""
        async with asyncio.timeout(START_SECONDS), Redis.from_url(self.url(), socket_timeout=2) as redis:
            while True:
                try:
                    await redis.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    return


class Web(Program):
    """A web process on a port that stays its own."""

    def __init__(self, name: str, redis_url: str, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        foreign = ("PRODUCTFLO_", "OPENAI_", "REDIS_URL")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        env |= {
            "REDIS_URL": redis_url,
            "PRODUCTFLO_PORT": str(self.port),
            "PRODUCTFLO_DATA_DIR": str(folder / "data"),
            "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
            "PRODUCTFLO_RETENTION_MESSAGES": "1000000",
            **settings,
        }
        super().__init__(name, SERVE, env, folder)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It runs and takes connections for as long as the block lasts."""
        await self.start()
        try:
            await self.ready()
            yield
        finally:
            await self.kill()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{HERE}:{self.port}/ws"

    async def ready(self) -> None:
        """Return when it serves; the store may be away."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                if await self._serves():
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def _serves(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(HERE, self.port)
            try:
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: {HERE}:{self.port}\r\n\r\n".encode())
                return (await reader.readline()).endswith(b" 200 \r\n")
            finally:
                writer.close()
        except OSError:
            return False


class Deployment:
    """The processes of a storm."""

    def __init__(self, store: Store, webs: Sequence[Web], network: Network, chance: random.Random) -> None:
        self.store = store
        self.webs = webs
        self.network = network
        self.chance = chance

    def address(self) -> str:
        """Of any web process, whether it runs or not: clients do not know."""
        return self.chance.choice(self.webs).url


@asynccontextmanager
async def deployed(
    folder: Path, network: Network, seed: int, webs: int = 4, **settings: str
) -> AsyncIterator[Deployment]:
    """A store and web processes that take connections; nothing is left of them at the end."""
    store = Store(folder, network)
    processes = [Web(f"web{number}", store.url(number), folder, settings) for number in range(1, webs + 1)]
    deployment = Deployment(store, processes, network, random.Random(seed))
    programs: list[Program] = []
    try:
        programs.append(store.program)
        await store.start()
        for web in processes:
            programs.append(web)
            await web.start()
        for web in processes:
            await web.ready()
        yield deployment
    finally:
        for program in programs:
            await program.kill()


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as found:
        found.bind((HERE, 0))
        return int(found.getsockname()[1])
