"""An echo on real Hypercorn, in a process of its own: `python tests/echo.py own --port 9001`.

Its WebSockets are carried by ours (`own`), by Quart and Hypercorn in our hands (`quart`), or by both of them
as they come (`plain`), which shows what the first two are there for. Of the product only the wire is in it.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # This checkout's productflo, whichever is installed.

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Websocket, websocket

from productflo.protocol import frames
from productflo.protocol.codes import CloseCode
from productflo.server import quart_connection, upgrade, wire
from productflo.server.acceptor import accepting
from productflo.server.connection import Connection, Frame
from productflo.server.quart_connection import PacedWebsocket
from productflo.server.upgrade import Upgrade

MAX_MESSAGE = 262_144
PUSHED = Frame(b"x" * 16_384)


class Said(Frame):
    """What a client said, on its way back: binary stays binary."""

    def __init__(self, message: str | bytes) -> None:
        super().__init__(message if isinstance(message, bytes) else message.encode())
        opcode = frames.BINARY if isinstance(message, bytes) else frames.TEXT
        self.frame = frames.frame(self.envelope, opcode)
        self._said: Any = message

    @property
    def texts(self) -> Iterable[str]:
        """As it was said."""
        return (self._said,)


class Echo:
    """Says back what it hears; `stuck` has room for one message only, and never more."""

    def __init__(self, connection: Connection, live: set[Connection], *, stuck: bool = False) -> None:
        self.full = False
        self._connection = connection
        self._live = live
        self._stuck = stuck
        live.add(connection)

    def received(self, message: str | bytes) -> None:
        self.full = self._stuck
        if message == "push":  # More than anybody who does not read can be sent.
            for _ in range(1000):
                self._connection.send(PUSHED)
        else:
            self._connection.send(Said(message))

    def lost(self) -> None:
        self._live.discard(self._connection)


def ours(own: bool, max_message: int, live: set[Connection]) -> Quart:
    """The echo on our side of things."""
    app = Quart("echo")
    app.asgi_websocket_class = PacedWebsocket
    upgrades = Upgrade(own, max_message)

    async def accept(stuck: bool) -> None:
        bare: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]
        await upgrades.accept(bare, "", lambda connection: Echo(connection, live, stuck=stuck))

    @app.websocket("/ws")
    async def echo() -> None:
        await accept(stuck=False)

    @app.websocket("/stuck")
    async def stuck() -> None:
        await accept(stuck=True)

    return app


def plain() -> Quart:
    """The echo as Quart's documentation would have it."""
    app = Quart("echo")

    @app.websocket("/ws")
    async def echo() -> None:
        while True:
            message = await websocket.receive()
            if message == "push":
                for _ in range(1000):
                    await websocket.send(PUSHED.envelope.decode())
            await websocket.send(message)

    @app.websocket("/stuck")
    async def stuck() -> None:
        await websocket.receive()
        await asyncio.Event().wait()

    return app


async def run(
    carrier: str, port: int, deadline: float | None, certificate: Path | None, max_message: int
) -> None:
    """Serve until SIGTERM."""
    if deadline:
        wire.PING_INTERVAL = wire.PING_TIMEOUT = deadline
        for module in (wire, quart_connection, upgrade):
            module.CLOSE_TIMEOUT = deadline  # type: ignore[attr-defined]
    live: set[Connection] = set()
    app = plain() if carrier == "plain" else ours(carrier == "own", max_message, live)

    @app.get("/tasks")
    async def tasks() -> dict[str, int]:
        return {"tasks": len(asyncio.all_tasks()), "files": len(os.listdir("/proc/self/fd"))}

    config = Config()
    config.errorlog = None
    config.websocket_max_message_size = max_message
    config.alpn_protocols = ["http/1.1"]
    config.graceful_timeout = config.keep_alive_timeout = 1
    if carrier == "plain":
        config.websocket_ping_interval = deadline
    if certificate:
        config.certfile = config.keyfile = str(certificate)
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    print(f"echo on {listener.getsockname()[1]}", flush=True)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    with listener:
        if carrier == "plain":
            config.bind = [f"fd://{os.dup(listener.fileno())}"]
            await serve(app, config, shutdown_trigger=stopping.wait)
            return
        async with accepting(app, config, listener):
            await stopping.wait()
            for connection in list(live):
                connection.close(CloseCode.RESTART, "again")
            while live:  # noqa: ASYNC110 - nobody tells when the last one is gone
                await asyncio.sleep(0.01)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("carrier", choices=["own", "quart", "plain"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="uvloop")
    parser.add_argument("--deadline", type=float, help="seconds until a ping is sent, and to answer")
    parser.add_argument("--certificate", type=Path, help="PEM file with a key and its certificate")
    parser.add_argument("--max-message", type=int, default=MAX_MESSAGE)
    words = parser.parse_args()
    factory = None
    if words.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run(words.carrier, words.port, words.deadline, words.certificate, words.max_message))


if __name__ == "__main__":
    main()
