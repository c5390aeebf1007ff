"""The process that keeps one embedded store running for as long as anybody uses it.

`python -m productflo.store.keeper DATA_DIR FSYNC` takes the folder's lock, starts Valkey and listens on a
socket of its own. A user of the store is a process that holds a connection to that socket: the kernel closes
it however the user ends, so when the last one is closed the store is stopped and the keeper ends. The keeper
is nobody's child, so that processes started side by side, as from a Procfile, share one store whichever came
first and whichever leaves last.

A user sends one line, who it is. The keeper sends lines of JSON, each with one key: `url` (the store answers
there), `failed` (it did not start; the text says why, and the keeper ends) or `note` (a word for the log).
"""

import asyncio
import contextlib
import fcntl
import itertools
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from productflo.store import valkey
from productflo.store.folder import Folder, Holder

FIRST_USER_SECONDS = 10.0  # Its starter connects at once; if that one died instead, the keeper ends.
LOCK_SECONDS = 15.0  # A predecessor that is stopping its store is done in 10.
LOCK_LOOK_SECONDS = 0.05
ORPHAN_SECONDS = 1.0  # A folder locked and not listening for so long holds a store whose keeper was killed.
RESTART_SECONDS = (0.1, 0.5, 2.0, 10.0)  # Pauses before starts again; the last one repeats.
STEADY_SECONDS = 60.0  # A store that ran for so long starts its pauses over.

log = logging.getLogger("productflo.store.keeper")


class Keeper:
    """One store and the connections of its users."""

    def __init__(self, folder: Folder, lock: TextIO, fsync: valkey.Fsync) -> None:
        self._folder = folder
        self._fsync = fsync
        self._lock = lock
        self._users: dict[asyncio.StreamWriter, str] = {}
        self._server_pid: int | None = None
        self._last_word: dict[str, str] | None = None
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Keep the store until the last user has left or the process is asked to end."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop.set)
        loop.call_later(FIRST_USER_SECONDS, self._stop_unless_used)
        self._folder.keeper_socket.unlink(missing_ok=True)
        listener = await asyncio.start_unix_server(self._serve_user, self._folder.keeper_socket)
        _say_listening()
        keeping = asyncio.create_task(self._keep())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        # Nobody may come in from here on: a new user finds no socket and waits for the lock.
        listener.close()
        self._folder.keeper_socket.unlink(missing_ok=True)
        keeping.cancel()
        stopping.cancel()
        await asyncio.wait((keeping, stopping))
        for writer in list(self._users):
            writer.close()
        if not keeping.cancelled():
            keeping.result()

    async def _keep(self) -> None:
        """Start the store, and start it again whenever it ends; return when it does not start at all."""
        try:
            binary = valkey.find_binary()
            await valkey.check_version(binary)
            server = await self._start(binary)
        except valkey.StoreFailed as failure:
            log.error("%s", failure)
            self._last_word = {"failed": str(failure)}
            self._tell(self._last_word)
            await self._stop.wait()  # Whoever asked for the store may still have to come and hear it.
            return
        try:
            pauses = _pauses()
            while True:
                begin = asyncio.get_running_loop().time()
                ended = valkey.how_it_ended(await server.wait())
                self._last_word = None
                if asyncio.get_running_loop().time() - begin > STEADY_SECONDS:
                    pauses = _pauses()
                self._say(f"the store ended with {ended}; it starts again")
                server = await self._start_again(binary, pauses)
                self._say("the store runs again")
        finally:
            log.info("the store stops")
            await valkey.stop(server)

    async def _start(self, binary: Path) -> Process:
        server = await valkey.start(binary, self._folder.place, self._fsync, pass_fds=(self._lock.fileno(),))
        self._server_pid = server.pid
        self._note_holders()
        self._last_word = {"url": self._folder.url}
        self._tell(self._last_word)
        return server

    async def _start_again(self, binary: Path, pauses: Iterator[float]) -> Process:
        for pause in pauses:
            await asyncio.sleep(pause)
            try:
                return await self._start(binary)
            except valkey.StoreFailed as failure:
                self._say(str(failure))
        raise valkey.StoreFailed("The pauses between two starts came to an end, which they never do.")

    async def _serve_user(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count one user from its first line to the end of its connection."""
        try:
            who = (await reader.readline()).decode(errors="replace").strip()
            if (
                who and not self._stop.is_set()
            ):  # Who comes too late hears nothing, and starts another keeper.
                self._users[writer] = who
                self._note_holders()
                if self._last_word is not None:
                    self._tell(self._last_word, writer)
                await reader.read()
        except ConnectionError as error:
            log.debug("a user's connection broke: %s", error)
        finally:
            if self._users.pop(writer, None):
                self._note_holders()
                self._stop_unless_used()
            if self._stop.is_set():
                # The last of all waits for our end: a copy of its socket is closed by that.
                os.dup(writer.get_extra_info("socket").fileno())
            writer.close()  # Last, so that who leaves knows that it is no longer listed.

    def _stop_unless_used(self) -> None:
        if not self._users:
            self._stop.set()

    def _say(self, text: str) -> None:
        log.warning("%s", text)
        self._tell({"note": text})

    def _tell(self, message: dict[str, str], *users: asyncio.StreamWriter) -> None:
        line = json.dumps(message).encode() + b"\n"
        for writer in users or tuple(self._users):
            writer.write(line)

    def _note_holders(self) -> None:
        holder = Holder(os.getpid(), self._server_pid, tuple(self._users.values()))
        self._folder.write_holder(self._lock, holder)


def _pauses() -> Iterator[float]:
    return itertools.chain(RESTART_SECONDS, itertools.repeat(RESTART_SECONDS[-1]))


def _say_listening() -> None:
    """Tell the process that started this one, which waits for a line or the end of the pipe."""
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


async def take_lock(folder: Folder) -> TextIO | None:
    """Lock the folder and return the lock's file, or None where a living keeper has it.

    Waits for a predecessor that is stopping, and ends a store whose keeper was killed. The store inherits the
    lock, so it is free only when both are gone. Raises `StoreFailed` after `LOCK_SECONDS`.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time()
    lock = folder.lock.open("a+")
    while loop.time() - begin < LOCK_SECONDS:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if await _listens(folder.keeper_socket):
                lock.close()
                return None
        else:
            return lock
        holder = folder.read_holder()
        if holder is not None and holder.server is not None and loop.time() - begin > ORPHAN_SECONDS:
            with contextlib.suppress(ProcessLookupError):  # It went by itself in this moment.
                os.kill(holder.server, signal.SIGTERM)
        await asyncio.sleep(LOCK_LOOK_SECONDS)
    lock.close()
    raise valkey.StoreFailed(
        f"{folder.lock} is held by a process that does not answer: {folder.read_holder()}"
    )


async def _listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


async def keep(data_dir: Path, fsync: valkey.Fsync) -> None:
    """Keep the store of `data_dir`; return at once where another keeper does."""
    folder = Folder(data_dir)
    lock = await take_lock(folder)
    if lock is not None:
        with lock:
            await Keeper(folder, lock, fsync).run()


def main() -> None:
    """Become nobody's child, since the process that asked for a keeper may end before it, and keep."""
    if os.fork():
        os._exit(0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        asyncio.run(keep(Path(sys.argv[1]), "everysec" if sys.argv[2] == "everysec" else "always"))
    except valkey.StoreFailed as failure:
        log.error("%s", failure)
        sys.exit(1)


if __name__ == "__main__":
    main()
