"""How commands leave for Redis, and how the replies to many of them are read.

redis-py 8.1 sends under `asyncio.wait_for`. Until Python 3.12 that makes a task for each command, and loses
a cancellation that comes as it ends (python/cpython#86296): a loop that was told to stop would go on.
Here the same is done under `asyncio.timeout`.

What listens takes at once what has arrived, where redis-py reads each message under a timer of its own.
tests/unit/test_sending.py fails when redis-py changes.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    _Base = AbstractConnection
else:
    _Base = object


class Sending(_Base):
    """Mixed into redis-py's connection classes."""

    _parser: Any

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        """Send. Raises redis-py's `TimeoutError` and `ConnectionError`; the connection is closed then."""
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self.socket_timeout):
                if self._writer is not None and self._writer.transport.is_closing():
                    raise ConnectionResetError("the connection has just closed")  # uvloop: a RuntimeError.
                await self._send_packed_command(_lines(command))
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("Timeout writing to socket") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while writing to socket: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    async def read_more(self) -> None:
        """Wait until more has arrived. Raises redis-py's `ConnectionError`; the connection is closed then."""
        try:
            await self._parser.read_from_socket()
        except OSError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while reading from socket: {error}") from error
        except RedisConnectionError:
            await self.disconnect(nowait=True)
            raise

    def arrived(self) -> Iterator[Any]:
        """What has arrived and was not read yet, refusals among it; waits for nothing."""
        reader = self._parser._reader if self.is_connected else None
        while reader is not None and (reply := reader.gets()) is not NOT_ENOUGH_DATA:
            yield reply


def send_without_tasks(pool: ConnectionPool) -> None:
    """Have the connections that a pool makes from now on send as above."""
    pool.connection_class = sending(pool.connection_class)


def sending(plain: type[AbstractConnection]) -> type[AbstractConnection]:
    """A class of connections that send as above."""
    return type(f"Sending{plain.__name__}", (Sending, plain), {})


def _lines(command: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(command, str):
        return [command.encode()]
    return [command] if isinstance(command, bytes) else command
