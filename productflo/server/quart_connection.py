"""A connection over Quart's own `receive` and `send`: works on any ASGI server."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Websocket
from quart.asgi import ASGIWebsocketConnection

from productflo import metrics
from productflo.domain.passing import Passing
from productflo.protocol.codes import CloseCode
from productflo.protocol.ids import random_id
from productflo.server.connection import Frame
from productflo.server.transport import transport_of, transport_under

INBOX = 16
"""Messages read ahead of their handling; then the socket is left unread. (Quart's own queue has no bound:
one flooding client took 300 MB in 2.5 s.)"""
OUTBOX_BYTES = 1_048_576
"""Bytes that may wait for a slow reader: a thousand messages, which is as much as a resume replays."""
LOW_WATER = 65_536
"""Bytes below which the outbox counts as drained."""
CLOSE_TIMEOUT = 2.0
"""Seconds for what is being sent and the close frame to leave; behind a stuck reader they never do."""

_SHED = {kind: metrics.SHED.labels(kind.name.lower()) for kind in Passing}


class _Inbox(asyncio.Queue[Any]):
    """A message counts as handled when the next one is asked for."""

    _handling = False

    async def get(self) -> Any:
        if self._handling:
            self._handling = False
            self.task_done()
        message = await super().get()
        self._handling = True
        return message


class BoundedInbox(ASGIWebsocketConnection):
    """Quart's ASGI connection with a bounded queue of messages from the client, and a bounded end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = _Inbox(INBOX)
        self._gone = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """As Quart's; then read on until the client is gone, which it is soon.

        A server that nobody takes messages from any more would wait for ever with the next one in its hand.
        """
        await super().__call__(receive, send)
        if not self._accepted or self._gone:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._client_leaves(receive)
        except TimeoutError:
            if transport := transport_of(send):
                transport.abort()
                await self._client_leaves(receive)

    async def handle_messages(self, receive: ASGIReceiveCallable) -> None:
        """Take messages in until the client is gone, and what it said before was handled.

        Quart cancels the handler when this returns; somebody who says a word and leaves has said it.
        """
        await super().handle_messages(receive)
        self._gone = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.queue.join()

    async def _client_leaves(self, receive: ASGIReceiveCallable) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass


class QuartConnection:
    """A `Connection` on an accepted Quart WebSocket.

    `write()` must run beside the reader; it ends when the connection is closed.
    """

    def __init__(self, websocket: Websocket, address: str) -> None:
        self.id = random_id("conn")
        self.address = address
        self._websocket = websocket
        self._outbox: deque[Frame] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._ending = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._closing: tuple[CloseCode, str] | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing more will be sent."""
        return self._closing is not None

    def send(self, frame: Frame) -> None:
        """See `Connection.send`."""
        if self._closing:
            return
        if frame.passing and self._waiting_bytes > OUTBOX_BYTES * frame.passing // 4:
            _SHED[frame.passing].inc()
            return
        if self._waiting_bytes + len(frame) > OUTBOX_BYTES and self._outbox:
            self.close(CloseCode.SLOW, "reading too slowly; reconnect and resume")
            return
        self._outbox.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > LOW_WATER:
            self._drained.clear()
        self._changed.set()

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Connection.close`."""
        if self._closing is None:
            metrics.CLOSES.labels(code.value).inc()
            self._closing = (code, reason)
            self._ending.set()
            self._outbox.clear()
            self._changed.set()
            self._drained.set()

    async def drained(self) -> None:
        """See `Connection.drained`."""
        await self._drained.wait()

    async def messages(self) -> AsyncIterator[str | bytes | None]:
        """What the client sends, until the connection ends; an empty binary message is None."""
        while not self._closing:
            yield await self._websocket.receive()

    async def write(self) -> None:
        """Send what is handed over, until closed; then the close frame.

        A reader who does not take that in time is dropped.
        """
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_all())
            await self._ending.wait()
            _, stuck = await asyncio.wait({sending}, timeout=CLOSE_TIMEOUT)
            if stuck and (transport := transport_under(self._websocket)):
                transport.abort()
            sending.cancel()

    async def _send_all(self) -> None:
        while not self._closing:
            await self._changed.wait()
            self._changed.clear()
            while self._outbox:
                frame = self._outbox.popleft()
                self._waiting_bytes -= len(frame)
                if self._waiting_bytes <= LOW_WATER:
                    self._drained.set()
                await self._websocket.send(frame.text)
        await self._websocket.close(*self._closing)
