"""Connections accepted from a socket that several processes share, given to Hypercorn, ended in order.

Hypercorn's own `serve` can not be used for this. It accepts all that waits at once, so that in a storm of
reconnections one process takes most of them; it goes on accepting until its last WebSocket is gone; and on
Python 3.12 and later it waits for open connections without an end (Hypercorn's issue 308).
"""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLError

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.utils import wrap_app
from quart import Quart

log = logging.getLogger(__name__)

LEAVE_TO_OTHERS = 0.002
"""Seconds after one connection before the next is accepted, where other processes share the socket: in a
storm those that run already would else take most before others wake up. (Of 90 that came at once the least of
three processes had 12 to 19 without it, 25 to 28 with it.) 500 a second are more than one can greet."""
FIRST_REQUEST = 1.0
"""Seconds that a connection accepted just before the end has for sending its request."""
ACCEPT_AGAIN = 1.0
"""Seconds until accepting is tried again after the system had no descriptor or memory for a connection."""
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Acceptor:
    """Serves `app` on what `listener` accepts, from `start` to `finish`. `app` must have been started.

    After each connection the others have `pause` seconds to take the next. TLS, time-outs and limits of HTTP
    are as `config` says. The listening socket is not closed here: other
    processes accept from it, and go on when this one stops.
    """

    def __init__(
        self,
        app: Quart,
        config: Config,
        listener: socket.socket,
        pause: float,
        connections: asyncio.TaskGroup,
    ) -> None:
        self._app = wrap_app(app, config.wsgi_max_body_size, "asgi")
        self._config = config
        self._listener = listener
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._ssl = config.create_ssl_context()
        self._ending = WorkerContext(None)
        self._tasks = connections
        self._since: dict[asyncio.Task[None], float] = {}
        self._transports: set[asyncio.BaseTransport] = set()
        self._accepting = False

    def start(self) -> None:
        """Accept from now on."""
        self._listener.setblocking(False)
        self._listener.listen(self._config.backlog)
        self._accepting = True
        self._loop.add_reader(self._listener, self._accept)

    def stop_accepting(self) -> None:
        """Leave to others, or to nobody, who connects from now on; those who are here stay."""
        self._accepting = False
        self._loop.remove_reader(self._listener)

    async def finish(self) -> None:
        """Let requests in progress end, for at most `graceful_timeout` seconds; then drop what is left.

        A connection that has just been accepted may still send its request: it can not know.
        """
        now = self._loop.time()
        fresh = [task for task, since in self._since.items() if now - since < FIRST_REQUEST]
        if fresh:
            await asyncio.wait(fresh, timeout=FIRST_REQUEST)
        await self._ending.terminated.set()  # Idle connections end, and so do others after their answer.
        if self._since:
            await asyncio.wait(list(self._since), timeout=self._config.graceful_timeout)
        if self._since:
            log.info("%d connections had not ended and are dropped", len(self._since))
        for transport in self._transports:
            transport.abort()  # type: ignore[attr-defined]  # Every transport of a socket can.
        for task in list(self._since):
            task.cancel()

    def _accept(self) -> None:
        """Take one connection: a process that is less busy may have the next."""
        try:
            plain, _ = self._listener.accept()
        except OSError as error:  # Mostly: another process was faster, or the client has left.
            if error.errno in EXHAUSTED:
                log.error("no connection can be accepted now: %s", error)
                self._stand_back(ACCEPT_AGAIN)
            return
        if self._pause:
            self._stand_back(self._pause)
        plain.setblocking(False)
        task = self._tasks.create_task(self._serve(plain))
        self._since[task] = self._loop.time()
        task.add_done_callback(self._since.pop)

    def _stand_back(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._accept_again)

    def _accept_again(self) -> None:
        if self._accepting:
            self._loop.add_reader(self._listener, self._accept)

    async def _serve(self, plain: socket.socket) -> None:
        """Serve one connection to its end, whatever happens on it."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol,
                plain,
                ssl=self._ssl,
                ssl_handshake_timeout=self._config.ssl_handshake_timeout if self._ssl else None,
            )
        except (OSError, SSLError) as error:
            log.debug("a connection ended before its first byte: %s", error)
            plain.close()
            return
        self._transports.add(transport)
        try:
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            await TCPServer(self._app, self._loop, self._config, self._ending, {}, reader, writer)
        except Exception:
            log.exception("a connection failed")
            transport.close()
        finally:
            self._transports.discard(transport)


@asynccontextmanager
async def accepting(
    app: Quart, config: Config, listener: socket.socket, pause: float = 0.0
) -> AsyncIterator[Acceptor]:
    """Accept within; at its end nothing is accepted any more, and every connection has ended."""
    async with asyncio.TaskGroup() as connections:
        acceptor = Acceptor(app, config, listener, pause, connections)
        acceptor.start()
        try:
            yield acceptor
        finally:
            acceptor.stop_accepting()
            await acceptor.finish()
