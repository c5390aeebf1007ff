"""A web process and an embedded store, each of which can be killed, stopped for a while and started again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from chatting import Server
from processes import PRODUCTFLO, Spoken, environment, holder, kill, running, web_process_of

from productflo.store.embedded import EmbeddedStore


class Deployment:
    """The processes; `server` stays the address of the web server through all its restarts."""

    def __init__(self, data_dir: Path, redis_url: str, processes: AsyncExitStack) -> None:
        self.data_dir = data_dir
        self.redis_url = redis_url
        self.server = Server(0)
        self.web: Spoken
        self.variables: dict[str, str] = {}
        self._processes = processes

    async def start_web(self) -> None:
        """Start a web server on the address of the one before."""
        env = environment(
            self.data_dir,
            REDIS_URL=self.redis_url,
            PRODUCTFLO_PORT=str(self.server.port),
            PRODUCTFLO_DEFAULT_ASSISTANTS=",",
            **self.variables,
        )
        self.web = await self._processes.enter_async_context(running(*PRODUCTFLO, "serve", env=env))
        found = await self.web.says(r"Running on http://127\.0\.0\.1:(\d+)")
        self.server.port = int(found[1])

    async def kill_web(self) -> None:
        """`kill -9` of the web server, then another one."""
        kill(self.web.pid)
        await self.web.ends()
        await self.start_web()

    async def kill_store(self) -> None:
        """`kill -9` of Valkey; its keeper starts it again, when it does."""
        kill(self.store_pid)

    async def pause_web(self) -> None:
        """The web process stands still for two seconds."""
        with paused(self.web_pid):
            await asyncio.sleep(2.0)

    async def pause_store(self) -> None:
        """Valkey stands still for two seconds."""
        with paused(self.store_pid):
            await asyncio.sleep(2.0)

    @property
    def web_pid(self) -> int:
        """The process id of the only web process; that of its parent is `web.pid`."""
        return web_process_of(self.web.pid)

    @property
    def store_pid(self) -> int:
        """The process id of Valkey."""
        server = holder(self.data_dir).server
        assert server is not None
        return server

    @property
    def keeper_pid(self) -> int:
        """The process id of the keeper."""
        return holder(self.data_dir).keeper


@asynccontextmanager
async def deployed(data_dir: Path, **variables: str) -> AsyncIterator[Deployment]:
    """An embedded store and a web server on it, which is ready; nothing is left of them at the end."""
    async with EmbeddedStore(data_dir, "the fault tests") as store, AsyncExitStack() as processes:
        deployment = Deployment(data_dir, store.url, processes)
        deployment.variables = variables
        await deployment.start_web()
        yield deployment


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """A process that stands still for as long as the block lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
