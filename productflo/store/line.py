"""One of redis-py's connections, asked without redis-py: bytes out, replies in.

redis-py finds the server, connects, logs in and speaks TLS. Then the transport's protocol is replaced by this
one, which needs no task, no stream and no timer for a question: of those a trip to the store costs 40 to
60 us where messages come one by one, as in most rooms they do.
"""

import asyncio
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

import hiredis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.timers import later

_PING = b"*1\r\n$4\r\nPING\r\n"

_free: WeakKeyDictionary[ConnectionPool, deque["Line"]] = WeakKeyDictionary()
"""Lines that nobody asks anything, by the pool whose connections they are; what was used last comes first."""


class Line(asyncio.Protocol):
    """A connection that is asked one thing at a time. Take it with `take_line`, give it back with `free`."""

    def __init__(self, pool: Any, connection: Any) -> None:
        """`connection` is the pool's, connected, and nobody else's."""
        self._pool = pool
        self._connection = connection
        self._transport: asyncio.Transport = connection._writer.transport
        self._reader: hiredis.Reader = connection._parser._reader
        self._timeout: float = connection.socket_timeout or 0.0
        self._loop = asyncio.get_running_loop()
        self._replies: list[Any] = []
        self._count = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        self._asked_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._stream: Any = self._transport.get_protocol()
        self._transport.set_protocol(self)

    @property
    def lost(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._transport.is_closing()

    @property
    def in_doubt(self) -> bool:
        """Whether it was not used for so long that the network may have forgotten it."""
        return self._loop.time() - self._asked_at > (self._connection.health_check_interval or float("inf"))

    async def ask(self, packed: bytes, count: int) -> list[Any]:
        """Send commands, and read so many replies; a refusal stands in its reply's place.

        Raises redis-py's `ConnectionError` where the connection is lost or the server is loading, and its
        `TimeoutError` after `socket_timeout`; the line is to be closed then, and where it is cancelled.
        """
        if self.lost:
            raise RedisConnectionError("The connection has just closed.")
        self._replies, self._count, self._asked_at = [], count, self._loop.time()
        self._answer = self._loop.create_future()
        self._transport.write(packed)
        if self._timer is None and self._timeout:
            self._timer = later(self._timeout, self._look)
        replies = await self._answer
        for reply in replies:
            if isinstance(reply, RedisConnectionError):  # LOADING, for one.
                raise reply
        return replies

    async def close(self) -> None:
        """Close the connection; redis-py may connect it anew for somebody else."""
        if self._timer:
            self._timer.cancel()
        await self._connection.disconnect(nowait=True)
        await self._pool.release(self._connection)

    def free(self) -> None:
        """Let others ask."""
        _free.setdefault(self._pool, deque()).append(self)

    def data_received(self, data: bytes) -> None:
        """The loop's: something was read."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NOT_ENOUGH_DATA:
                if type(reply) is not hiredis.PushNotification:  # What nobody asked for.
                    self._replies.append(reply)
        except InvalidResponse as error:
            self._fail(RedisConnectionError(f"The server does not speak as Redis does: {error}"))
            return
        if self._answer is not None and len(self._replies) >= self._count:
            answer, self._answer = self._answer, None
            if not answer.done():
                answer.set_result(self._replies)

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop's: the socket is gone. Who waits for its stream to close is told by that."""
        self._fail(RedisConnectionError(f"The connection was lost: {exc or 'closed by the server'}"))
        self._stream.connection_lost(exc)

    def _look(self) -> None:
        """The answer may have taken too long; look again when it would have."""
        self._timer = None
        if self._answer is None:
            return
        left = self._asked_at + self._timeout - self._loop.time()
        if left > 0:
            self._timer = later(left, self._look)
        else:
            self._fail(RedisTimeoutError(f"The store did not answer within {self._timeout:g} s."))

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self._transport.abort()


async def take_line(redis: Redis) -> Line:
    """A line to the server, for its caller alone. Raises redis-py's `ConnectionError` and `TimeoutError`."""
    free = _free.get(redis.connection_pool)
    while free:
        line = free.pop()
        try:
            if line.in_doubt:
                await line.ask(_PING, 1)
            if not line.lost:
                return line
        except (RedisConnectionError, RedisTimeoutError):
            pass  # Another one, then.
        except BaseException:
            await line.close()
            raise
        await line.close()
    pool: Any = redis.connection_pool
    return Line(pool, await pool.get_connection())
