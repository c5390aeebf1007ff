"""What people would pick instead, each as its documentation shows it; the programs are in peers/."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.crowd import Dialect, built
from benchmarks.machine import OTHER_CORE, SERVER_CORE, on_core
from benchmarks.our_server import CHAT, DIALECT, HERE
from benchmarks.peer_packages import SOURCES, node_with_packages, python_with_packages
from benchmarks.systems import Running, free_port, process
from productflo.store.valkey import find_binary

UVICORN = ("-m", "uvicorn", "--no-access-log", "--host", "127.0.0.1", "--port", "{port}")
UVICORN_SAYS = r"Uvicorn running on"
LISTENING = r"listening"

_PLAIN = Dialect("/ws/r%r", (('"joined"', ""),), CHAT)
"""JSON in plain WebSocket messages; the room stands in the address."""
_LEAST = Dialect("/ws/r%r", (("joined", ""),), CHAT)
_RAW = replace(_LEAST, mask=0)
_SOCKET_IO = Dialect(
    "/socket.io/?EIO=4&transport=websocket",
    (("0{", "40"), ("40{", '42["join",{"user_id":"u%i","room_id":"r%r"}]'), ('"joined"', "")),
    f'42["chat",{CHAT}]',
)
"""Engine.IO's and Socket.IO's packets, straight on a WebSocket."""


@dataclass(frozen=True, slots=True)
class PythonPeer:
    """A program of peers/ on a Python with the peers' packages."""

    name: str
    words: tuple[str, ...]
    """After `python`; `{port}` is filled in."""
    says: str
    dialect: Dialect

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """On the server's core, and a Valkey that keeps nothing on the other."""
        port = free_port()
        words = tuple(word.format(port=port) for word in self.words)
        command = on_core(SERVER_CORE, str(python_with_packages()), *words)
        with redis(folder) as (url, store):
            env = {**os.environ, "REDIS_URL": url, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
            with process(command, folder / "log", self.says, env, SOURCES) as server:
                yield Running(port, {"server": server.pid, "store": store})


@dataclass(frozen=True, slots=True)
class NodePeer:
    """A program of peers/ on Node."""

    name: str
    program: str
    dialect: Dialect

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """On the server's core, and a Valkey that keeps nothing on the other."""
        port = free_port()
        programs = node_with_packages()
        command = on_core(SERVER_CORE, "node", str(programs / self.program), str(port))
        with redis(folder) as (url, store):
            env = {**os.environ, "REDIS_URL": url, "NODE_ENV": "production"}
            with process(command, folder / "log", LISTENING, env, programs) as server:
                yield Running(port, {"server": server.pid, "store": store})


@dataclass(frozen=True, slots=True)
class Reflector:
    """The least that a server can do, in C: the ceiling of the load generator and the kernel."""

    name: str = "ceiling (C)"
    dialect: Dialect = _LEAST

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """On the server's core."""
        port = free_port()
        command = on_core(SERVER_CORE, str(built("reflector", "reflector.c")), str(port))
        with process(command, folder / "log", LISTENING, os.environ, folder) as server:
            yield Running(port, {"server": server.pid})


@dataclass(frozen=True, slots=True)
class Floor:
    """Our own path with nothing beside it (floor.py), on a Valkey that flushes as ours does."""

    name: str = "the path alone"
    dialect: Dialect = DIALECT

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """On the server's core, and its Valkey on the other."""
        port = free_port()
        with redis(folder, "--appendonly", "yes", "--appendfsync", "always") as (url, store):
            command = on_core(SERVER_CORE, sys.executable, "-m", "benchmarks.floor", str(port), url)
            with process(command, folder / "log", LISTENING, os.environ, HERE) as server:
                yield Running(port, {"server": server.pid, "store": store})


PEERS = (
    NodePeer("socket.io + Redis adapter", "socketio_redis.js", _SOCKET_IO),
    NodePeer("ws", "ws_rooms.js", _PLAIN),
    PythonPeer("picows", ("picows_rooms.py", "{port}"), LISTENING, _PLAIN),
    PythonPeer("FastAPI", (*UVICORN, "fastapi_loop:app"), UVICORN_SAYS, _PLAIN),
    PythonPeer("python-socketio + Redis", (*UVICORN, "socketio_redis:app"), UVICORN_SAYS, _SOCKET_IO),
    PythonPeer(
        "Django Channels + Redis", (*UVICORN, "channels_redis_rooms:application"), UVICORN_SAYS, _PLAIN
    ),
    Floor(),
    PythonPeer("raw uvloop, joined", ("raw_uvloop.py", "{port}"), LISTENING, _RAW),
    Reflector(),
)


@contextmanager
def redis(folder: Path, *keeping: str) -> Iterator[tuple[str, int]]:
    """A Valkey on the other core, in memory or `keeping` what it is told to: its address and process id."""
    port = free_port()
    words = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *keeping)
    command = on_core(OTHER_CORE, str(find_binary()), *words)
    with process(command, folder / "store.log", "Ready to accept connections", os.environ, folder) as store:
        yield f"redis://127.0.0.1:{port}/0", store.pid
