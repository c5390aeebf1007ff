"""A connection over Quart's own `receive` and `send`: works on any ASGI server, over HTTP/2 too."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Websocket
from quart.asgi import ASGIWebsocketConnection

from productflo import metrics
from productflo.protocol.codes import CloseCode
from productflo.protocol.ids import random_id
from productflo.server.connection import (
    CLOSE_TIMEOUT,
    LOW_WATER,
    OUTBOX_BYTES,
    Frame,
    Joined,
    Receiver,
    shed,
    too_slow,
)
from productflo.server.hypercorn_parts import parts_of
from productflo.server.take_over import is_taken_over

_LEFT: Any = object()
"""Follows the client's last message in Quart's queue."""


class PacedWebsocket(ASGIWebsocketConnection):
    """Quart's ASGI side of a WebSocket, which takes in one message at a time, and ends in time.

    (Quart's queue has no bound: one flooding client took 300 MB in 2.5 s.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = asyncio.Queue(1)
        self._gone = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """As Quart's; then read on until the client is gone, which it is soon.

        A server that nobody takes messages from any more would wait for ever with the next one in its hand.
        """
        await super().__call__(receive, send)
        if is_taken_over(send):
            return
        if not self._accepted or self._gone or await _client_leaves(receive):
            return
        if parts := parts_of(send):
            parts.transport.abort()
            await _client_leaves(receive)

    async def handle_messages(self, receive: ASGIReceiveCallable) -> None:
        """Take messages in until the client is gone, and what it said before was taken over.

        Quart cancels the handler when this returns. An empty binary message stays one.
        """
        while (event := await receive())["type"] != "websocket.disconnect":
            if event["type"] == "websocket.receive":
                text = event.get("text")
                await self.queue.put(event.get("bytes") or b"" if text is None else text)
        self._gone = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.queue.put(_LEFT)
                await self.queue.join()  # For ever: the handler ends by itself, and this with it.


async def _client_leaves(receive: ASGIReceiveCallable) -> bool:
    """Whether the client was gone in time; what it still says is thrown away."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            while (await receive())["type"] != "websocket.disconnect":
                pass
    except TimeoutError:
        return False
    return True


class QuartConnection:
    """A `Connection` on an accepted Quart WebSocket, for as long as `run` runs.

    `transport` is what carries it, where that is known and not shared: it is cut where ASGI can only wait.
    """

    def __init__(
        self,
        websocket: Websocket,
        address: str,
        max_message: int,
        transport: asyncio.WriteTransport | None = None,
    ) -> None:
        self.id = random_id("conn")
        self.address = address
        self._websocket = websocket
        self._max_message = max_message
        self._transport = transport
        self._outbox: deque[Frame | Joined] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._ending = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._room = asyncio.Event()
        self._closing: tuple[CloseCode, str] | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing more will be sent."""
        return self._ending.is_set()

    def send(self, frame: Frame | Joined) -> None:
        """See `Connection.send`."""
        if self.closed or shed(frame, self._waiting_bytes):
            return
        if self._waiting_bytes + len(frame) > OUTBOX_BYTES and self._outbox:
            self.close(CloseCode.SLOW, too_slow())
            return
        self._outbox.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > LOW_WATER:
            self._drained.clear()
        self._changed.set()

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Connection.close`."""
        if not self.closed:
            metrics.CLOSES.labels(code.value).inc()
            self._closing = (code, reason)
            while self._waiting_bytes > LOW_WATER and self._outbox:
                self._waiting_bytes -= len(self._outbox.pop())
            self._end()

    def read_on(self) -> None:
        """See `Connection.read_on`."""
        self._room.set()

    async def drained(self) -> None:
        """See `Connection.drained`."""
        await self._drained.wait()

    async def run(self, receiver: Receiver) -> None:
        """Carry messages until either side closes; then the receiver is told.

        A reader who does not take the close frame in time is cut off, where the socket is known.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(receiver))
                sending = tasks.create_task(self._send_all())
                await self._ending.wait()
                _, stuck = await asyncio.wait({sending}, timeout=CLOSE_TIMEOUT)
                if stuck and self._transport:
                    self._transport.abort()
                sending.cancel()
                reading.cancel()
        finally:
            self._end()
            self._outbox.clear()
            receiver.lost()

    def _end(self) -> None:
        self._ending.set()
        self._changed.set()
        self._drained.set()

    async def _read(self, receiver: Receiver) -> None:
        while (message := await self._websocket.receive()) is not _LEFT:
            if self.closed:
                continue
            if _size(message) > self._max_message:
                self.close(CloseCode.TOO_BIG, f"a message has at most {self._max_message} bytes here")
                continue
            receiver.received(message)
            if receiver.full:
                self._room.clear()
                await self._room.wait()
        self._end()

    async def _send_all(self) -> None:
        while self._outbox or not self.closed:
            await self._changed.wait()
            self._changed.clear()
            while self._outbox:
                frame = self._outbox.popleft()
                self._waiting_bytes -= len(frame)
                if self._waiting_bytes <= LOW_WATER:
                    self._drained.set()
                for text in frame.texts:
                    await self._websocket.send(text)
        if self._closing:
            await self._websocket.close(*self._closing)


def _size(message: str | bytes) -> int:
    """Bytes that it has on the wire."""
    return len(message.encode() if isinstance(message, str) and not message.isascii() else message)
