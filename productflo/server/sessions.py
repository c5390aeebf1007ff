"""The sessions of this process, and what they do: one task group owns it all.

A session has a task only while there is something to do. An idle one costs no more than its objects.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from productflo.domain.identity import Identity
from productflo.protocol.codes import CloseCode
from productflo.server.connection import Connection
from productflo.server.door import Door
from productflo.server.session import Session

log = logging.getLogger(__name__)

INBOX_MESSAGES = 16
"""Messages read ahead of their handling; then the client is left unread."""
INBOX_BYTES = 65_536
"""The same in bytes of memory. One message more may be taken, however large it is allowed to be."""
LAST_WORDS = 2.0
"""Seconds that what a client said before it left has to be handled."""


class Sessions:
    """Opens sessions. `run` must run while they are served."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._group: asyncio.TaskGroup | None = None
        self._open: set[OpenSession] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def run(self) -> None:
        """Own what sessions do, until cancelled; that ends with it."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    @property
    def running(self) -> bool:
        """Whether anything can be done for a session."""
        return self._group is not None

    def open(self, identity: Identity | None, connection: Connection) -> "OpenSession":
        """Begin a session; `identity` is None on an open server, where the first envelope says who speaks."""
        session = OpenSession(self, self._door, identity, connection)
        self._open.add(session)
        self._none_open.clear()
        return session

    def closed(self, session: "OpenSession") -> None:
        """A session has ended, and all that belongs to it."""
        self._open.discard(session)
        if not self._open:
            self._none_open.set()

    async def all_closed(self) -> None:
        """Wait until no session is left."""
        await self._none_open.wait()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that the process owns. It runs in an empty context: a request's would keep the request."""
        if self._group is None:
            work.close()
            raise RuntimeError("Sessions need a process that serves: an ASGI server with lifespan.")
        return self._group.create_task(work, context=Context())


class OpenSession:
    """A session's inbox and its end: the `Receiver` of its connection, and the owner of its tasks."""

    __slots__ = ("_connection", "_expiry", "_inbox", "_session", "_sessions", "_size", "_working")

    def __init__(
        self, sessions: Sessions, door: Door, identity: Identity | None, connection: Connection
    ) -> None:
        self._sessions = sessions
        self._connection = connection
        self._inbox: list[str | bytes] = []
        self._size = 0
        self._session = Session(door, connection, identity, self)
        self._expiry = self._end_with_token(identity.expires_at) if identity and identity.expires_at else None
        self._working: asyncio.Task[None] | None = self.create_task(self._begin())

    @property
    def full(self) -> bool:
        """See `Receiver.full`."""
        return len(self._inbox) >= INBOX_MESSAGES or self._size >= INBOX_BYTES or self._session.full

    def received(self, message: str | bytes) -> None:
        """See `Receiver.received`. While the process ends, nobody is left to handle it."""
        if not self._sessions.running:
            return
        if self._working is None:
            if (rest := self._session.take(message)) is not None:
                self._working = self.create_task(self._go_on(rest))
            return
        self._inbox.append(message)
        self._size += sys.getsizeof(message)

    def lost(self) -> None:
        """See `Receiver.lost`."""
        if self._expiry:
            self._expiry.cancel()
        if self._sessions.running:
            self.create_task(self._leave())

    def create_task(self, work: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        """Do something for the session; a fault in it ends the connection, and nothing else."""
        return self._sessions.spawn(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("A session failed")
            self._connection.close(CloseCode.INTERNAL, "internal error; reconnect and resume")

    async def _begin(self) -> None:
        await self._session.begin()
        await self._work()

    async def _go_on(self, rest: Coroutine[Any, Any, None]) -> None:
        """Finish what was begun, then what came meanwhile."""
        await rest
        await self._work()

    async def _work(self) -> None:
        """Handle what the client said, one after the other; let others have their turn in between."""
        while self._inbox:
            message = self._inbox.pop(0)
            await self._session.receive(message)
            self._size -= sys.getsizeof(message)
            if len(self._inbox) <= INBOX_MESSAGES // 2 and self._size <= INBOX_BYTES // 2:
                self._connection.read_on()
            if self._inbox:
                await asyncio.sleep(0)
        self._working = None

    async def _leave(self) -> None:
        """Somebody who says a word and leaves has said it; then the session ends."""
        try:
            if self._working:
                _, stuck = await asyncio.wait({self._working}, timeout=LAST_WORDS)
                for one in stuck:
                    one.cancel()
                    await asyncio.wait({one})  # It may be about to subscribe.
            await self._session.end()
        finally:
            self._sessions.closed(self)

    def _end_with_token(self, expires_at: float) -> asyncio.TimerHandle:
        """A right that was given for a time lasts no longer."""
        return asyncio.get_running_loop().call_later(
            expires_at - time.time(),
            self._connection.close,
            CloseCode.UNAUTHENTICATED,
            "the token has expired; reconnect with a new one",
            context=Context(),
        )
