"""Several web servers over one store, each of which can be killed, stopped and started again."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from processes import children_of
from storm.network import HERE, Network
from storm.program import LOOK_SECONDS, START_SECONDS, Program, free_port
from storm.stores import STORES, Store

SERVE = (sys.executable, "-m", "productflo.cli", "serve")


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

    def workers(self) -> list[int]:
        """The process ids of what serves; the server itself only minds them."""
        return sorted(children_of(self.pid))

    def reload(self) -> None:
        """Ask for new processes in place of the old ones."""
        os.kill(self.pid, signal.SIGHUP)

    async def replaced(self, before: Sequence[int], count: int) -> None:
        """Return when so many of these processes are gone, and there are as many as there were."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                now = self.workers()
                if len(now) == len(before) and len(set(before) - set(now)) >= count:
                    return
                await asyncio.sleep(LOOK_SECONDS)

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
                self.must_run()
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
    folder: Path, network: Network, seed: int, *, store: str = "single", webs: int = 4, **settings: str
) -> AsyncIterator[Deployment]:
    """A store and web servers that serve; nothing is left of them at the end."""
    async with AsyncExitStack() as stack:
        over = await stack.enter_async_context(STORES[store](folder, network))
        servers = [Web(f"web{number}", over.url(number), folder, settings) for number in range(1, webs + 1)]
        for web in servers:
            await web.start()
            stack.push_async_callback(web.kill)
        for web in servers:
            await web.ready()
        yield Deployment(over, servers, network, random.Random(seed))
