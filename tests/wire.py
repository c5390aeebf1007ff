"""A wire to the store that a test can cut and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any


class Wire:
    """Passes bytes on between a TCP port and the store's unix socket; the port stays the same."""

    def __init__(self, socket_path: str, tls: SSLContext | None = None) -> None:
        self._path = socket_path
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[Any]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The store's address through this wire."""
        return f"redis://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for passing in self._passing:
            passing.cancel()
        if self._passing:
            await asyncio.wait(self._passing)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass_on(reader, writer))
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            store_reader, store_writer = await asyncio.open_unix_connection(self._path)
            try:
                await asyncio.gather(_pass(reader, store_writer), _pass(store_reader, writer))
            finally:
                store_writer.transport.abort()
        finally:
            writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wired(store_url: str, tls: SSLContext | None = None) -> AsyncIterator[Wire]:
    """A wire to an embedded store, whole at first; with `tls` it is encrypted up to that store's socket."""
    wire = Wire(store_url.removeprefix("unix://").partition("?")[0], tls)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
