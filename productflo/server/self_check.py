"""Whether sockets can be taken over from the Hypercorn and Quart that are installed: tried before serving.

Takes some milliseconds. A version that is built otherwise must not show itself by clients that hear nothing.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

from hypercorn.config import Config
from quart import Quart, Websocket, websocket

from productflo.protocol import frames
from productflo.server.acceptor import accepting
from productflo.server.connection import Connection, Frame
from productflo.server.quart_connection import PacedWebsocket
from productflo.server.upgrade import Upgrade
from productflo.server.wire import Wire

log = logging.getLogger(__name__)

CHECK_TIMEOUT = 10.0
"""Seconds; far above what it takes, since a machine that is too busy would serve over Quart until it starts
again."""

_HELLO, _BYE = "hi", b"\x03\xe8"
_SERVERS = ("hypercorn.", "quart.", accepting.__module__)


class _NotAsExpected(Exception):
    """The text says what."""


async def takes_over() -> bool:
    """Upgrade a WebSocket on loopback, and see that it is ours: one line in the log where it is not."""
    try:
        await _try()
    except (_NotAsExpected, OSError, EOFError, TimeoutError) as error:
        log.error(
            "WebSockets stay with Quart and Hypercorn, at more memory each: their sockets can not be had "
            "(%s). Install the versions in requirements.lock, or set PRODUCTFLO_WIRE=quart.",
            str(error) or type(error).__name__,
        )
        return False
    return True


async def _try() -> None:
    connections: list[Connection] = []
    config = Config()
    config.errorlog = None
    config.graceful_timeout = 0
    failure: Exception | None = None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with accepting(_app(connections), config, listener):
            try:
                async with asyncio.timeout(CHECK_TIMEOUT):
                    await _visit(listener.getsockname()[1], connections)
            except (_NotAsExpected, OSError, EOFError) as error:
                failure = error  # As it is, and not in the group of a TaskGroup.
    if failure:
        raise failure


def _app(connections: list[Connection]) -> Quart:
    """A route as ours."""
    app = Quart("self-check", static_folder=None)
    app.asgi_websocket_class = PacedWebsocket
    upgrade = Upgrade(own=True, max_message=1024)

    def attend(connection: Connection) -> "_Echo":
        connections.append(connection)
        return _Echo(connection)

    @app.websocket("/")
    async def visited() -> None:
        plain: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]
        await upgrade.accept(plain, "", attend)

    return app


class _Echo:
    """Says back what it hears."""

    full = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def received(self, message: str | bytes) -> None:
        """Say it."""
        self._connection.send(Frame(str(message).encode()))

    def lost(self) -> None:
        """The check is over."""


async def _visit(port: int, connections: list[Connection]) -> None:
    """Be a client that offers compression and speaks at once. Raises `_NotAsExpected`."""
    before = _served()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            b"GET / HTTP/1.1\r\nHost: check\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_masked(_HELLO.encode(), frames.TEXT))
        _expect(b" 101 " in head, "the upgrade was refused")
        _expect(b"deflate" not in head.lower(), "compression was agreed on")
        hello = frames.frame(_HELLO.encode())
        _expect(await reader.readexactly(len(hello)) == hello, "a message was answered otherwise")
        _expect([type(one) for one in connections] == [Wire], "the socket was not taken over")
        await _until_ended(lambda: _served() - before)
        _expect(not connections[0].closed, "the socket ended with Hypercorn's tasks")
        writer.write(_masked(_BYE, frames.CLOSE))
        _expect(await reader.read() == frames.frame(_BYE, frames.CLOSE), "a close was answered otherwise")
    finally:
        writer.close()


async def _until_ended(tasks: Callable[[], set[asyncio.Task[object]]]) -> None:
    """Wait until Hypercorn and Quart have nothing to do with the connection any more."""
    while left := tasks():
        await asyncio.wait(left)


def _served() -> set[asyncio.Task[object]]:
    """Tasks that serve connections, those of Hypercorn and Quart among them."""
    return {
        task
        for task in asyncio.all_tasks()
        if (frame := getattr(task.get_coro(), "cr_frame", None))
        and frame.f_globals.get("__name__", "").startswith(_SERVERS)
    }


def _masked(payload: bytes, opcode: int) -> bytes:
    """A client's frame; a key of zeros leaves the payload as it is."""
    return bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _NotAsExpected(otherwise)
