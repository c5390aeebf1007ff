"""Use of the embedded store: `async with EmbeddedStore(data_dir) as store: ... store.url`."""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from productflo.store.folder import Folder, Holder
from productflo.store.valkey import Fsync, StoreFailed

__all__ = ["EmbeddedStore", "StoreFailed", "holder_of"]

JOIN_SECONDS = 20.0  # Longer than a predecessor takes to stop its store.
LEAVE_SECONDS = 4.0  # The last to leave waits for the store to flush and end; others are answered at once.
AGAIN_SECONDS = 0.1  # Between two tries to find or start a keeper.

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

log = logging.getLogger("productflo.store")


def holder_of(data_dir: Path) -> Holder | None:
    """Return who uses the store in `data_dir` now; None where nobody does, or its last user has just left."""
    holder = Folder(data_dir).holder()
    return holder if holder is not None and holder.users else None


class EmbeddedStore:
    """A share in the store that lives in `data_dir`, which is started when this is its first user.

    The store runs until its last user has left, in whatever way. If its keeper is killed, this user starts
    another: the address stays the same, connections to it break for that moment. `who` is what others
    are told when they find the folder in use. `fsync` counts where this share starts the store.
    """

    def __init__(self, data_dir: Path, who: str = "a ProductFlo server", *, fsync: Fsync = "always") -> None:
        self._data_dir = data_dir
        self._fsync = fsync
        self._who = f"{who} (process {os.getpid()})"
        self._connection: Connection | None = None
        self._staying: asyncio.Task[None] | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        """Return once the store answers. Raises `StoreFailed`, whose text says why and how to go on."""
        folder = await asyncio.to_thread(Folder, self._data_dir)
        self._connection = await self._join(folder)
        self.url = folder.url
        self._staying = asyncio.create_task(self._stay(folder), name="embedded store")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the share back; the last to do so stops the store."""
        if self._staying is not None:
            self._staying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._staying
        if self._connection is not None:
            await _leave(*self._connection)

    async def _join(self, folder: Folder) -> Connection:
        """Return a connection to the folder's keeper, started here where there is none; its store answers."""
        give_up = asyncio.get_running_loop().time() + JOIN_SECONDS
        while asyncio.get_running_loop().time() < give_up:
            try:
                reader, writer = await asyncio.open_unix_connection(folder.keeper_socket)
            except (FileNotFoundError, ConnectionRefusedError):
                if not await asyncio.to_thread(_start_keeper, folder, self._fsync):
                    await asyncio.sleep(AGAIN_SECONDS)  # Another process's keeper is about to listen.
                continue
            if await self._ready(reader, writer):
                return reader, writer
        raise StoreFailed(f"The store's keeper does not start; its words are in {folder.log}.")

    async def _ready(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether the store answers; False where the keeper was just leaving."""
        try:
            writer.write(self._who.encode() + b"\n")
            while line := await reader.readline():
                said = json.loads(line)
                if "url" in said:
                    return True
                if "failed" in said:
                    raise StoreFailed(said["failed"])
                log.warning("%s", said["note"])
        except ConnectionError as error:
            log.debug("the keeper left: %s", error)
        except BaseException:
            await _leave(reader, writer)
            raise
        writer.close()
        return False

    async def _stay(self, folder: Folder) -> None:
        """Hold the connection, pass on the keeper's words, and start a keeper again where it was killed."""
        while self._connection is not None:
            reader, writer = self._connection
            while line := await reader.readline():
                if note := json.loads(line).get("note"):
                    log.warning("%s", note)
            self._connection = None
            writer.close()
            log.warning("the store's keeper ended; another one starts")
            self._connection = await self._join_again(folder)
            log.warning("the store runs again")

    async def _join_again(self, folder: Folder) -> Connection:
        while True:
            try:
                return await self._join(folder)
            except StoreFailed as failure:
                log.error("%s", failure)
                await asyncio.sleep(JOIN_SECONDS)


async def _leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the connection once the keeper has struck us off: the next one must not find us in its list.

    Where we were the last, that is when the store and its keeper have ended.
    """
    try:
        writer.write_eof()
        async with asyncio.timeout(LEAVE_SECONDS):
            await reader.read()
    except (OSError, TimeoutError) as error:
        log.debug("the keeper did not say goodbye: %s", error)
    finally:
        writer.close()


def _start_keeper(folder: Folder, fsync: Fsync) -> bool:
    """Start a keeper; return whether it listens (else it found another one). Blocks for about 0.1 seconds.

    Not through the event loop's own subprocesses: uvloop lets a copy of the pipe slip into the child, and the
    end of the pipe is what tells that the keeper stands on its own.
    """
    with folder.log.open("ab") as words:
        asked = subprocess.run(
            [sys.executable, "-m", "productflo.store.keeper", folder.root, fsync],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,
            check=False,
        )
    if asked.returncode:
        raise StoreFailed(f"The store's keeper can not run; its words are in {folder.log}.")
    return bool(asked.stdout)
